"""Money while calls run side by side: a limit that at most one call can pass."""

import asyncio
from dataclasses import replace
from typing import TypeAlias

from clustering_pipeline.labeling.money.ledger import Ledger
from clustering_pipeline.labeling.money.prices import Price
from clustering_pipeline.labeling.money.tokens import count_tokens, prompt_tokens
from clustering_pipeline.labeling.provider import (
    Answer,
    Call,
    Embedded,
    EmbeddingCall,
    Failure,
    Usage,
)

Question: TypeAlias = Call | EmbeddingCall
Outcome: TypeAlias = Answer | Embedded | Failure | None

_SURELY = 1.5
"""By how much an estimate of a prompt may fall short."""
_FREE = Price(prompt=0, completion=0)


class Purse:
    """Lets a call begin only while what is spent, and what is under way at its dearest, fits.

    So when the limit is reached, one call at most went past it, whatever ran side by side.  Under a
    limit a call whose price is unknown does not begin.
    """

    def __init__(
        self, *, price: Price | None, limit: float | None, embedding_price: Price | None = None
    ):
        self.ledger = Ledger()
        self._price = price
        self._embedding_price = embedding_price
        self._limit = limit
        self._under_way = 0.0
        self._open = 0
        self._changed = asyncio.Condition()

    async def allows(self, call: Question) -> bool:
        """Wait until it is known whether there is money for the call; reserve it if so."""
        if self._limit is not None and self._price_of(call) is None:
            return False
        async with self._changed:
            while self._limit is not None and self.ledger.cost + self._under_way >= self._limit:
                if not self._open or self.ledger.cost >= self._limit:
                    return False
                await self._changed.wait()
            self._under_way += self._dearest(call)
            self._open += 1
            return True

    async def settle(self, call: Question, outcome: Outcome) -> None:
        """Book what the call cost and give the rest back; ``None`` when it was called off."""
        spent = self._spent(call, outcome)
        async with self._changed:
            self._under_way -= self._dearest(call)
            self._open -= 1
            self.ledger += spent
            self._changed.notify_all()

    def reuse(self, answers: int) -> None:
        """Book answers that were there already."""
        self.ledger = replace(self.ledger, cached=self.ledger.cached + answers)

    def _spent(self, call: Question, outcome: Outcome) -> Ledger:
        used, price = _usage(call, outcome), self._price_of(call)
        cost, unpriced = (price or _FREE).of(used), price is None
        if isinstance(call, EmbeddingCall):
            tokens = used.prompt_tokens
            return Ledger(embedding_calls=1, embedding_tokens=tokens, cost=cost, unpriced=unpriced)
        return Ledger(
            calls=1,
            prompt_tokens=used.prompt_tokens,
            completion_tokens=used.completion_tokens,
            cost=cost,
            unpriced=unpriced,
        )

    def _price_of(self, call: Question) -> Price | None:
        return self._embedding_price if isinstance(call, EmbeddingCall) else self._price

    def _dearest(self, call: Question) -> float:
        most = 0 if isinstance(call, EmbeddingCall) else call.max_tokens
        usage = Usage(prompt_tokens=round(_SURELY * asked_tokens(call)), completion_tokens=most)
        return (self._price_of(call) or _FREE).of(usage)


def asked_tokens(call: Question) -> int:
    """Tokens that a call sends, estimated."""
    if isinstance(call, EmbeddingCall):
        return sum(map(count_tokens, call.texts))
    return prompt_tokens(call.system, call.user, images=len(call.images))


def _usage(call: Question, outcome: Outcome) -> Usage:
    """Tokens as counted by the server, or estimated where it tells none."""
    if not isinstance(outcome, Answer | Embedded):
        return Usage()
    if outcome.usage.prompt_tokens or outcome.usage.completion_tokens:
        return outcome.usage
    said = outcome.text if isinstance(outcome, Answer) else ""
    return Usage(prompt_tokens=asked_tokens(call), completion_tokens=count_tokens(said))
