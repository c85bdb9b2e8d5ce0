"""No document goes missing without a number that says so."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from clustering_pipeline.model.ids import NOISE_ID

# Methods that leave documents outside every group by design.
LEAVES_NOISE = frozenset({"hdbscan", "dbscan", "optics", "mean_shift", "evoc", "auto"})


def reconciliation(
    export: Mapping[str, Any], members: pl.DataFrame, *, method: str
) -> dict[str, Any]:
    """The contract's counts: of the selection, what had a vector, and what is in a group."""
    source, retrieved = export["source_documents"], export["retrieved"]
    clustered = members.filter(pl.col("cluster_id") != NOISE_ID).height
    gap, drop = source - retrieved, retrieved - clustered
    expected = method in LEAVES_NOISE
    reasons = _reasons(gap, drop, expected_as_noise=expected)
    return {
        "source_documents": source,
        "vectors_retrieved": retrieved,
        "vectors_clustered": clustered,
        "index_gap": gap,
        "pipeline_drop": drop,
        "pipeline_drop_expected_as_noise": expected and drop > 0,
        "input_reconciliation_ok": not reasons,
        "input_reconciliation_reasons": reasons,
    }


def _reasons(gap: int, drop: int, *, expected_as_noise: bool) -> list[str]:
    reasons = []
    if gap:
        reasons.append(f"{gap} selected documents have no vector of the feature")
    if drop and not expected_as_noise:
        reasons.append(f"{drop} documents with a vector are in no group")
    return reasons
