"""What models cost."""

from collections.abc import Mapping
from dataclasses import dataclass

from clustering_pipeline.labeling.provider import Usage

_MILLION = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Price:
    """US dollars a million tokens."""

    prompt: float
    completion: float

    def of(self, usage: Usage) -> float:
        """Dollars for these tokens."""
        asked = self.prompt * usage.prompt_tokens
        return (asked + self.completion * usage.completion_tokens) / _MILLION


PRICES: Mapping[str, Price] = {
    "gpt-4o": Price(prompt=2.5, completion=10),
    "gpt-4o-mini": Price(prompt=0.15, completion=0.6),
    "gpt-4.1": Price(prompt=2, completion=8),
    "gpt-4.1-mini": Price(prompt=0.4, completion=1.6),
    "gpt-4.1-nano": Price(prompt=0.1, completion=0.4),
    "o3-mini": Price(prompt=1.1, completion=4.4),
    "gemini-1.5-flash": Price(prompt=0.075, completion=0.3),
    "gemini-2.5-flash": Price(prompt=0.3, completion=2.5),
    "gemini-2.5-pro": Price(prompt=1.25, completion=10),
    "text-embedding-3-small": Price(prompt=0.02, completion=0),
    "text-embedding-3-large": Price(prompt=0.13, completion=0),
    "text-embedding-ada-002": Price(prompt=0.1, completion=0),
    "gemini-embedding-001": Price(prompt=0.15, completion=0),
    "claude-3-5-haiku": Price(prompt=0.8, completion=4),
    "claude-3-5-sonnet": Price(prompt=3, completion=15),
}
"""Published prices; settings replace or add to them."""


def price_of(model: str, prices: Mapping[str, Price] = PRICES) -> Price | None:
    """The price of a model; a dated name takes that of the longest name it begins with."""
    known = [name for name in prices if model == name or model.startswith(f"{name}-")]
    return prices[max(known, key=len)] if known else None
