"""Money while calls run side by side: a limit that at most one call can pass."""

import asyncio
from typing import TypeAlias

from clustering_pipeline.labeling.prices import Price, count_tokens, prompt_tokens
from clustering_pipeline.labeling.provider import (
    Answer,
    Call,
    Embedded,
    EmbeddingCall,
    Failure,
    Usage,
)
from clustering_pipeline.model.executions.execution import LabelingLedger

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
        self.ledger = LabelingLedger()
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
        self.ledger += LabelingLedger(cached=answers)

    def _spent(self, call: Question, outcome: Outcome) -> LabelingLedger:
        counted = _counted(outcome)
        used, price = counted or _estimated(call, outcome), self._price_of(call)
        estimated = 0 if counted else used.prompt_tokens + used.completion_tokens
        cost, unpriced = (price or _FREE).of(used), price is None
        if isinstance(call, EmbeddingCall):
            return LabelingLedger(
                embedding_calls=1,
                embedding_tokens=used.prompt_tokens,
                estimated_tokens=estimated,
                cost=cost,
                unpriced=unpriced,
            )
        return LabelingLedger(
            calls=1,
            prompt_tokens=used.prompt_tokens,
            completion_tokens=used.completion_tokens,
            estimated_tokens=estimated,
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


def _counted(outcome: Outcome) -> Usage | None:
    """Tokens as counted by the server, if it told any."""
    used = outcome.usage if outcome else None
    return used if used and (used.prompt_tokens or used.completion_tokens) else None


def _estimated(call: Question, outcome: Outcome) -> Usage:
    """What nobody counted.

    A server that was too slow, or that we stopped listening to, has read the question all the same
    and bills it; one that refused or was not there has not.
    """
    if isinstance(outcome, Failure) and outcome.kind != "timeout":
        return Usage()
    said = outcome.text if isinstance(outcome, Answer) else ""
    return Usage(prompt_tokens=asked_tokens(call), completion_tokens=count_tokens(said))
