"""Parameters of the algorithms that join neighbours: linkage, spectra and communities."""

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
from clustering_pipeline.model.json_values import JsonObject, JsonValue


class AgglomerativeParams(Parameters):
    """Groups made by joining the two nearest ones again and again."""

    method: ClassVar[str] = "agglomerative"

    n_clusters: int | None = Field(default=2, ge=2)
    """Groups to stop at; null when ``distance_threshold`` decides."""
    affinity: Literal["euclidean", "l1", "l2", "manhattan", "cosine"] = "euclidean"
    """Distance between vectors (scikit-learn's ``metric``)."""
    memory: str | None = None
    """Accepted for scikit-learn's sake; nothing is cached on disk."""
    connectivity: JsonValue = None
    """Which documents may be joined, as a matrix; null is any two."""
    compute_full_tree: Literal["auto", "true", "false"] = "auto"
    """Whether to join past the wanted number of groups."""
    linkage: Literal["ward", "complete", "average", "single"] = "ward"
    """How the distance of two groups is measured."""
    distance_threshold: Positive | None = None
    """Distance from which groups are not joined."""
    compute_distances: bool = False
    """Whether to keep the distance of every join."""


class SpectralParams(Parameters):
    """Groups of a similarity graph, found through its eigenvectors."""

    method: ClassVar[str] = "spectral"

    n_clusters: int = Field(default=8, ge=2)
    """How many groups to make."""
    eigen_solver: Literal["arpack", "lobpcg", "amg"] | None = None
    """How eigenvectors are found; null is ARPACK."""
    n_components: AtLeastOne | None = None
    """Eigenvectors to use; null is ``n_clusters``."""
    random_state: Seed | None = 42
    """Seed; null draws a new one each run."""
    n_init: AtLeastOne = 10
    """Starts of the k-means that assigns labels."""
    gamma: Positive = 1.0
    """Width of the kernel; unused with ``nearest_neighbors``."""
    affinity: Literal[
        "rbf",
        "nearest_neighbors",
        "laplacian",
        "sigmoid",
        "polynomial",
        "poly",
        "linear",
        "cosine",
        "chi2",
        "additive_chi2",
    ] = "rbf"
    """How similarity is measured."""
    n_neighbors: AtLeastOne = 10
    """Neighbours in the graph when ``affinity`` is ``nearest_neighbors``."""
    eigen_tol: NotNegative = 0.0
    """When the eigenvectors are good enough; 0 is machine precision."""
    assign_labels: Literal["kmeans", "discretize", "cluster_qr"] = "kmeans"
    """How labels are read off the eigenvectors."""
    degree: float = 3
    """Degree of the polynomial kernel."""
    coef0: float = 1
    """Constant of the polynomial and sigmoid kernels."""
    kernel_params: JsonObject | None = None
    """More arguments of the kernel."""
    n_jobs: Jobs = 1
    """Threads; -1 uses all."""
    verbose: bool = False
    """Accepted for scikit-learn's sake; runs report through the orchestrator."""


class LeidenParams(Parameters):
    """Communities of the nearest-neighbour graph."""

    method: ClassVar[str] = "leiden"

    resolution: float = Field(default=1.0, gt=0, le=100)
    """Higher finds more and smaller groups."""
    n_neighbors: int = Field(default=30, ge=2, le=200)
    """Neighbours of each document in the graph."""
    metric: Literal["cosine", "euclidean"] = "cosine"
    """Distance between vectors."""
    min_cluster_size: int = Field(default=0, ge=0)
    """Communities below this become noise."""
    objective_function: Literal["RBConfiguration", "CPM", "modularity"] = "RBConfiguration"
    """What is optimised; ``modularity`` has no resolution."""
    n_iterations: int = Field(default=2, ge=-1)
    """Passes; -1 goes on until nothing improves."""
    random_state: Seed = 42
    """Seed of the order in which documents are moved."""


class EVoCParams(Parameters):
    """Groups found directly on embeddings, by their neighbour graph's own low-dimensional form."""

    method: ClassVar[str] = "evoc"

    noise_level: Share = 0.5
    """0 assigns nearly every document, 1 leaves more as noise."""
    base_min_cluster_size: int = Field(default=5, ge=2)
    """Documents a group of the finest layer needs."""
    approx_n_clusters: int | None = Field(default=None, ge=2)
    """About how many groups are wanted; null leaves it open."""
    n_neighbors: int = Field(default=15, ge=2, le=200)
    """Neighbours of each document in the graph."""
    min_samples: AtLeastOne = 5
    """Neighbours that make a document dense."""
    random_state: Seed = 42
    """Seed."""


class AutoParams(Parameters):
    """How long to try: ``auto`` finds preprocessing, algorithm and parameters itself."""

    method: ClassVar[str] = "auto"

    budget_seconds: float = Field(default=60.0, ge=1, le=3600)
    """Work that the trials may take, as predicted by size on two cores before the first of them: no
    clock decides, so that a busy machine finds the same.  An extension of this server's."""

    random_state: Seed = 42
    """Seed of the trials."""


GRAPH: tuple[type[Parameters], ...] = (
    AgglomerativeParams,
    SpectralParams,
    LeidenParams,
    EVoCParams,
    AutoParams,
)
