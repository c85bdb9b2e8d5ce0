"""What one execution does: a definition frozen with the overrides of that execution."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from clustering_pipeline.model.algorithms.parameters import Parameters
from clustering_pipeline.model.algorithms.registry import default_sample, parameters
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.enrichment import (
    DEFAULT_MAPPINGS,
    EnrichmentFieldMapping,
)
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest, ExecutionMode
from clustering_pipeline.model.definitions.feature_uri import FeatureURI
from clustering_pipeline.model.definitions.labeling import LLMLabeling
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.definitions.vector_config import AttributeConfig, VectorConfig
from clustering_pipeline.model.errors import InvalidDefinition
from clustering_pipeline.model.scope import Scoped

ASSIGN = "assign"
# Overrides that the definition keeps inside its vector_config.
_VECTOR_FIELDS = ("sample_size", "vis_n_components", "layout_stability")


class ClusterSpec(Scoped):
    """A definition as it stood when its run began, with every default filled in on asking."""

    cluster_id: str
    cluster_name: str
    version: int
    definition: CreateClusterRequest
    mode: ExecutionMode = "full"
    assignment_threshold: float = 0.5
    from_pool: bool = False
    source_execution_ids: list[str] | None = None
    defer_visualization: bool = False

    @property
    def vectors(self) -> VectorConfig:
        """The vector config; raises ``InvalidDefinition`` when there is none."""
        if self.definition.vector_config is None:
            message = f"definition {self.cluster_name!r} has no vector_config"
            raise InvalidDefinition(message)
        return self.definition.vector_config

    @property
    def method(self) -> str:
        """The algorithm."""
        by_attribute = self.definition.cluster_type == "attribute"
        return "attribute_based" if by_attribute else self.vectors.clustering_method

    @property
    def params(self) -> Parameters:
        """The method's parameters with its defaults."""
        given = {} if self.definition.cluster_type == "attribute" else self.vectors.given_params
        return parameters(self.method, given)

    @property
    def collection_ids(self) -> tuple[str, ...]:
        """The input collections."""
        return tuple(self.definition.collection_ids or ())

    @property
    def feature_uris(self) -> tuple[str, ...]:
        """The features to cluster; none when attributes make the groups."""
        return () if self.method == "attribute_based" else self.vectors.uris

    @property
    def attributes(self) -> AttributeConfig | None:
        """The payload fields that make the groups; None when vectors do."""
        return self.definition.attribute_config if self.method == "attribute_based" else None

    @property
    def feature_names(self) -> dict[str, str]:
        """Feature URI to what tables call it: its output part, or all of it where two share one."""
        features = {uri: FeatureURI.parse(uri) for uri in self.feature_uris}
        short = {uri: feature.output or feature.extractor for uri, feature in features.items()}
        taken = Counter(short.values())
        return {
            uri: name
            if taken[name] == 1
            else f"{features[uri].extractor}_{features[uri].version}_{name}"
            for uri, name in short.items()
        }

    @property
    def feature_name(self) -> str:
        """What the clustered features are called in tables."""
        return "+".join(self.feature_names.values())

    @property
    def clusterings(self) -> dict[str, tuple[str, ...]]:
        """What each clustering of a run is called, and the features it groups by: one of all the
        features, or one for each when they are independent.
        """
        independent = self.feature_uris and self.vectors.multi_feature_strategy == "independent"
        if independent:
            return {name: (uri,) for uri, name in self.feature_names.items()}
        return {self.feature_name: self.feature_uris}

    @property
    def output_features(self) -> tuple[str, ...]:
        """The features that have an output collection each; none when there is one for all."""
        if not self.feature_uris or self.vectors.output_strategy != "per_feature":
            return ()
        return tuple(self.feature_names.values())

    @property
    def preprocessing(self) -> tuple[Mapping[str, Any], ...]:
        """The steps in order with their defaults; ``none`` is no step."""
        config = self.definition.vector_config
        steps = (config.preprocessing_steps if config else None) or ()
        return tuple(step.model_dump() for step in steps if step.method != "none")

    @property
    def sample_size(self) -> int | None:
        """Most documents to fit on; None is all of them."""
        config = self.definition.vector_config
        given = config.sample_size if config else None
        return default_sample(self.method) if given is None else given

    @property
    def vis_n_components(self) -> int:
        """Dimensions of the map: 2 or 3."""
        config = self.definition.vector_config
        return config.vis_n_components if config else 2

    @property
    def filters(self) -> dict[str, Any] | None:
        """Which documents take part; None is all."""
        return self.definition.filters

    @property
    def llm_labeling(self) -> LLMLabeling:
        """The labelling asked for; without one, keyphrases."""
        return self.definition.llm_labeling or LLMLabeling()

    @property
    def enrich(self) -> bool:
        """Whether results go onto the source documents rather than to an output collection."""
        return self.definition.enriches

    @property
    def field_mappings(self) -> tuple[EnrichmentFieldMapping, ...]:
        """Results and the payload fields they go to."""
        config = self.definition.source_enrichment_config
        return tuple(config.field_mappings if config else ()) or DEFAULT_MAPPINGS

    @property
    def target_fields(self) -> list[str]:
        """The payload fields that it writes; none when it does not enrich."""
        return [mapping.target_field for mapping in self.field_mappings] if self.enrich else []

    @property
    def joins(self) -> bool:
        """Whether documents join groups that are there, whatever is made of the others."""
        return self.mode == ASSIGN or self.from_pool


def overridden(
    definition: CreateClusterRequest, overrides: ExecuteClusterByIdRequest
) -> CreateClusterRequest:
    """The definition for one execution, checked as a whole; raises ``InvalidRequest``."""
    merged = definition.model_dump(mode="json", exclude_unset=True)
    given = overrides.model_dump(mode="json", exclude_none=True)
    merged |= {name: given[name] for name in ("filters", "llm_labeling") if name in given}
    inner = {name: given[name] for name in _VECTOR_FIELDS if name in given}
    if inner and merged.get("vector_config") is not None:
        merged["vector_config"] = merged["vector_config"] | inner
    return validate(CreateClusterRequest, merged)
