"""The Dagster instance that the command line and the embedded stack share."""

import os
from importlib.resources import files
from pathlib import Path

import dagster as dg

from clustering_pipeline.settings import Settings


def dagster_home(settings: Settings) -> Path:
    """``DAGSTER_HOME`` when it is set, else a home of our own beside the embedded stack."""
    chosen = os.environ.get("DAGSTER_HOME")
    if chosen:
        return Path(chosen)
    home = (settings.data_dir / "dagster").absolute()
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists():
        config.write_text(
            files("clustering_pipeline.orchestration").joinpath("dagster.yaml").read_text()
        )
    return home


def open_instance(home: Path) -> dg.DagsterInstance:
    """The instance of a Dagster home, whatever ``DAGSTER_HOME`` says."""
    return dg.DagsterInstance.from_config(str(home))
