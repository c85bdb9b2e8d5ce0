from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clustering_pipeline.local.stack.client import Stack
from clustering_pipeline_tests.worlds.own_stack import own_stack
from clustering_pipeline_tests.worlds.planted import planted


@pytest.fixture(scope="module", autouse=True)
def environment(stack: Stack, qdrant_url: str) -> Iterator[None]:
    """The worker's embedded stack, and no setting of whoever runs the tests."""
    with own_stack(stack, qdrant_url):
        yield


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents with vectors, in parquet."""
    documents = planted(sizes={"sea": 30, "court": 20})
    vectors = pl.Series("embedding", np.asarray(documents.vectors), dtype=pl.Array(pl.Float32, 16))
    path = tmp_path_factory.mktemp("files") / "talks.parquet"
    pl.DataFrame(documents.payloads).with_columns(vectors).write_parquet(path)
    return path
