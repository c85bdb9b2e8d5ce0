"""The part of a filter that Qdrant can evaluate.

``filter_semantics`` defines what a filter means.  Here every condition becomes a bound: a Qdrant
filter that selects at least what the condition selects, and whether it selects exactly that.  What
is exact is settled in Qdrant; the rest is evaluated again on the payloads that come back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from qdrant_client import grpc

from clustering_pipeline.model.filters.tree import Condition, Filter, Group
from clustering_pipeline.stores.documents.conditions import (
    EVERYTHING,
    NOTHING,
    Bound,
    Fields,
    bound,
    either,
)
from clustering_pipeline.stores.documents.types import UNLIMITED, Limits, ShardKey

_BESIDES = 2
"""Conditions that a caller may add to the part of a filter that is pushed down."""


@dataclass(frozen=True, kw_only=True)
class SplitFilter:
    """One filter, shared out: ``pushed`` is Qdrant's part, ``residual`` what is left to do here."""

    pushed: grpc.Filter | None = None
    residual: Filter | None = None
    limits: Limits = UNLIMITED
    shard_keys: tuple[ShardKey, ...] = ()
    """Where ids may lie under several, these are asked one after the other."""


def share_out(
    tree: Filter | None,
    *,
    indexes: Mapping[str, int] | None = None,
    substrings: bool = True,
    limits: Limits = UNLIMITED,
) -> SplitFilter:
    """Share out ``tree``.

    ``indexes`` are the payload indexes of the collection (some of them answer differently from the
    payload itself); ``substrings`` says whether the server knows that match, which came with 1.20.
    """
    if tree is None:
        return SplitFilter(limits=limits)
    fields = Fields(indexes=indexes or {}, substrings=substrings, limits=limits)
    whole = _bound(tree, fields)
    if limits.conditions is not None and _conditions(whole.filter) > limits.conditions - _BESIDES:
        return SplitFilter(residual=tree, limits=limits)
    residual = None if whole.exact else _left(tree, fields)
    return SplitFilter(pushed=whole.filter, residual=residual, limits=limits)


def conjunction(*filters: grpc.Filter | None) -> grpc.Filter | None:
    """All of these; None stands for everything."""
    given = [item for item in filters if item is not None]
    if len(given) <= 1:
        return given[0] if given else None
    return grpc.Filter(must=[grpc.Condition(filter=item) for item in given])


def _conditions(pushed: grpc.Filter | None) -> int:
    """How many conditions Qdrant counts: those that nest others are none."""
    if pushed is None:
        return 0
    below = (*pushed.must, *pushed.should, *pushed.must_not)
    return sum(_conditions(item.filter) if item.HasField("filter") else 1 for item in below)


def _bound(tree: Filter, fields: Fields) -> Bound:
    return bound(tree, fields) if isinstance(tree, Condition) else _group(tree, fields)


def _group(group: Group, fields: Fields) -> Bound:
    every = [_bound(item, fields) for item in group.every]
    some = _some([_bound(item, fields) for item in group.some])
    none = [_bound(item, fields) for item in group.none]
    refused = [item for item in none if item.exact]
    if any(item.filter is None for item in refused):
        return NOTHING
    kept = [item.filter for item in (*every, some) if item.filter is not None]
    exact = all(item.exact for item in (*every, some, *none))
    if not kept and not refused:
        return Bound(exact=exact)
    return Bound(
        filter=grpc.Filter(
            must=_nested(kept), must_not=_nested(item.filter for item in refused if item.filter)
        ),
        exact=exact,
    )


def _some(items: Sequence[Bound]) -> Bound:
    return either(items) if items else EVERYTHING


def _left(tree: Filter, fields: Fields) -> Filter:
    if isinstance(tree, Condition):
        return tree
    settled = _some([_bound(item, fields) for item in tree.some]).exact
    return Group(
        every=tuple(item for item in tree.every if not _bound(item, fields).exact),
        some=() if settled else tree.some,
        none=tuple(item for item in tree.none if not _bound(item, fields).exact),
    )


def _nested(filters: Iterable[grpc.Filter]) -> list[grpc.Condition]:
    return [grpc.Condition(filter=item) for item in filters]
