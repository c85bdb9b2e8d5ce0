"""A judge that knows what words mean, and what it costs."""

import asyncio
import time
from collections.abc import Sequence

import numpy as np

from clustering_pipeline.labeling.asking.conversation import Line
from clustering_pipeline.labeling.asking.embedding import embedded
from clustering_pipeline.labeling.asking.scrub import scrubbed
from clustering_pipeline.labeling.asking.waiting import finished
from clustering_pipeline.labeling.judges import tf_idf_judge
from clustering_pipeline.labeling.money.prices import price_of
from clustering_pipeline.labeling.money.purse import Purse
from clustering_pipeline.labeling.provider import Provider
from clustering_pipeline.labeling.request import Terms
from clustering_pipeline.model.executions.execution import LabelingLedger


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
