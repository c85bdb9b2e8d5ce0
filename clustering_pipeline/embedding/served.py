"""Any server that speaks OpenAI's protocol, asked for vectors in batches, side by side."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Lock

import numpy as np

from clustering_pipeline.embedding.embedder import Floats, checked
from clustering_pipeline.labeling.llm.ask import Line
from clustering_pipeline.labeling.llm.budget import Purse
from clustering_pipeline.labeling.llm.concurrency import finished
from clustering_pipeline.labeling.llm.redaction import scrubbed
from clustering_pipeline.labeling.prices import count_tokens, price_of
from clustering_pipeline.labeling.provider import EmbeddingCall, Failure, Provider
from clustering_pipeline.labeling.request import Terms
from clustering_pipeline.model.collections import EmbedConfig
from clustering_pipeline.model.errors import EmbeddingFailed
from clustering_pipeline.model.executions.execution import LabelingLedger

WINDOW = 8_000
_TEXTS = 256
_TOKENS = 60_000


class Served:
    """Keeps to the operator's terms: money, calls at once, and what may leave the system."""

    window = WINDOW

    def __init__(self, open_: Callable[[], Provider], config: EmbedConfig, terms: Terms):
        self._open = open_
        self._config = config
        self._terms = terms
        self._ledger = LabelingLedger()
        self._lock = Lock()

    @property
    def ledger(self) -> LabelingLedger:
        """What it has cost so far."""
        return self._ledger

    def embed(self, texts: Sequence[str]) -> Floats:
        """(n, d) vectors; raises EmbeddingFailed with the server's reason."""
        sent = [scrubbed(text) for text in texts] if self._terms.scrub else list(texts)
        return checked(finished(lambda: self._embedded(sent)), len(texts), self._config)

    async def _embedded(self, texts: Sequence[str]) -> list[np.ndarray]:
        # A client belongs to the loop that it connects in.
        provider = self._open()
        purse = Purse(
            price=None,
            limit=self._left(),
            embedding_price=price_of(self._config.model, self._terms.prices),
        )
        line = Line(provider, purse, retry_pause=self._terms.retry_pause)
        free = asyncio.Semaphore(self._terms.concurrency)
        calls = [
            EmbeddingCall(texts=batch, timeout=self._terms.call_timeout) for batch in batches(texts)
        ]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._vectors(line, call, free)) for call in calls]
        except* EmbeddingFailed as failed:
            raise failed.exceptions[0] from None
        finally:
            with self._lock:
                self._ledger += purse.ledger
            await provider.close()
        return [vector for task in tasks for vector in task.result()]

    async def _vectors(
        self, line: Line, call: EmbeddingCall, free: asyncio.Semaphore
    ) -> list[np.ndarray]:
        """A batch that is refused for how much it is, is asked for by halves."""
        async with free:
            outcome = await line.embed(call)
        if not isinstance(outcome, Failure):
            return list(checked(outcome.vectors, len(call.texts), self._config))
        half = len(call.texts) // 2
        if half and (outcome.of_text or outcome.kind == "unsupported"):
            parts = (call.texts[:half], call.texts[half:])
            halves = [await self._vectors(line, replace(call, texts=part), free) for part in parts]
            return halves[0] + halves[1]
        raise EmbeddingFailed(f"no vectors from {self._config.spelled}: {outcome.message}")  # noqa: EM102

    def _left(self) -> float | None:
        most = self._terms.max_cost
        return None if most is None else max(0.0, most - self._ledger.cost)


def batches(texts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The texts in order, as many at a time as servers take: 256, and 60,000 tokens."""
    start = tokens = 0
    for row, text in enumerate(texts):
        size = count_tokens(text)
        if row > start and (row - start == _TEXTS or tokens + size > _TOKENS):
            yield tuple(texts[start:row])
            start, tokens = row, 0
        tokens += size
    if start < len(texts):
        yield tuple(texts[start:])
