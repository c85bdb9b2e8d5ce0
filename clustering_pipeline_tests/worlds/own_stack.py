"""Settings of nobody but the tests: the worker's embedded stack, and nothing of the environment."""

import os
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from clustering_pipeline.local.stack.client import Stack


@contextmanager
def own_stack(stack: Stack, qdrant_url: str) -> Generator[pytest.MonkeyPatch]:
    """The environment of whoever uses the worker's stack; further changes end with it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("CLUSTERING_", "DAGSTER_")):
                patch.delenv(name)
        patch.setenv("CLUSTERING_DATA_DIR", str(stack.data_dir))
        if qdrant_url != stack.qdrant_url:
            patch.setenv("CLUSTERING_QDRANT_URL", qdrant_url)
        yield patch
