"""The definitions that somebody may have to finish something for."""

from typing import Any

from clustering_pipeline.model.status import ClusterStatus

_SETTLED = (ClusterStatus.COMPLETED, ClusterStatus.COMPLETED_WITH_ERRORS, ClusterStatus.PENDING)

# Somebody holds it, dead or alive; its last run did not end well; or a write-back did not.
UNSETTLED: dict[str, Any] = {
    "$or": [
        {"claim": {"$ne": None}},
        {"state.status": {"$nin": [one.value for one in _SETTLED]}},
        {"state.documents_hold.1": {"$exists": True}},
    ]
}
