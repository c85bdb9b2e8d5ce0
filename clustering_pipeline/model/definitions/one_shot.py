"""Clustering without a stored definition: one request, one answer."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from clustering_pipeline.model.algorithms.parameters import Positive, Seed, Share
from clustering_pipeline.model.algorithms.registry import Method
from clustering_pipeline.model.base import RequestModel, View
from clustering_pipeline.model.definitions.create import CreateClusterRequest, References
from clustering_pipeline.model.definitions.labeling import LLMLabeling
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.definitions.vector_config import AttributeConfig, SampleSize
from clustering_pipeline.model.errors import InvalidParameters
from clustering_pipeline.model.json_values import JsonObject
from clustering_pipeline.model.times import Moment


class FeatureAddress(RequestModel):
    """A feature URI in its parts."""

    scheme: str = Field(default="mixpeek", min_length=1)
    """Scheme of the URI."""
    extractor: str = Field(min_length=1)
    """The extractor's name."""
    version: str = Field(min_length=1)
    """The extractor's version."""
    output: str | None = None
    """The extractor's output, where it has several."""

    @property
    def uri(self) -> str:
        """The parts as one text."""
        output = f"/{self.output}" if self.output is not None else ""
        return f"{self.scheme}://{self.extractor}@{self.version}{output}"


class FeatureVectorRef(RequestModel):
    """A vector, by its feature or by its name in Qdrant."""

    feature_address: str | FeatureAddress | None = None
    """A feature URI, as one text or in its parts."""
    vector_name: str | None = Field(default=None, min_length=1)
    """The vector's own name."""

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.feature_address is None) == (self.vector_name is None):
            message = "give either feature_address or vector_name"
            raise ValueError(message)
        return self

    @property
    def uri(self) -> str:
        """The feature URI that finds the vector."""
        if isinstance(self.feature_address, FeatureAddress):
            return self.feature_address.uri
        return self.feature_address or uri_of_vector(str(self.vector_name))


class OneShotUMAP(RequestModel):
    """UMAP, as this call has always had it: for a map rather than for clustering."""

    refused_as = InvalidParameters

    method: Literal["umap"]
    """``umap``."""
    n_components: int = Field(default=2, ge=2, le=256)
    """Dimensions that remain."""
    random_state: Seed = 42
    """Seed."""
    n_neighbors: int = Field(default=15, ge=2)
    """Neighbours whose nearness is kept."""
    min_dist: Share = 0.1
    """How tightly points may lie."""


class OneShotTSNE(RequestModel):
    """t-SNE."""

    refused_as = InvalidParameters

    method: Literal["tsne"]
    """``tsne``."""
    n_components: int = Field(default=2, ge=2, le=256)
    """Dimensions that remain."""
    random_state: Seed = 42
    """Seed."""
    perplexity: Positive = 30.0
    """About how many neighbours count."""
    learning_rate: Positive = 200.0
    """Step length of the descent."""


class NoReduction(RequestModel):
    """The vectors are clustered as they are."""

    method: Literal["none"]
    """``none``."""


Reduction = Annotated[OneShotUMAP | OneShotTSNE | NoReduction, Field(discriminator="method")]


class OneShotLabeling(LLMLabeling):
    """Labels by a language model, with this call's own default of samples."""

    max_samples_per_cluster: int | None = Field(default=10, ge=1, le=20)
    """Documents the model sees of a group."""


class ClusteringConfig(RequestModel):
    """The method, its parameters, and what it is given."""

    algorithm: Method
    """The algorithm."""
    algorithm_params: JsonObject | None = None
    """Parameters of the method, by the names scikit-learn gives them."""
    description: str | None = None
    """A note for readers."""
    feature_vector: FeatureVectorRef | None = None
    """The vector to cluster; required unless attributes make the groups."""
    attribute_config: AttributeConfig | None = None
    """The payload fields that make the groups, for ``attribute_based``."""
    additional_features: list[str] = Field(default_factory=list)
    """Further vectors, by feature URI or by name, put beside the first."""
    normalize_features: bool = True
    """Whether each vector is brought to length 1 before they are put together."""
    dimensionality_reduction: Reduction | None = None
    """What is done to the vectors first; null clusters them as they are."""
    hierarchical: bool = False
    """Whether groups are divided again."""
    max_hierarchy_depth: int = Field(default=3, ge=1, le=5)
    """Levels below the top that dividing may reach."""
    llm_labeling: OneShotLabeling | None = None
    """Labels by a language model; null is labels by keyphrases."""
    batch_size: int = Field(default=1000, ge=1)
    """Most documents that are read in one go; fewer where vectors are long."""
    parallelism: int = Field(default=4, ge=1)
    """Readings under way at once; more than 8 count as 8."""
    sample_size: SampleSize | None = None
    """Most documents to fit on; the request's own wins."""

    @model_validator(mode="after")
    def _something_to_go_by(self) -> Self:
        by_attributes = self.algorithm == "attribute_based"
        if by_attributes and self.attribute_config is None:
            message = "attribute_config is required when algorithm is 'attribute_based'"
            raise ValueError(message)
        if not (by_attributes or self.feature_vector or self.additional_features):
            message = "feature_vector is required: give its feature_address or vector_name"
            raise ValueError(message)
        return self


class ExecuteClusterRequest(RequestModel):
    """What to cluster at once, and what of it to keep."""

    collection_ids: References
    """Input collections, by id or name."""
    config: ClusteringConfig
    """How they are clustered."""
    namespace_id: str | None = None
    """The namespace, again: it must be that of the call."""
    internal_id: str | None = None
    """The organisation, again: it must be that of the key."""
    sample_size: SampleSize | None = None
    """Most documents to fit on; the rest join the nearest group."""
    store_results: bool = True
    """Whether the execution is kept, so that it can be applied to documents later."""
    include_members: bool = False
    """Whether the answer lists every document with its group."""
    compute_metrics: bool = True
    """Whether the answer says how good the groups are."""
    save_artifacts: bool = False
    """Whether the documents as they were read are kept as well."""

    @property
    def keeps(self) -> bool:
        """Whether anything outlives the call."""
        return self.store_results or self.save_artifacts

    def definition(self) -> CreateClusterRequest:
        """The same as a definition; raises ``InvalidRequest`` when it is none."""
        config = self.config
        by_attributes = config.algorithm == "attribute_based"
        return validate(
            CreateClusterRequest,
            {
                "collection_ids": list(self.collection_ids),
                "cluster_type": "attribute" if by_attributes else "vector",
                "vector_config": None if by_attributes else self._vectors(),
                "attribute_config": config.attribute_config
                and config.attribute_config.model_dump(),
                "llm_labeling": config.llm_labeling and config.llm_labeling.model_dump(),
            },
        )

    def _vectors(self) -> dict[str, Any]:
        config = self.config
        step = config.dimensionality_reduction
        first = [config.feature_vector.uri] if config.feature_vector else []
        further = [
            feature if "://" in feature else uri_of_vector(feature)
            for feature in config.additional_features
        ]
        return {
            "clustering_method": config.algorithm,
            "algorithm_params": config.algorithm_params,
            "feature_uris": [*first, *further] or None,
            "normalize_features": config.normalize_features,
            "preprocessing_steps": [step.model_dump()] if step else None,
            "hierarchical": config.hierarchical,
            "max_hierarchy_depth": config.max_hierarchy_depth,
            "sample_size": self.sample_size or config.sample_size,
        }


def uri_of_vector(name: str) -> str:
    """A feature URI whose output is the vector of that name."""
    return f"mixpeek://vector@v1/{name}"


class ClusterCentroid(View):
    """One group."""

    cluster_id: str
    """Its id: ``cl_0`` is the largest."""
    centroid_vector: list[float]
    """Its centroid; empty where attributes make the groups."""
    feature_name: str
    """What was clustered."""
    vector_name: str
    """The same, under its older name."""
    feature_dimensions: int
    """Length of the centroid."""
    num_members: int = 0
    """Documents in it."""
    variance: float | None = None
    """Mean squared distance of its members to the centroid."""
    label: str | None = None
    """Its name."""
    summary: str | None = None
    """A sentence about it."""
    keywords: list[str] | None = None
    """Words that tell it from the others."""
    effective_features: dict[str, Any] = Field(default_factory=dict)
    """What its documents have in common, by field."""
    feature_statistics: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Numbers about those fields."""
    parent_cluster_id: str | None = None
    """The group it is part of."""
    child_cluster_ids: list[str] = Field(default_factory=list)
    """The groups it is divided into."""
    hierarchy_level: int = 0
    """0 on top."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """Further facts."""


class ClusterMember(View):
    """A document and its group."""

    document_id: str | None
    """The document."""
    collection_id: str
    """Its collection."""
    cluster_id: str
    """Its group."""
    distance_to_centroid: float | None
    """How far it is from the middle of it."""


class ExecuteClusterResponse(View):
    """The groups of one clustering."""

    success: bool
    """True."""
    run_id: str
    """Id of the execution."""
    algorithm: str
    """The algorithm."""
    num_clusters: int
    """Groups, noise not counted; on the top level of a hierarchy."""
    num_documents: int
    """Documents that took part, noise included."""
    centroids: list[ClusterCentroid]
    """The groups, level by level, largest first."""
    members: list[ClusterMember] | None = None
    """Every document, when asked for."""
    metrics: dict[str, float] = Field(default_factory=dict)
    """How good the groups are; numbers only."""
    parquet_path: str | None = None
    """Where the groups are kept, if they are."""
    members_key: str | None = None
    """Where the documents with their groups are kept, if they are."""
    execution_time_ms: int
    """How long it took."""
    created_at: Moment
    """When it was asked for."""
