"""How the documents' vectors are clustered."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from clustering_pipeline.model.algorithms.density import HDBSCANParams
from clustering_pipeline.model.algorithms.parameters import NotNegative, Seed, Share
from clustering_pipeline.model.algorithms.preprocessing import PreprocessingStep
from clustering_pipeline.model.algorithms.registry import Method, largest_sample, parameters
from clustering_pipeline.model.base import RequestModel
from clustering_pipeline.model.definitions.feature_uri import FeatureURI
from clustering_pipeline.model.errors import InvalidDefinition
from clustering_pipeline.model.json_values import JsonObject


class FaceClusterMergeConfig(RequestModel):
    """Two groups join when their centroids are near and either boxes or scenes agree."""

    enabled: bool = True
    """False keeps the settings and does nothing."""
    centroid_cosine_threshold: Share = 0.55
    """Cosine that two centroids must reach."""
    bbox_iou_threshold: Share = 0.4
    """Mean overlap of boxes on frames both groups have, one of the two signs."""
    scene_jaccard_threshold: Share = 0.3
    """Jaccard similarity of the scenes of both groups, the other sign."""
    bbox_field: str = Field(default="bbox", min_length=1)
    """Payload field of the box."""
    frame_field: str = Field(default="frame_number", min_length=1)
    """Payload field of the frame."""
    scene_field: str = Field(default="scene_id", min_length=1)
    """Payload field of the scene."""


SampleSize = Annotated[int, Field(ge=1, le=1_000_000)]
VisComponents = Literal[2, 3]
LayoutStability = Literal["none", "align", "transform"]

STORED = "stored"
"""The context in which a definition is read that was accepted before a rule of today."""

# The older names of algorithm_params, one per method that had one.
OLDER_PARAMS = {
    "kmeans_parameters": "kmeans",
    "dbscan_parameters": "dbscan",
    "hdbscan_parameters": "hdbscan",
}


class WeightLearningConfig(RequestModel):
    """How the weights of several features are learned."""

    method: Literal["grid_search", "bayesian"] = "bayesian"
    """How weights are searched for."""
    max_iterations: int = Field(default=20, ge=5, le=100)
    """Most combinations that are tried."""
    metric: Literal["silhouette", "davies_bouldin", "calinski_harabasz"] = "silhouette"
    """What a good combination improves."""
    sample_size: int | None = Field(default=None, ge=100)
    """Documents each trial is made on; null leaves it to the engine."""
    random_state: Seed = 42
    """Seed of sample and search."""


class VectorConfig(RequestModel):
    """The features to cluster, the method and its parameters, and what is done before and after."""

    feature_uri: str | None = Field(default=None, min_length=1)
    """The one feature to cluster, as ``mixpeek://extractor@version/output``."""
    feature_uris: list[str] | None = Field(default=None, min_length=1)
    """The features to cluster; every input collection must have each of them."""
    feature_extractor_name: str | None = Field(default=None, min_length=1)
    """Older form of ``feature_uri``: the extractor's name."""
    version: str | None = Field(default=None, min_length=1)
    """Older form of ``feature_uri``: the extractor's version."""
    output_name: str | None = Field(default=None, min_length=1)
    """Older form of ``feature_uri``: the extractor's output."""
    clustering_method: Method
    """The algorithm."""
    description: str | None = None
    """A note for readers."""
    sample_size: SampleSize | None = None
    """Most documents to fit on, drawn uniformly with a seed; null is the method's own default."""
    kmeans_parameters: JsonObject | None = None
    """Older form of ``algorithm_params`` for k-means."""
    dbscan_parameters: JsonObject | None = None
    """Older form of ``algorithm_params`` for DBSCAN."""
    hdbscan_parameters: JsonObject | None = None
    """Older form of ``algorithm_params`` for HDBSCAN."""
    algorithm_params: JsonObject | None = None
    """Parameters of the method, by the names scikit-learn gives them; what is left out has the
    method's default."""
    multi_feature_strategy: Literal["concatenate", "independent", "weighted"] = "concatenate"
    """What is done with several features: one space of all, one clustering each, or one space with
    learned weights.  With one clustering each, every result written onto a document holds those of
    all features, by their names: ``{"text": "cl_0", "image": "cl_4"}``."""
    normalize_features: bool = True
    """Whether each feature's vectors are brought to length 1 before they are put together."""
    feature_weights: dict[str, NotNegative] | None = None
    """Feature URI to weight, for ``concatenate``; a feature left out weighs 1."""
    weight_learning_config: WeightLearningConfig | None = None
    """How ``weighted`` learns."""
    output_strategy: Literal["single", "per_feature"] = "single"
    """One output collection, or one per feature: with its own groups where features are
    independent, otherwise with the same groups by that feature's part of their centroids."""
    effective_feature_method: Literal["mean", "median", "medoid"] = "mean"
    """What stands for a group: its mean, its median, or the member nearest to the mean."""
    enrich_source: bool = False
    """Older form of the definition's ``enrich_source_collection``."""
    target_noise: float | None = Field(default=None, ge=0, lt=1, allow_inf_nan=False)
    """Documents in no group join the nearest until this share of all is left, the nearest first;
    each is marked ``assigned_by``.  Null leaves them.  An extension of this server's."""
    groups_wanted: int | None = Field(default=None, ge=1)
    """So many groups, from those that the method finds: the nearest join, or the widest are cut in
    two.  Null leaves their number to the method.  An extension of this server's."""
    face_cluster_merge: FaceClusterMergeConfig | None = None
    """Joins groups of one face that density has torn apart; null does not."""
    preprocessing_steps: list[PreprocessingStep] | None = None
    """Steps applied to the vectors in order; null or empty clusters them as they are."""
    hierarchical: bool = False
    """Whether groups are divided again."""
    max_hierarchy_depth: int = Field(default=3, ge=1, le=5)
    """Levels below the top that dividing may reach."""
    vis_n_components: VisComponents = 2
    """Dimensions of the map."""
    layout_stability: LayoutStability | None = None
    """How the map relates to the one before: ``none`` lays it out afresh, ``align``, the default,
    turns and scales it onto that one, ``transform`` leaves documents where they were and puts the
    others near theirs."""

    @field_validator("algorithm_params", *OLDER_PARAMS)
    @classmethod
    def _belong_to_method(
        cls, given: dict[str, Any] | None, info: ValidationInfo
    ) -> dict[str, Any] | None:
        method = OLDER_PARAMS.get(str(info.field_name), info.data.get("clustering_method"))
        if given is not None and method is not None:
            params = parameters(method, given)
            conflict = params.conflict if isinstance(params, HDBSCANParams) else None
            if conflict is not None and info.context != STORED:
                raise ValueError(conflict)
        return given

    @model_validator(mode="after")
    def _agree(self) -> Self:
        _check_older_params(self)
        _check_features(self)
        _check_sample_size(self)
        _check_layers(self)
        _check_wishes(self)
        return self

    @property
    def uris(self) -> tuple[str, ...]:
        """The features, whichever way they were given."""
        if self.feature_uris is not None:
            return tuple(dict.fromkeys(self.feature_uris))
        if self.feature_uri is not None:
            return (self.feature_uri,)
        return _older_uri(self)

    @property
    def given_params(self) -> Mapping[str, Any]:
        """The method's parameters as the client gave them."""
        older = f"{self.clustering_method}_parameters"
        given = self.algorithm_params
        return (getattr(self, older, None) if given is None else given) or {}


def _older_uri(config: VectorConfig) -> tuple[str, ...]:
    if config.feature_extractor_name is None:
        return ()
    output = f"/{config.output_name}" if config.output_name is not None else ""
    return (f"mixpeek://{config.feature_extractor_name}@{config.version or 'v1'}{output}",)


def _check_older_params(config: VectorConfig) -> None:
    for field, method in OLDER_PARAMS.items():
        if getattr(config, field) is not None and method != config.clustering_method:
            message = (
                f"{field} is for {method}, but clustering_method is "
                f"{config.clustering_method!r}: give its parameters in algorithm_params"
            )
            raise ValueError(message)


def _check_features(config: VectorConfig) -> None:
    for uri in config.uris:
        _check_uri(uri)
    if config.feature_uri is not None and config.feature_uri not in config.uris:
        message = "feature_uri is not among feature_uris: give one of the two"
        raise ValueError(message)
    if not config.uris and config.clustering_method != "attribute_based":
        message = "names no vector to cluster: give feature_uri, or feature_uris"
        raise ValueError(message)


def _check_uri(uri: str) -> None:
    try:
        FeatureURI.parse(uri)
    except InvalidDefinition as error:
        raise ValueError(error.message) from error


def _check_sample_size(config: VectorConfig) -> None:
    largest = largest_sample(config.clustering_method)
    if config.sample_size is not None and config.sample_size > largest:
        message = (
            f"sample_size {config.sample_size:,} is above the {largest:,} that "
            f"{config.clustering_method} may be fitted on"
        )
        raise ValueError(message)


def _check_layers(config: VectorConfig) -> None:
    merges = config.face_cluster_merge is not None and config.face_cluster_merge.enabled
    if config.given_params.get("layers") and (config.hierarchical or merges):
        message = (
            "algorithm_params.layers makes the groups within groups: leave out hierarchical and "
            "face_cluster_merge, or layers"
        )
        raise ValueError(message)


def _check_wishes(config: VectorConfig) -> None:
    asked = [
        name for name in ("target_noise", "groups_wanted") if getattr(config, name) is not None
    ]
    if asked and config.clustering_method == "attribute_based":
        message = f"{asked[0]} needs vectors: attribute_based has a group for each value"
        raise ValueError(message)
    if config.groups_wanted is not None and config.given_params.get("layers"):
        message = "groups_wanted asks for one level of groups, and algorithm_params.layers for more"
        raise ValueError(message)


FieldPath = Annotated[str, Field(min_length=1)]


class AttributeConfig(RequestModel):
    """One group per combination of values."""

    attributes: list[FieldPath] = Field(min_length=1)
    """Payload fields, dotted paths allowed; for a hierarchy the first one is on top."""
    description: str | None = None
    """A note for readers."""
    hierarchical_grouping: bool = False
    """Whether each first value becomes a parent, with the rest as its children."""
    aggregation_method: Literal["most_frequent", "first", "last"] | None = None
    """How a group's other attributes are summed up; null is ``most_frequent``."""


class QualityGates(RequestModel):
    """A run that fails one is kept and not published; a limit left out asks for nothing.

    Changing them groups nothing anew.
    """

    minimum_silhouette: float | None = Field(default=None, ge=-1, le=1)
    """Least cosine silhouette of the groups; a result with fewer than two groups has none."""
    minimum_density_validity: float | None = Field(default=None, ge=-1, le=1)
    """Least DBCV, measured over a seeded sample in the space that was clustered; passed over where
    documents only join groups."""
    maximum_noise_ratio: float | None = Field(default=None, ge=0, le=1)
    """Largest share of documents in no group."""
    maximum_largest_share: float | None = Field(default=None, ge=0, le=1)
    """Largest share of documents in one group on top of the hierarchy."""
    minimum_agreement: float | None = Field(default=None, ge=-1, le=1)
    """Least adjusted Rand index with the published run, over the documents that both hold; the
    first run has nothing to agree with."""
