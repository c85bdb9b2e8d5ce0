"""Vectors of texts by a provider's model: in batches, side by side, paid for and in time."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from clustering_pipeline.labeling.judges import tf_idf_judge
from clustering_pipeline.labeling.llm.ask import Line
from clustering_pipeline.labeling.llm.budget import Purse
from clustering_pipeline.labeling.llm.concurrency import finished
from clustering_pipeline.labeling.llm.redaction import scrubbed
from clustering_pipeline.labeling.prices import price_of
from clustering_pipeline.labeling.provider import EmbeddingCall, Failure, Provider
from clustering_pipeline.labeling.request import Terms
from clustering_pipeline.model.executions.execution import LabelingLedger

_BATCH = 256


async def embedded(
    line: Line, texts: Sequence[str], terms: Terms, ends_at: float
) -> np.ndarray | None:
    """(texts, d) vectors; ``None`` without a model for it, or when a batch is not to be had.

    ``ends_at`` is a time of the running loop.
    """
    if line.provider.embedding_model is None or not texts:
        return None
    calls = embedding_calls(texts, timeout=terms.call_timeout)
    free = asyncio.Semaphore(terms.concurrency)
    try:
        async with asyncio.timeout_at(ends_at):
            batches = await asyncio.gather(*(_vectors(line, call, free) for call in calls))
    except TimeoutError:
        return None
    rows = [row for batch in batches for row in batch or ()]
    length = next((len(row) for row in rows if row is not None), None)
    if length is None or not all(batches):
        return None
    # What a filter refuses is near to nothing.
    return np.stack([np.zeros(length) if row is None else row for row in rows])


async def _vectors(
    line: Line, call: EmbeddingCall, free: asyncio.Semaphore
) -> list[np.ndarray | None] | None:
    """A vector for each text, ``None`` for one that is refused for what it says.

    A batch that is refused for one of its texts, or for how many they are, is asked for by halves.
    """
    async with free:
        outcome = await line.embed(call)
    if not isinstance(outcome, Failure):
        return list(np.asarray(outcome.vectors, dtype=np.float64))
    if not (outcome.of_text or outcome.kind == "unsupported"):
        return None
    half = len(call.texts) // 2
    if not half:
        return [None]
    parts = [replace(call, texts=call.texts[:half]), replace(call, texts=call.texts[half:])]
    halves = [await _vectors(line, part, free) for part in parts]
    return None if None in halves else [row for part in halves for row in part or ()]


def embedding_calls(texts: Sequence[str], *, timeout: float = 60.0) -> list[EmbeddingCall]:
    """The requests that the texts take."""
    starts = range(0, len(texts), _BATCH)
    return [
        EmbeddingCall(texts=tuple(texts[start : start + _BATCH]), timeout=timeout)
        for start in starts
    ]


class EmbeddingJudge:
    """Cosine of a model's embeddings; words judge where time, money or the server gives none.

    ``terms`` are those of the labels, of which ``spent`` is gone already; documents are cut to
    ``length`` characters, as in prompts.
    """

    def __init__(
        self,
        provider: Provider,
        terms: Terms,
        *,
        length: int,
        spent: float = 0.0,
        ends_at: float | None = None,
    ):
        self.ledger = LabelingLedger()
        self.fell_back = False
        self._provider = provider
        self._terms = terms
        self._length = length
        self._spent = spent
        self._ends_at = time.monotonic() + terms.deadline if ends_at is None else ends_at

    def __call__(self, labels: Sequence[str], documents: Sequence[str]) -> np.ndarray:
        """How well each label fits each document."""
        sent = [*labels, *(self.sent(one) for one in documents)]
        found = finished(lambda: self._embedded(sent))
        if found is None:
            self.fell_back = True
            return tf_idf_judge(labels, documents)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        unit = found / np.where(lengths > 0, lengths, 1.0)
        return unit[: len(labels)] @ unit[len(labels) :].T

    def sent(self, document: str) -> str:
        """What of a document leaves the system."""
        line = " ".join((scrubbed(document) if self._terms.scrub else document).split())
        return line[: self._length] or "-"

    async def _embedded(self, texts: Sequence[str]) -> np.ndarray | None:
        purse = Purse(
            price=None,
            limit=self._left(),
            embedding_price=price_of(self._provider.embedding_model or "", self._terms.prices),
        )
        line = Line(self._provider, purse, retry_pause=self._terms.retry_pause)
        left = self._ends_at - time.monotonic()
        try:
            ends_at = asyncio.get_running_loop().time() + left
            return await embedded(line, texts, self._terms, ends_at)
        finally:
            self.ledger += purse.ledger
            await self._provider.close()

    def _left(self) -> float | None:
        most = self._terms.max_cost
        return None if most is None else max(0.0, most - self._spent - self.ledger.cost)
