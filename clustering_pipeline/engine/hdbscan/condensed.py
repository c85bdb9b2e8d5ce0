"""From a spanning tree to groups: condensing, selection and scores are hdbscan's own."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.hdbscan.forest import Edges

Method: TypeAlias = Literal["eom", "leaf"]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """How groups are chosen from the condensed tree; the names are hdbscan's."""

    cluster_selection_method: Method = "eom"
    cluster_selection_epsilon: float = 0.0
    max_cluster_size: int | None = None
    allow_single_cluster: bool = False
    match_reference_implementation: bool = False


@dataclass(frozen=True, kw_only=True)
class Groups:
    """``labels`` (n,) int64, -1 for noise, ``probabilities`` (n,), ``persistence`` per group."""

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    persistence: NDArray[np.float64]


def condense(tree: Edges, min_cluster_size: int) -> NDArray[np.void]:
    """The condensed tree of a spanning tree: rows of parent, child, lambda_val, child_size."""
    from hdbscan.hdbscan_ import condense_tree, label  # noqa: PLC0415 - heavy

    return condense_tree(label(np.c_[tree.low, tree.high, tree.weight]), min_cluster_size)


def select(condensed: NDArray[np.void], selection: Selection) -> Groups:
    """Choose the groups of a condensed tree."""
    from hdbscan.hdbscan_ import compute_stability, get_clusters  # noqa: PLC0415 - heavy

    labels, probabilities, persistence = get_clusters(
        condensed,
        compute_stability(condensed),
        selection.cluster_selection_method,
        selection.allow_single_cluster,
        selection.match_reference_implementation,
        selection.cluster_selection_epsilon,
        selection.max_cluster_size or 0,
    )
    return Groups(
        labels=labels.astype(np.int64), probabilities=probabilities, persistence=persistence
    )


def outlier_scores(condensed: NDArray[np.void]) -> NDArray[np.float64]:
    """GLOSH (Campello et al., 2015): how much sparser a point is than the densest of its branch.

    Exact copies are infinitely dense; they count as the densest of the others.
    """
    from hdbscan.hdbscan_ import outlier_scores as glosh  # noqa: PLC0415 - heavy

    density = condensed["lambda_val"]
    finite = density[np.isfinite(density)]
    bounded = condensed.copy()
    bounded["lambda_val"] = np.minimum(density, finite.max() if len(finite) else 1.0)
    return glosh(bounded)
