"""What labels took."""

from typing import Self

from clustering_pipeline.model.base import Record


class LabelingLedger(Record):
    """Calls, tokens and dollars of the labels of one run, or of several: ledgers add up."""

    calls: int = 0
    """Requests sent, failed and repeated ones too."""
    cached: int = 0
    """Groups whose earlier answer was used again."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    embedding_calls: int = 0
    """Requests for vectors, failed and repeated ones too."""
    embedding_tokens: int = 0
    estimated_tokens: int = 0
    """Of all these tokens, those that no server has counted: it told none, or never answered."""
    cost: float = 0.0
    """US dollars; models without a price cost nothing here and make ``unpriced`` true."""
    unpriced: bool = False

    def __add__(self, other: Self) -> Self:
        fields = type(self).model_fields
        sums = {name: getattr(self, name) + getattr(other, name) for name in fields}
        return self.model_copy(update=sums | {"unpriced": self.unpriced or other.unpriced})
