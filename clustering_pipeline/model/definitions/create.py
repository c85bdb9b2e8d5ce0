"""A cluster definition as clients write it, and what of the contract this project does not do yet:
refused, never stored and ignored.
"""

import hashlib
import json
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from clustering_pipeline.model.base import RequestModel
from clustering_pipeline.model.definitions.automation import (
    DEFAULT_THRESHOLDS,
    AutoExecuteMode,
    FullRunThresholds,
)
from clustering_pipeline.model.definitions.enrichment import (
    METADATA,
    SourceEnrichmentConfig,
    metadata_value,
)
from clustering_pipeline.model.definitions.feature_uri import FeatureURI
from clustering_pipeline.model.definitions.labeling import LLMLabeling
from clustering_pipeline.model.definitions.vector_config import (
    AttributeConfig,
    QualityGates,
    VectorConfig,
)
from clustering_pipeline.model.errors import NotAvailableYet
from clustering_pipeline.model.filters.tree import FilterObject
from clustering_pipeline.model.json_values import JsonObject
from clustering_pipeline.model.names import Name

ClusterType = Literal["vector", "attribute"]
Reference = Annotated[str, Field(min_length=1, max_length=200)]
References = Annotated[list[Reference], Field(min_length=1)]
_BESIDE_THE_GROUPS = (
    "description",
    "enrich_source",
    "layout_stability",
    "output_strategy",
    "vis_n_components",
)


class CreateClusterRequest(RequestModel):
    """What to cluster, how, and where the results go."""

    collection_ids: References | None = None
    """Input collections, by id or name; required unless ``source_cluster_ids`` is given."""
    source_cluster_ids: References | None = None
    """Definitions whose groups are grouped in turn; their inputs are this definition's, and without
    a ``vector_config`` their features: then centroids are joined by their angles."""
    cluster_name: Name | None = None
    """Unique in the namespace; made up when missing."""
    description: str | None = None
    """What the definition is for."""
    metadata: JsonObject = Field(default_factory=dict)
    """Whatever the client wants to keep with it."""
    cluster_type: ClusterType = "vector"
    """Whether documents are grouped by their vectors or by what their payload says."""
    vector_config: VectorConfig | None = None
    """Required when ``cluster_type`` is ``vector``."""
    attribute_config: AttributeConfig | None = None
    """Required when ``cluster_type`` is ``attribute``."""
    filters: FilterObject | None = None
    """Which documents take part; null is all."""
    llm_labeling: LLMLabeling | None = None
    """Labels by a language model; null is labels by keyphrases."""
    enrich_source_collection: bool = False
    """Whether results are written onto the source documents, instead of an output collection."""
    source_enrichment_config: SourceEnrichmentConfig | None = None
    """Which results are written onto the source documents, under which names."""
    quality_gates: QualityGates | None = None
    """What a result must be like to be published; null asks for nothing."""
    auto_execute_on_batch: bool = False
    """Whether a completed batch of an input collection makes the definition due; of a composite
    one, a published run of a source."""
    auto_execute_min_documents: int | None = Field(default=None, ge=0)
    """Documents the input collections must hold together before that; null is none."""
    auto_execute_cooldown_seconds: int = Field(default=3600, ge=0)
    """Least time from the start of one automatic run to the next."""
    auto_execute_mode: AutoExecuteMode = "full"
    """What an automatic run does: cluster everything, assign what is new to the published groups,
    or choose (``auto``). Those that assign keep no cooldown. An extension of this server's."""
    auto_execute_full_run: FullRunThresholds = DEFAULT_THRESHOLDS
    """What makes ``auto`` cluster everything again. An extension of this server's."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.collection_ids is None and self.source_cluster_ids is None:
            message = "collection_ids is required: name at least one collection to cluster"
            raise ValueError(message)
        needed = f"{self.cluster_type}_config"
        if getattr(self, needed) is None and self.source_cluster_ids is None:
            message = f"{needed} is required when cluster_type is {self.cluster_type!r}"
            raise ValueError(message)
        self._check_attributes()
        self._check_map()
        self._check_metadata()
        self._check_label_inputs()
        if problem := mode_problem(self, "auto_execute_mode", self.auto_execute_mode):
            raise ValueError(problem)
        return self

    def _check_attributes(self) -> None:
        if self.by_attributes and self.source_cluster_ids is not None:
            message = "source_cluster_ids names groups by vectors: attributes have no centroids"
            raise ValueError(message)
        if self.by_attributes and self.attribute_config is None:
            message = "attribute_config is required when clustering_method is 'attribute_based'"
            raise ValueError(message)

    def _check_map(self) -> None:
        mapped = self._mapped()
        vectors = self.vector_config
        if "z" in mapped and (vectors is None or vectors.vis_n_components < 3):
            message = "the source field 'z' needs vector_config.vis_n_components 3"
            raise ValueError(message)
        placed = sorted(mapped & {"x", "y", "z", "distance_to_centroid"})
        if placed and self.by_attributes:
            message = f"the source field {placed[0]!r} needs vectors: attributes have none"
            raise ValueError(message)

    def _mapped(self) -> set[str]:
        config = self.source_enrichment_config
        return {item.source_field for item in config.field_mappings} if config else set()

    def _check_metadata(self) -> None:
        for field in sorted(self._mapped()):
            if field.startswith(METADATA):
                metadata_value(self.metadata, field)

    def _check_label_inputs(self) -> None:
        """A ``vector`` input tells of a vector that makes the groups."""
        names = self._vector_names()
        paths = self.llm_labeling.vector_paths if self.llm_labeling else ()
        unknown = next((path for path in paths if names is not None and path not in names), None)
        if unknown is not None:
            known = ", ".join(sorted(names or ())) or "none, for attributes make the groups"
            message = f"llm_labeling has no vector {unknown!r} for an input; there is: {known}"
            raise ValueError(message)

    def _vector_names(self) -> set[str] | None:
        """Feature URIs and their outputs; None where the sources' definitions say."""
        if self.by_attributes:
            return set()
        if self.vector_config is None:
            return None
        uris = self.vector_config.uris
        return {name for uri in uris for name in (uri, FeatureURI.parse(uri).output) if name}

    @property
    def by_attributes(self) -> bool:
        """Whether the payload makes the groups, not the vectors."""
        vectors = self.vector_config
        named = vectors is not None and vectors.clustering_method == "attribute_based"
        return self.cluster_type == "attribute" or named

    @property
    def grouping(self) -> str:
        """A digest of all that makes the groups: where it differs, so may they."""
        own = ("cluster_type", "vector_config", "attribute_config", "filters", "source_cluster_ids")
        given = self.model_dump(mode="json", include=set(own), exclude_defaults=True)
        if self.vector_config is not None:
            for field in _BESIDE_THE_GROUPS:
                given["vector_config"].pop(field, None)
        return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def enriches(self) -> bool:
        """Whether source documents get the results."""
        return self.enrich_source_collection or (
            self.vector_config is not None and self.vector_config.enrich_source
        )


def mode_problem(definition: CreateClusterRequest, field: str, mode: AutoExecuteMode) -> str | None:
    """Why an automatic mode that assigns does not suit the definition; None where it does."""
    if mode != "full" and definition.by_attributes:
        return f"{field} {mode!r} compares vectors, and attributes make the groups: use 'full'"
    if mode != "full" and definition.source_cluster_ids:
        return (
            f"{field} {mode!r} assigns documents, and a composite definition groups the groups of "
            "its sources: give it to them, and use 'full' here"
        )
    return None


def check_available(definition: CreateClusterRequest) -> None:
    """Raises ``NotAvailableYet`` naming the first field that asks for what is not there.

    Building a behaviour deletes its line.
    """
    if _target(definition) and (definition.source_cluster_ids or _weighted(definition)):
        message = (
            f"a umap step with target {_target(definition)!r} is not available yet for a composite "
            "definition or learned feature weights: leave target out"
        )
        raise NotAvailableYet(message)


def _target(definition: CreateClusterRequest) -> str | None:
    config = definition.vector_config
    steps = (config.preprocessing_steps if config else None) or ()
    return next((step.target for step in steps if step.method == "umap" and step.target), None)


def _weighted(definition: CreateClusterRequest) -> bool:
    config = definition.vector_config
    return config is not None and config.multi_feature_strategy == "weighted"
