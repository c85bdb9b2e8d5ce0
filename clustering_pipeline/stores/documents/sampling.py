"""A uniform sample that depends on which documents there are, not on how they arrive."""

import hashlib

import polars as pl

KEY = ("collection_id", "document_id", "point_id")


def sample(documents: pl.DataFrame, *, size: int | None, seed: int) -> pl.DataFrame:
    """``size`` rows, or all when there are no more, in canonical order.

    Each document has a number that follows from its collection, its ids and the seed alone, and the
    smallest are taken: a document more or less changes the sample by at most one.  Canonical order
    is by collection, document id and point id, as text.
    """
    ordered = documents.sort(KEY)
    if size is None or ordered.height <= size:
        return ordered
    numbers = pl.Series("number", _numbers(ordered, seed), dtype=pl.UInt64)
    return ordered[numbers.arg_sort()[:size].sort()]


def _numbers(documents: pl.DataFrame, seed: int) -> list[int]:
    keyed = hashlib.blake2b(key=seed.to_bytes(8, "little", signed=True), digest_size=8)
    numbers = []
    for row in documents.select(KEY).iter_rows():
        digest = keyed.copy()
        digest.update("\0".join(row).encode())
        numbers.append(int.from_bytes(digest.digest(), "little"))
    return numbers
