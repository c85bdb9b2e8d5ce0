"""Vectors of texts by a provider's model: in batches, side by side, paid for and in time."""

import asyncio
from collections.abc import Sequence

import numpy as np

from clustering_pipeline.labeling.asking.conversation import Line
from clustering_pipeline.labeling.provider import EmbeddingCall, Failure
from clustering_pipeline.labeling.request import Terms

_BATCH = 256


async def embedded(
    line: Line, texts: Sequence[str], terms: Terms, ends_at: float
) -> np.ndarray | None:
    """(texts, d) vectors; ``None`` without a model for it, or when one batch is not to be had.

    ``ends_at`` is a time of the running loop.
    """
    if line.provider.embedding_model is None or not texts:
        return None
    calls = embedding_calls(texts, timeout=terms.call_timeout)
    free = asyncio.Semaphore(terms.concurrency)

    async def one(call: EmbeddingCall) -> np.ndarray | None:
        async with free:
            found = await line.embed(call)
        return None if isinstance(found, Failure) else np.asarray(found.vectors, dtype=np.float64)

    try:
        async with asyncio.timeout_at(ends_at):
            batches = await asyncio.gather(*map(one, calls))
    except TimeoutError:
        return None
    whole = [batch for batch in batches if batch is not None]
    return np.concatenate(whole) if len(whole) == len(calls) else None


def embedding_calls(texts: Sequence[str], *, timeout: float = 60.0) -> list[EmbeddingCall]:
    """The requests that the texts take."""
    starts = range(0, len(texts), _BATCH)
    return [
        EmbeddingCall(texts=tuple(texts[start : start + _BATCH]), timeout=timeout)
        for start in starts
    ]
