"""A change to a stored definition."""

from typing import Any

from pydantic import Field

from clustering_pipeline.model.base import RequestModel
from clustering_pipeline.model.definitions.automation import AutoExecuteMode, FullRunThresholds
from clustering_pipeline.model.definitions.create import CreateClusterRequest, References
from clustering_pipeline.model.definitions.labeling import LLMLabeling
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.definitions.vector_config import (
    OLDER_PARAMS,
    FaceClusterMergeConfig,
    LayoutStability,
    QualityGates,
    SampleSize,
)
from clustering_pipeline.model.errors import InvalidDefinition
from clustering_pipeline.model.filters.tree import FilterObject
from clustering_pipeline.model.json_values import JsonObject
from clustering_pipeline.model.names import Name

# What a definition keeps inside its vector_config.
_VECTOR_FIELDS = ("face_cluster_merge", "sample_size", "algorithm_params", "layout_stability")


class PatchClusterRequest(RequestModel):
    """Only keys with a value change something; objects replace what was there."""

    cluster_name: Name | None = None
    """New name, unique in the namespace."""
    description: str | None = None
    """New description."""
    metadata: JsonObject | None = None
    """New metadata, in place of all of the old."""
    llm_labeling: LLMLabeling | None = None
    """New labelling; the next execution relabels without clustering again."""
    filters: FilterObject | None = None
    """New selection; an empty object selects everything."""
    face_cluster_merge: FaceClusterMergeConfig | None = None
    """New face merge; ``enabled: false`` turns it off and keeps the settings."""
    sample_size: SampleSize | None = None
    """New limit of documents to fit on."""
    algorithm_params: JsonObject | None = None
    """New parameters of the method, in place of all of the old."""
    layout_stability: LayoutStability | None = None
    """New relation of the map to the one before."""
    source_cluster_ids: References | None = None
    """New sources of a composite definition, over the same features."""
    quality_gates: QualityGates | None = None
    """New conditions for a result to be published, in place of all of the old."""
    auto_execute_on_batch: bool | None = None
    """Whether a completed batch makes the definition due."""
    auto_execute_min_documents: int | None = Field(default=None, ge=0)
    """New threshold of documents."""
    auto_execute_cooldown_seconds: int | None = Field(default=None, ge=0)
    """New least time between automatic runs."""
    auto_execute_mode: AutoExecuteMode | None = None
    """What automatic runs do from now on. An extension of this server's."""
    auto_execute_full_run: FullRunThresholds | None = None
    """New thresholds of full runs, in place of all of the old. An extension of this server's."""

    @property
    def changes(self) -> dict[str, Any]:
        """The given fields, as JSON."""
        given = {name for name in self.model_fields_set if getattr(self, name) is not None}
        return self.model_dump(mode="json", include=given, exclude_unset=True)


def patched(definition: CreateClusterRequest, patch: PatchClusterRequest) -> CreateClusterRequest:
    """The definition with the patch applied, checked as a whole; raises ``InvalidRequest``."""
    merged = definition.model_dump(mode="json", exclude_unset=True)
    changes = patch.changes
    inner = {name: changes.pop(name) for name in _VECTOR_FIELDS if name in changes}
    merged |= changes
    if inner:
        merged["vector_config"] = _changed_vectors(merged.get("vector_config"), inner)
    return validate(CreateClusterRequest, merged)


def _changed_vectors(config: dict[str, Any] | None, inner: dict[str, Any]) -> dict[str, Any]:
    if config is None:
        message = f"{', '.join(inner)} cannot be changed: the definition has no vector_config"
        raise InvalidDefinition(message)
    if "algorithm_params" in inner:
        config = {key: value for key, value in config.items() if key not in OLDER_PARAMS}
    return config | inner
