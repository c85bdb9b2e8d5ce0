"""What happens to the vectors before they are clustered, step by step."""

from typing import Annotated, Literal

from pydantic import Field

from clustering_pipeline.model.algorithms.parameters import NotNegative, Positive, Seed, Share
from clustering_pipeline.model.base import RequestModel
from clustering_pipeline.model.errors import InvalidParameters


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
    metric: Literal["cosine", "euclidean", "manhattan", "correlation"] = "cosine"
    """Distance between vectors."""


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
