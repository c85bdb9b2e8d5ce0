"""Which documents show other fields than a run found, told from tables alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import polars as pl

from clustering_pipeline.pipeline.publishing.payload_fields import FIELD, KEYS

_BEFORE = " before"
_THERE = "there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What stands between the documents and the fields they are to show.

    All tables are rows of ``document_fields``, with a null where a field is to go.
    """

    whole: pl.DataFrame
    """Documents that need fields of their own."""
    shared: pl.DataFrame
    """Documents of which nothing differs but what they share with their group."""
    left: pl.DataFrame
    """The keys of documents that show fields and are in the run no more."""
    unchanged: int


def difference(
    now: pl.DataFrame,
    before: Sequence[pl.DataFrame],
    *,
    unmarked: pl.DataFrame,
    own: Collection[str],
) -> Difference:
    """Compares the fields of a run with those that documents may show.

    A document shows one of ``before``, nobody knows which: it is left alone when all of them say
    the same as ``now``.  Those in ``unmarked`` show nothing.  ``own`` are the columns that are not
    a group's.
    """
    now = _with_stale(now, before)
    columns = [one for one in now.columns if one.startswith(FIELD)]
    whole, shared = _nothing(now), _nothing(now)
    for one in before:
        joined = _beside(now, one)
        whole |= _missing(joined) | _differing(joined, [c for c in columns if c in own])
        shared |= _differing(joined, [c for c in columns if c not in own])
    if before:
        whole |= ~_missing(_beside(now, unmarked))
    else:
        whole = ~whole
    keys = [one.select(KEYS) for one in before]
    return Difference(
        whole=now.filter(whole),
        shared=now.filter(shared & ~whole),
        left=_union(keys, now).join(now, on=KEYS, how="anti"),
        unchanged=int((~(whole | shared)).sum()),
    )


def _with_stale(now: pl.DataFrame, before: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Fields that only earlier runs wrote, as nulls: they are to go."""
    stale = {name for table in before for name in table.columns if name.startswith(FIELD)}
    return now.with_columns(pl.lit(None).alias(name) for name in sorted(stale - set(now.columns)))


def _beside(now: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    marked = other.with_columns(pl.lit(value=True).alias(_THERE))
    return now.join(marked, on=KEYS, how="left", suffix=_BEFORE, maintain_order="left")


def _nothing(frame: pl.DataFrame) -> pl.Series:
    return pl.repeat(value=False, n=frame.height, dtype=pl.Boolean, eager=True)


def _missing(joined: pl.DataFrame) -> pl.Series:
    return joined[_THERE].is_null()


def _differing(joined: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    masks = [_differs(joined, column) for column in columns]
    return reduce(or_, masks, _nothing(joined))


def _differs(joined: pl.DataFrame, column: str) -> pl.Series:
    now, name = joined[column], f"{column}{_BEFORE}"
    if name not in joined.columns:
        return now.is_not_null()
    was = joined[name]
    if pl.Null in (now.dtype, was.dtype):
        return now.is_not_null() | was.is_not_null()
    return now.ne_missing(was) if now.dtype == was.dtype else ~_nothing(joined)


def _union(keys: Sequence[pl.DataFrame], now: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([now.select(KEYS).clear(), *keys]).unique(maintain_order=True)
