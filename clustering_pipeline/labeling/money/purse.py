"""Money while calls run side by side: a limit that at most one call can pass."""

import asyncio
from dataclasses import replace

from clustering_pipeline.labeling.money.ledger import Ledger
from clustering_pipeline.labeling.money.prices import Price
from clustering_pipeline.labeling.money.tokens import count_tokens, prompt_tokens
from clustering_pipeline.labeling.provider import Answer, Call, Failure, Usage

_SURELY = 1.5
"""By how much an estimate of a prompt may fall short."""


class Purse:
    """Lets a call begin only while what is spent, and what is under way at its dearest, fits.

    So when the limit is reached, one call at most went past it, whatever ran side by side.
    """

    def __init__(self, *, price: Price | None, limit: float | None):
        self.ledger = Ledger(unpriced=price is None)
        self._price = price or Price(prompt=0, completion=0)
        self._limit = limit
        self._under_way = 0.0
        self._open = 0
        self._changed = asyncio.Condition()

    async def allows(self, call: Call) -> bool:
        """Wait until it is known whether there is money for the call; reserve it if so."""
        async with self._changed:
            while self._limit is not None and self.ledger.cost + self._under_way >= self._limit:
                if not self._open or self.ledger.cost >= self._limit:
                    return False
                await self._changed.wait()
            self._under_way += self._dearest(call)
            self._open += 1
            return True

    async def settle(self, call: Call, outcome: Answer | Failure | None) -> None:
        """Book what the call cost and give the rest back; ``None`` when it was called off."""
        used = _usage(call, outcome)
        async with self._changed:
            self._under_way -= self._dearest(call)
            self._open -= 1
            self.ledger += Ledger(
                calls=1,
                prompt_tokens=used.prompt_tokens,
                completion_tokens=used.completion_tokens,
                cost=self._price.of(used),
            )
            self._changed.notify_all()

    def reuse(self, answers: int) -> None:
        """Book answers that were there already."""
        self.ledger = replace(self.ledger, cached=self.ledger.cached + answers)

    def _dearest(self, call: Call) -> float:
        asked = _SURELY * prompt_tokens(call.system, call.user, images=len(call.images))
        return self._price.of(Usage(prompt_tokens=round(asked), completion_tokens=call.max_tokens))


def _usage(call: Call, outcome: Answer | Failure | None) -> Usage:
    """Tokens as counted by the server, or estimated where it tells none."""
    if not isinstance(outcome, Answer):
        return Usage()
    if outcome.usage.prompt_tokens or outcome.usage.completion_tokens:
        return outcome.usage
    return Usage(
        prompt_tokens=prompt_tokens(call.system, call.user, images=len(call.images)),
        completion_tokens=count_tokens(outcome.text),
    )
