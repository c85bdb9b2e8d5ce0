"""Parameters of the algorithms that divide everything, as scikit-learn names them."""

from typing import ClassVar, Literal

from pydantic import Field

from clustering_pipeline.model.algorithms.parameters import (
    AtLeastOne,
    Jobs,
    NotNegative,
    Parameters,
    Positive,
    Seed,
    Share,
)
from clustering_pipeline.model.json_values import JsonValue


class KMeansParams(Parameters):
    """Spherical groups of similar size; the number of groups is given."""

    method: ClassVar[str] = "kmeans"

    n_clusters: int = Field(default=8, ge=2, le=1000)
    """How many groups to make."""
    max_iter: int = Field(default=300, ge=1, le=10000)
    """Most passes of one start."""
    random_state: Seed | None = 42
    """Seed of the starting centres; null draws a new one each run."""
    n_init: AtLeastOne = 10
    """Starts; the one with the smallest inertia is kept."""
    tol: Positive = 1e-4
    """Movement of the centres below which a start has converged."""
    init: Literal["k-means++", "random"] = "k-means++"
    """How the first centres are chosen."""
    verbose: int = Field(default=0, ge=0)
    """Accepted for scikit-learn's sake; runs report through the orchestrator."""
    copy_x: bool = True
    """Accepted for scikit-learn's sake; the input is never changed."""
    algorithm: Literal["lloyd", "elkan"] = "lloyd"
    """Which form of the iteration to use."""


class GaussianMixtureParams(Parameters):
    """A mixture of normal distributions; every document goes to its most likely component."""

    method: ClassVar[str] = "gaussian_mixture"

    n_components: AtLeastOne = 1
    """How many components, that is groups, to fit."""
    covariance_type: Literal["full", "tied", "diag", "spherical"] = "full"
    """The shape a component may take."""
    tol: Positive = 1e-3
    """Gain in the lower bound below which the fit has converged."""
    reg_covar: NotNegative = 1e-6
    """Added to the diagonal of each covariance, so that none is singular."""
    max_iter: AtLeastOne = 100
    """Most steps of expectation and maximisation."""
    n_init: AtLeastOne = 1
    """Starts; the most likely fit is kept."""
    init_params: Literal["kmeans", "k-means++", "random", "random_from_data"] = "kmeans"
    """How the first responsibilities are found."""
    weights_init: list[JsonValue] | None = None
    """Weights of the components to start from."""
    means_init: list[JsonValue] | None = None
    """Means of the components to start from, one row each."""
    precisions_init: list[JsonValue] | None = None
    """Inverse covariances to start from, in the form ``covariance_type`` asks for."""
    random_state: Seed | None = 42
    """Seed of the start; null draws a new one each run."""
    warm_start: bool = False
    """Accepted for scikit-learn's sake; every run fits afresh."""
    verbose: int = Field(default=0, ge=0)
    """Accepted for scikit-learn's sake; runs report through the orchestrator."""
    verbose_interval: AtLeastOne = 10
    """Accepted for scikit-learn's sake."""


class MeanShiftParams(Parameters):
    """Groups around the peaks of a density estimate; the number of groups is found."""

    method: ClassVar[str] = "mean_shift"

    bandwidth: Positive | None = None
    """Radius of the kernel; null estimates it from the data."""
    bandwidth_quantile: Share = 0.3
    """Where among the distances of each document to the others the estimate lies."""
    seeds: list[list[float]] | None = None
    """Points to climb from; null takes the documents themselves."""
    bin_seeding: bool = False
    """Whether to climb from the cells of a grid instead of from every document."""
    min_bin_freq: AtLeastOne = 1
    """Documents a cell needs to be climbed from."""
    cluster_all: bool = True
    """Whether documents within no kernel join the nearest peak instead of being noise."""
    n_jobs: Jobs = 1
    """Threads; -1 uses all."""
    max_iter: AtLeastOne = 300
    """Most steps of one climb."""


class AttributeBasedParams(Parameters):
    """None: groups by attribute are described by ``attribute_config``."""

    method: ClassVar[str] = "attribute_based"


PARTITIONING: tuple[type[Parameters], ...] = (
    KMeansParams,
    GaussianMixtureParams,
    MeanShiftParams,
    AttributeBasedParams,
)
