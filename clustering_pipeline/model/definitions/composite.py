"""What composite definitions and runs ask of their sources: centroids that can be compared."""

from typing import Final

from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.definitions.vector_config import VectorConfig
from clustering_pipeline.model.errors import InvalidDefinition

COMPOSITE: Final = "composite"
# What fits centroids: their number is small and unknown, and no group of a source gets lost.  Of
# two random halves of the State of the Union, 25 groups each, 0.15 makes 24 groups, 21 of them of
# both halves; 0.05 leaves most apart, and 0.3 makes 13.
GROUPING = {
    "clustering_method": "agglomerative",
    "algorithm_params": {"affinity": "cosine", "linkage": "average", "distance_threshold": 0.15},
}
_COMPARING = ("multi_feature_strategy", "normalize_features")


def inherited(config: VectorConfig) -> VectorConfig:
    """How centroids are grouped where a composite definition does not say: by their angles, in the
    space of the source.
    """
    compared = {name: getattr(config, name) for name in _COMPARING}
    if compared["multi_feature_strategy"] == "weighted":
        compared["multi_feature_strategy"] = "concatenate"
    return VectorConfig.model_validate({"feature_uris": list(config.uris), **compared, **GROUPING})


def check_composes(title: str, definition: CreateClusterRequest) -> None:
    """Raises InvalidDefinition when that configuration cannot group centroids."""
    config = definition.vector_config
    if definition.by_attributes or config is None:
        message = f"{title!r} groups by attributes: only vectors have centroids to be grouped"
        raise InvalidDefinition(message)
    if config.multi_feature_strategy == "weighted":
        message = (
            f"{title!r} learns its weights from documents, and a composite run groups centroids: "
            "use multi_feature_strategy 'concatenate', with feature_weights"
        )
        raise InvalidDefinition(message)
    if config.face_cluster_merge is not None and config.face_cluster_merge.enabled:
        message = (
            f"{title!r} merges faces, which a composite run does not: its sources do that, and it "
            "takes their groups as they are"
        )
        raise InvalidDefinition(message)


def require_centroids(source: str, spec: ClusterSpec) -> None:
    """Raises InvalidDefinition when the groups of ``spec`` have no centroids."""
    if spec.attributes is not None:
        message = f"{source!r} groups by attributes: its groups have no centroids"
        raise InvalidDefinition(message)


def check_alike(title: str, config: VectorConfig, source: str, other: VectorConfig) -> None:
    """Raises InvalidDefinition when the centroids of both lie in different spaces."""
    ours, theirs = config.uris, other.uris
    if ours != theirs:
        message = (
            f"{title!r} groups centroids of {', '.join(ours)}, and {source!r} clusters "
            f"{', '.join(theirs)}: both need the same feature URIs in the same order"
        )
        raise InvalidDefinition(message)
    if _compared(config) != _compared(other):
        message = (
            f"{title!r} and {source!r} put their features together in different ways: both need "
            f"the same {' and '.join(_COMPARING)}"
        )
        raise InvalidDefinition(message)


def _compared(config: VectorConfig) -> tuple[bool, bool]:
    """Whether there is a space for each feature, and whether features have one length in it."""
    several = len(config.uris) > 1
    independent = config.multi_feature_strategy == "independent"
    return several and independent, several and config.normalize_features
