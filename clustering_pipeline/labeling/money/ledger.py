"""What was spent, and what will be."""

from dataclasses import dataclass

from clustering_pipeline.labeling.provider import Usage


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Calls, tokens and dollars of a run; ledgers of several runs add up."""

    calls: int = 0
    """Requests sent, failed and repeated ones too."""
    cached: int = 0
    """Groups whose earlier answer was used again."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    embedding_calls: int = 0
    """Requests for vectors, failed and repeated ones too."""
    embedding_tokens: int = 0
    cost: float = 0.0
    """US dollars; models without a price cost nothing here and make ``unpriced`` true."""
    unpriced: bool = False

    def __add__(self, other: "Ledger") -> "Ledger":
        return Ledger(
            calls=self.calls + other.calls,
            cached=self.cached + other.cached,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            embedding_calls=self.embedding_calls + other.embedding_calls,
            embedding_tokens=self.embedding_tokens + other.embedding_tokens,
            cost=self.cost + other.cost,
            unpriced=self.unpriced or other.unpriced,
        )

    @property
    def usage(self) -> Usage:
        """Its tokens."""
        return Usage(prompt_tokens=self.prompt_tokens, completion_tokens=self.completion_tokens)
