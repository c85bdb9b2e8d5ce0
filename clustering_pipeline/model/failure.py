"""What clients read as ``failure_category``: a closed list, coarser than our own categories."""

PUBLIC_CATEGORIES = (
    "timeout",
    "infrastructure",
    "orphaned",
    "pipeline",
    "validation",
    "unknown",
)

_PUBLIC = {
    "conflict": "validation",
    "input_rejected": "validation",
    "invalid_request": "validation",
    "not_found": "validation",
    "store_unavailable": "infrastructure",
    "interrupted": "orphaned",
    "internal": "pipeline",
    "labeling": "pipeline",
    "timeout": "timeout",
}


def public_category(category: str | None) -> str | None:
    """The category that existing clients know, for one of ours (see ``errors.py``)."""
    return None if category is None else _PUBLIC.get(category, "unknown")
