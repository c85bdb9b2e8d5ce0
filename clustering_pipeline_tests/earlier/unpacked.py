"""The archive of an earlier version's data directory, unpacked and served."""

import json
import os
import tarfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from clustering_pipeline.local.stack.client import attach, detach

FOLDER = Path(__file__).parent
FACTS = json.loads((FOLDER / "facts.json").read_text())
"""Definition to what the version that made it showed of it."""


@contextmanager
def unpacked(folder: Path, **settings: str) -> Generator[Path]:
    """The data directory below ``folder``, its servers running, and the command line over it."""
    with tarfile.open(FOLDER / "data.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    data_dir = folder / "olddata"
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("CLUSTERING_", "DAGSTER_")):
                patch.delenv(name)
        for name, value in ({"CLUSTERING_DATA_DIR": str(data_dir)} | settings).items():
            patch.setenv(name, value)
        stack = attach(data_dir, journal=False, grace=1.0)
        supervisor = psutil.Process(stack.pid)
        yield data_dir
        detach(data_dir)
    psutil.wait_procs([supervisor], timeout=30)
