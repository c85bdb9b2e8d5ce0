"""Texts to vectors: what is known from the cache, long texts by windows, nothing for empty ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.embedding.cache import VectorCache, key_of
from clustering_pipeline.embedding.embedder import Embedder, Floats
from clustering_pipeline.labeling.prices import count_tokens

_MARGIN = 0.75
"""Of a model's window: tokens are estimated, and some models count more of them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddedTexts:
    """n texts: ``vectors`` is (n, d), zeros where ``empty`` (n,) says that there was no text."""

    vectors: Floats
    empty: NDArray[np.bool_]
    cached: int
    """Texts that were known."""
    windowed: int
    """Texts that were longer than the model's window, and are means of their parts."""


def embed_texts(
    texts: Sequence[str | None], embedder: Embedder, cache: VectorCache | None = None
) -> EmbeddedTexts:
    """Asks the model for what is not known, each text once; raises EmbeddingFailed."""
    plain = [(text or "").strip() for text in texts]
    keys = [key_of(text) if text else "" for text in plain]
    wanted = dict(zip(keys, plain, strict=True))
    wanted.pop("", None)
    known = cache.get(list(wanted)) if cache and wanted else {}
    missing = {key: text for key, text in wanted.items() if key not in known}
    windowed = 0
    if missing:
        made, windowed = _by_windows(list(missing.values()), embedder)
        if cache:
            cache.add(list(missing), made)
        known = known | dict(zip(missing, made, strict=True))
    size = len(next(iter(known.values()))) if known else 0
    empty = np.array([not text for text in plain], dtype=np.bool_)
    vectors = np.zeros((len(plain), size), dtype=np.float32)
    for row, key in enumerate(keys):
        if key:
            vectors[row] = known[key]
    return EmbeddedTexts(
        vectors=vectors,
        empty=empty,
        cached=len(plain) - int(empty.sum()) - sum(key in missing for key in keys),
        windowed=windowed,
    )


def _by_windows(texts: Sequence[str], embedder: Embedder) -> tuple[Floats, int]:
    """(n, d) vectors; of a long text the mean of its windows, weighed by their lengths, as long as
    they are in the mean.
    """
    most = max(1, int(embedder.window * _MARGIN))
    parts = [list(windows(text, most)) for text in texts]
    vectors = embedder.embed([part for own in parts for part in own])
    rows, start = [], 0
    for own in parts:
        rows.append(_mean(vectors[start : start + len(own)], own))
        start += len(own)
    return np.stack(rows), sum(len(own) > 1 for own in parts)


def _mean(vectors: Floats, parts: Sequence[str]) -> Floats:
    if len(parts) == 1:
        return vectors[0]
    weights = np.array([len(part) for part in parts], dtype=np.float64)
    middle = (weights @ vectors.astype(np.float64)) / weights.sum()
    length, usual = np.linalg.norm(middle), np.linalg.norm(vectors, axis=1).mean()
    return (middle * (usual / length if length else 1.0)).astype(np.float32)


def windows(text: str, most: int) -> Iterator[str]:
    """Parts of a text of about ``most`` tokens at most, cut between words where there are any."""
    if len(text) <= most or count_tokens(text) <= most:
        yield text
        return
    middle = len(text) // 2
    cut = text.rfind(" ", middle // 2, middle)
    cut = middle if cut < 0 else cut
    for half in (text[:cut].strip(), text[cut:].strip()):
        if half:
            yield from windows(half, most)
