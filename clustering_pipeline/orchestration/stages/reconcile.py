"""No document goes missing without a number that says so."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.orchestration.stages.results import document_count

# Methods that leave documents outside every group by design.
LEAVES_NOISE = frozenset(
    {"hdbscan", "dbscan", "optics", "mean_shift", "evoc", "auto", "attribute_based"}
)


def reconciliation(
    export: Mapping[str, Any], members: pl.DataFrame, *, method: str
) -> dict[str, Any]:
    """The contract's counts: of the selection, what had a vector, and what is in a group."""
    source, retrieved = export["source_documents"], export["retrieved"]
    # With independent features, in a group of one of them.
    clustered = document_count(members.filter(pl.col("cluster_id") != NOISE_ID))
    gap, drop = source - retrieved, retrieved - clustered
    expected = method in LEAVES_NOISE
    reasons = list(_reasons(export, 0 if expected else drop))
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


def _reasons(export: Mapping[str, Any], dropped: int) -> Iterator[str]:
    lost = {
        "no vector of the feature": export["missing_vector"],
        "deleted while they were read": export["vanished"],
    }
    for reason, count in lost.items():
        if count:
            yield f"{count} of {export['source_documents']} selected documents: {reason}"
    if dropped:
        yield f"{dropped} of {export['retrieved']} documents with a vector: in no group"
