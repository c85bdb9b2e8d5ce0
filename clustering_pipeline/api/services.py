"""What the endpoints work with: the stores, the settings, and whoever starts runs."""

from dataclasses import dataclass

from clustering_pipeline.orchestration.pipeline import Pipeline
from clustering_pipeline.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Opened once for an app; a test hands in others."""

    settings: Settings
    pipeline: Pipeline
