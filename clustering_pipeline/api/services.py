"""What the endpoints work with: the stores, the settings, and whoever starts runs."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from clustering_pipeline.api.launches import Launches
from clustering_pipeline.api.one_shots import OneShots
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.launcher import Launcher
from clustering_pipeline.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Opened once for an app; a test hands in others."""

    settings: Settings
    pipeline: Pipeline
    launcher: Launcher
    launches: Launches
    one_shots: OneShots


@contextmanager
def open_services(
    settings: Settings, pipeline: Pipeline, launcher: Launcher
) -> Generator[Services]:
    """The services over open stores; runs that were started are cancelled at the end."""
    with (
        closing(Launches(pipeline, launcher)) as launches,
        closing(OneShots(settings, pipeline)) as one_shots,
    ):
        yield Services(
            settings=settings,
            pipeline=pipeline,
            launcher=launcher,
            launches=launches,
            one_shots=one_shots,
        )
