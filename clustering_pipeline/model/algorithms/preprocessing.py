"""What happens to the vectors before they are clustered, step by step."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from clustering_pipeline.model.algorithms.parameters import NotNegative, Positive, Seed, Share
from clustering_pipeline.model.base import RequestModel
from clustering_pipeline.model.errors import InvalidParameters

UMAPMetric = Literal[
    "cosine",
    "euclidean",
    "manhattan",
    "correlation",
    "braycurtis",
    "canberra",
    "chebyshev",
    "dice",
    "hamming",
    "haversine",
    "hellinger",
    "jaccard",
    "kulsinski",
    "l1",
    "l2",
    "linf",
    "linfinity",
    "linfty",
    "ll_dirichlet",
    "mahalanobis",
    "matching",
    "minkowski",
    "poincare",
    "rogerstanimoto",
    "russellrao",
    "seuclidean",
    "softmax_hellinger",
    "sokalmichener",
    "sokalsneath",
    "standardised_euclidean",
    "symmetric_kl",
    "taxicab",
    "weighted_minkowski",
    "wminkowski",
    "yule",
]
OWN_METRICS = frozenset({"cosine", "euclidean", "manhattan", "correlation"})
"""Those of the engine's own layout; umap-learn measures by the others."""
LAYOUT_FIELDS = frozenset(
    {"method", "n_components", "random_state", "n_neighbors", "min_dist", "metric"}
)
"""The parameters of the engine's own layout; umap-learn serves the others."""


class Step(RequestModel):
    """One step; ``method`` tells which."""

    refused_as = InvalidParameters


class UMAPStep(Step):
    """Neighbourhoods kept in fewer dimensions."""

    method: Literal["umap"]
    """``umap``."""
    n_components: int = Field(default=50, ge=2, le=256)
    """Dimensions that remain."""
    random_state: Seed = 42
    """Seed."""
    n_neighbors: int = Field(default=30, ge=2)
    """Neighbours whose nearness is kept: few for detail, many for the large shape."""
    min_dist: Share = 0.0
    """How tightly points may lie; 0 suits clustering."""
    metric: UMAPMetric = "cosine"
    """Distance between vectors."""
    spread: Positive = 1.0
    """How far apart points lie; at least ``min_dist``."""
    set_op_mix_ratio: Share = 1.0
    """Whether both documents have to name each other neighbours: 1 either, 0 both."""
    local_connectivity: NotNegative = 1.0
    """How many nearest neighbours count as fully connected."""
    repulsion_strength: NotNegative = 1.0
    """How strongly documents that are no neighbours push each other away."""
    negative_sample_rate: int = Field(default=5, ge=1, le=1000)
    """How many such documents are drawn for each pair of neighbours."""
    densmap: bool = False
    """Whether dense regions stay denser than others."""
    target: str | None = Field(default=None, min_length=1, max_length=500)
    """Payload field whose values pull documents together."""
    target_metric: Literal["categorical", "euclidean"] = "categorical"
    """How values of ``target`` differ: by being equal or not, or as numbers."""
    target_weight: Share = 0.5
    """How much ``target`` counts: 0 the vectors alone, 1 the target above all."""

    @model_validator(mode="after")
    def _spread_out(self) -> Self:
        if self.min_dist > self.spread:
            message = (
                f"min_dist {self.min_dist:g} is larger than spread {self.spread:g}: "
                "lower min_dist or raise spread"
            )
            raise ValueError(message)
        return self

    @property
    def laid_out_here(self) -> bool:
        """Whether the engine's own layout has everything that is asked for."""
        fields = type(self).model_fields.items()
        return self.metric in OWN_METRICS and all(
            getattr(self, name) == field.default
            for name, field in fields
            if name not in LAYOUT_FIELDS
        )


class PCAStep(Step):
    """The directions of largest variance."""

    method: Literal["pca"]
    """``pca``."""
    n_components: int = Field(default=50, ge=2, le=256)
    """Dimensions that remain."""
    random_state: Seed = 42
    """Seed of the randomised solver."""


class WhiteningStep(Step):
    """All directions brought to equal variance (soft ZCA)."""

    method: Literal["whitening"]
    """``whitening``."""
    regularization: NotNegative = 1e-5
    """Added to every variance, so that the smallest directions are not blown up."""


class TSNEStep(Step):
    """Neighbourhoods drawn apart, for few dimensions."""

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


class NoStep(Step):
    """The vectors as they are."""

    method: Literal["none"]
    """``none``."""


PreprocessingStep = Annotated[
    UMAPStep | PCAStep | WhiteningStep | TSNEStep | NoStep, Field(discriminator="method")
]
STEP_METHODS = ("umap", "pca", "whitening", "tsne", "none")
