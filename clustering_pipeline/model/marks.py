"""How a document says which run wrote its fields."""

PREFIX = "clustering_run_"


def run_mark(cluster_id: str) -> str:
    """The payload field that holds the run which last changed a definition's fields there.

    It is written with those fields, in one call.  Later runs that found the same left it alone.
    """
    return f"{PREFIX}{cluster_id}"
