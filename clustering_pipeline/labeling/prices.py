"""What models cost."""

import math
import re
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


_PIECES = re.compile(
    r"(?P<ascii>[A-Za-z]+(?![À-ɏḀ-ỿ]))|(?P<accented>[A-Za-zÀ-ɏḀ-ỿ]+)"
    r"|(?P<number>[0-9]+)|(?P<space>\s+)|(?P<mark>[\x00-\x7f‐-‧]+?)|(?P<other>[^\x00-\x7fÀ-ɏḀ-ỿ‐-‧\s]+)"
)
_DIGITS_A_TOKEN = 3
# Characters a token of the scripts that begin at a code point.
_SCRIPTS = (
    (0x0000, 2.5),
    (0x0370, 2.2),
    (0x0400, 2.9),
    (0x0590, 2.75),
    (0x0900, 2.35),
    (0x0E00, 2.3),
    (0x1100, 1.6),
    (0x3000, 1.15),
    (0x4E00, 1.05),
    (0xAC00, 1.5),
    (0xD7B0, 1.0),
)
_IMAGE_TOKENS = 1_000
_MESSAGE_TOKENS = 12


def count_tokens(text: str) -> int:
    """Tokens of a text, estimated."""
    return math.ceil(sum(map(_tokens, _PIECES.finditer(text))))


def prompt_tokens(*messages: str, images: int = 0) -> int:
    """Tokens of a prompt of these messages and pictures, estimated."""
    return sum(map(count_tokens, messages)) + _MESSAGE_TOKENS + images * _IMAGE_TOKENS


def _tokens(piece: re.Match[str]) -> float:
    kind, text = piece.lastgroup, piece.group()
    if kind == "ascii":
        return max(1.0, len(text) / 8)
    if kind == "accented":
        return max(1.2, len(text) / 3.5)
    if kind == "number":
        return math.ceil(len(text) / _DIGITS_A_TOKEN)
    if kind == "space":
        return 0.5 if "\n" in text else 0.0
    if kind == "mark":
        return 0.8
    return sum(1 / _characters_a_token(ord(character)) for character in text)


def _characters_a_token(code: int) -> float:
    return next(rate for first, rate in reversed(_SCRIPTS) if code >= first)
