"""Parameters of the algorithms that look for dense regions and leave the rest as noise."""

from typing import ClassVar, Literal

from pydantic import Field

from clustering_pipeline.model.algorithms.parameters import (
    AtLeastOne,
    Jobs,
    Metric,
    NeighborSearch,
    NotNegative,
    Parameters,
    Positive,
    Share,
)
from clustering_pipeline.model.json_values import JsonObject

HDBSCANMetric = Literal[
    "euclidean",
    "l2",
    "cosine",
    "manhattan",
    "cityblock",
    "l1",
    "chebyshev",
    "canberra",
    "braycurtis",
]


class HDBSCANParams(Parameters):
    """Groups of any density that persist over a range of scales."""

    method: ClassVar[str] = "hdbscan"

    min_cluster_size: int = Field(default=5, ge=2)
    """Documents below which a dense region is no group."""
    min_samples: AtLeastOne | None = None
    """Neighbours that make a point dense, the point itself not counted; null is
    ``min_cluster_size``."""
    cluster_selection_epsilon: NotNegative = 0.0
    """Distance below which groups are not divided further."""
    max_cluster_size: AtLeastOne | None = None
    """Documents above which a group is divided, where its density allows; null is no limit."""
    metric: HDBSCANMetric = "euclidean"
    """Distance between vectors; ``cosine`` is computed on normalised vectors."""
    alpha: Positive = 1.0
    """Divides distances before the density is taken (robust single linkage)."""
    cluster_selection_method: Literal["eom", "leaf"] = "eom"
    """``eom`` keeps the groups that persist longest, ``leaf`` the smallest ones."""
    allow_single_cluster: bool = False
    """Whether one group of everything is an answer."""
    prediction_data: bool = False
    """Whether to keep what assigning later documents needs; runs of a definition always do."""
    match_reference_implementation: bool = False
    """Whether ties and boundary cases follow the authors' first implementation."""
    layers: bool = False
    """Whether groups of several sizes are kept, small ones within large ones, instead of one
    choice of them: the layers that persist longest, as in PLSCAN."""

    @property
    def conflict(self) -> str | None:
        """Why no group can have the sizes that are asked for, where that is so."""
        if self.max_cluster_size is None or self.max_cluster_size >= self.min_cluster_size:
            return None
        return (
            f"max_cluster_size {self.max_cluster_size} is below min_cluster_size "
            f"{self.min_cluster_size}: no group has such a size; raise it, or leave it out"
        )


class DBSCANParams(Parameters):
    """Groups of one given density."""

    method: ClassVar[str] = "dbscan"

    eps: Positive = 0.5
    """Distance within which two documents are neighbours."""
    min_samples: AtLeastOne = 5
    """Neighbours, the document itself counted, that make it a core of a group."""
    metric: Metric = "euclidean"
    """Distance between vectors."""
    metric_params: JsonObject = Field(default_factory=dict)
    """More arguments of the metric."""
    algorithm: NeighborSearch = "auto"
    """How neighbours are searched for."""
    leaf_size: AtLeastOne = 30
    """Points in a leaf of the search tree."""
    p: Positive = 2.0
    """Power of the Minkowski metric."""
    n_jobs: Jobs = 1
    """Threads; -1 uses all."""


class OPTICSParams(Parameters):
    """Groups of varying density, cut from an ordering by reachability."""

    method: ClassVar[str] = "optics"

    min_samples: int = Field(default=5, ge=2)
    """Neighbours, the document itself counted, that make it a core of a group."""
    max_eps: Positive | None = None
    """Farthest a neighbour may be; null is no limit."""
    metric: Metric = "minkowski"
    """Distance between vectors."""
    p: Positive = 2.0
    """Power of the Minkowski metric."""
    metric_params: JsonObject | None = None
    """More arguments of the metric."""
    cluster_method: Literal["xi", "dbscan"] = "xi"
    """How groups are cut from the ordering."""
    eps: Positive | None = None
    """Distance of the cut when ``cluster_method`` is ``dbscan``; null is ``max_eps``."""
    xi: Share = 0.05
    """Steepness that bounds a group when ``cluster_method`` is ``xi``."""
    predecessor_correction: bool = True
    """Whether groups are corrected by who reached whom."""
    min_cluster_size: Positive | None = None
    """Documents (above 1) or share of all (up to 1) a group needs; null is ``min_samples``."""
    algorithm: NeighborSearch = "auto"
    """How neighbours are searched for."""
    leaf_size: AtLeastOne = 30
    """Points in a leaf of the search tree."""
    n_jobs: Jobs = 1
    """Threads; -1 uses all."""


DENSITY: tuple[type[Parameters], ...] = (HDBSCANParams, DBSCANParams, OPTICSParams)
