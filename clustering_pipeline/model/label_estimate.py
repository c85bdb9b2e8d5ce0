"""What the labels of an execution would take."""

from typing import Literal

from clustering_pipeline.model.base import View


class LabelEstimateResponse(View):
    """Calls, tokens and dollars of the labels, as far as the published groups tell."""

    plan: Literal["full", "relabel", "assign", "from_pool", "composite"]
    """How much of the graph the execution would run."""
    calls: int | None
    """Requests to the model; null where nobody knows."""
    cached: int | None
    """Groups whose earlier answer would be used again."""
    prompt_tokens: int | None
    """Tokens sent."""
    completion_tokens: int | None
    """Tokens answered."""
    embedding_calls: int | None
    """Requests for vectors."""
    embedding_tokens: int | None
    """Tokens to be turned into vectors."""
    cost: float | None
    """US dollars; null where a price or the groups are unknown."""
    note: str
    """What the numbers are based on."""
