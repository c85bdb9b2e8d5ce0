"""The Dagster instance that the command line and the embedded stack share."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from importlib.resources import files
from pathlib import Path
from threading import Lock

import dagster as dg

from clustering_pipeline.settings import Settings

_HOME = "DAGSTER_HOME"
_environment = Lock()


def dagster_home(settings: Settings) -> Path:
    """``DAGSTER_HOME`` when it is set, else a home of our own beside the embedded stack."""
    with _environment:
        chosen = os.environ.get(_HOME)
    if chosen:
        return Path(chosen)
    home = (settings.data_dir / "dagster").absolute()
    config = home / "dagster.yaml"
    with one_at_a_time(home):
        if not config.exists():
            config.write_text(
                files("clustering_pipeline.defs.instance").joinpath("dagster.yaml").read_text()
            )
    return home


@contextmanager
def one_at_a_time(home: Path) -> Generator[None]:
    """Of several processes, one after the other; the home is made if there is none.

    SQLite would refuse tables to one of two that make those of Dagster at once.
    """
    home.mkdir(parents=True, exist_ok=True)
    folder = os.open(home, os.O_RDONLY)
    try:
        # A network's file system may know no locks.
        with suppress(OSError):
            flock(folder, LOCK_EX)
        yield
    finally:
        os.close(folder)


def open_instance(home: Path) -> dg.DagsterInstance:
    """The instance of a Dagster home, whatever ``DAGSTER_HOME`` says."""
    with one_at_a_time(home), _called_home(home):
        return dg.DagsterInstance.from_config(str(home))


@contextmanager
def _called_home(home: Path) -> Generator[None]:
    """Its configuration may say ``env: DAGSTER_HOME``, which is read while the instance is made."""
    with _environment:
        before = os.environ.get(_HOME)
        os.environ[_HOME] = str(home)
        try:
            yield
        finally:
            if before is None:
                del os.environ[_HOME]
            else:
                os.environ[_HOME] = before
