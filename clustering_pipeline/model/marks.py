"""How a document says which run wrote its fields."""

PREFIX = "clustering_run_"


def run_mark(cluster_id: str) -> str:
    """The payload field that holds the run id: written with a definition's fields, in one call."""
    return f"{PREFIX}{cluster_id}"
