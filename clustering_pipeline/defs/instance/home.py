"""The Dagster instance that the command line and the embedded stack share."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from threading import Lock

import dagster as dg

from clustering_pipeline.defs.instance.internals import DefaultRunLauncher
from clustering_pipeline.model.errors import LocalStackUnavailable
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.settings import Settings

_HOME = "DAGSTER_HOME"
_environment = Lock()


def dagster_home(settings: Settings) -> Path:
    """``DAGSTER_HOME`` when it is set, else a home of our own beside the embedded stack."""
    with _environment:
        chosen = os.environ.get(_HOME)
    if chosen:
        return Path(chosen)
    home = (settings.own_dir / "dagster").absolute()
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


def require_reachable(instance: dg.DagsterInstance, pipeline: Pipeline) -> None:
    """Raises LocalStackUnavailable where runs are started elsewhere and would not find a store."""
    launcher = _elsewhere(instance) if pipeline.on_this_host else None
    if launcher is None:
        return
    message = (
        f"{launcher} starts runs on other hosts, which do not reach "
        f"{', '.join(pipeline.on_this_host)}: set what is in brackets to what every host reaches, "
        "or CLUSTERING_ARTIFACTS_SHARED=true for a folder that all of them mount"
    )
    raise LocalStackUnavailable(message)


def _elsewhere(instance: dg.DagsterInstance) -> str | None:
    """The name of a launcher whose runs are not on this host, by the configuration alone.

    Made, it might ask for a cluster that only the daemon may ask.
    """
    data = instance.get_ref().run_launcher_data if instance.is_persistent else None
    if data is None or data.module_name.split(".")[0] == dg.__name__:
        return None
    with suppress(ImportError, AttributeError):
        made = getattr(import_module(data.module_name), data.class_name)
        if issubclass(made, DefaultRunLauncher):
            return None
    return data.class_name
