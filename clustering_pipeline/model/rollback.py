"""The way back to an earlier run."""

from pydantic import Field

from clustering_pipeline.model.base import RequestModel


class RollbackRequest(RequestModel):
    """Which run readers are to see again."""

    run_id: str | None = Field(default=None, min_length=1, max_length=200)
    """A kept run of the definition; null is the one published before the current."""
