"""Lists of records: filter, search, sort, page and count, with one meaning for all of them.

What MongoDB cannot answer alone is decided here: one question brings all that is looked at, sorted
by and summed up, mostly from an index, and only the records of the page itself are read after it.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.filters.semantics import predicate
from clustering_pipeline.model.filters.tree import Filter, fields_of, parse_filter
from clustering_pipeline.model.listing import PaginationResponse
from clustering_pipeline.stores.catalog.listing.fields import (
    CREATED,
    STATUS,
    FieldKind,
    Listed,
    covering,
    value_at,
)
from clustering_pipeline.stores.catalog.listing.metadata_index import may_hold
from clustering_pipeline.stores.catalog.listing.mongo_filters import Split, narrowed, split
from clustering_pipeline.stores.catalog.listing.query import ListQuery
from clustering_pipeline.stores.catalog.table import Document, Query, Sort

Sums = dict[str, dict[str, Any]]
"""Status to name to sum."""


def decided(kind: Listed, query: Query, rest: Filter, *, order: Sort) -> tuple[list[str], Sums]:
    """The ids of all records that satisfy ``query`` and ``rest``, in order; and their sums."""
    seen = sorted(fields_of(rest) & kind.public)
    paths = {f"view.{name}" for name in seen} | {STATUS, CREATED, *kind.sums.values()}
    fields = _outermost(paths.union(kind.counts.values(), (key for key, _ in order)))
    holds = _visible(predicate(rest), seen)
    rows = kind.table.find(query, fields=fields, hint=kind.index(query, also=fields))
    matches = [row for row in rows if holds(row)]
    return [row["_id"] for row in _sorted(matches, order)], _sums_of(kind, matches)


def _visible(
    holds: Callable[[Mapping[str, object]], bool], names: Sequence[str]
) -> Callable[[Document], bool]:
    def of_row(row: Document) -> bool:
        view = row.get("view", {})
        return holds({name: view.get(name) for name in names})

    return of_row


def _outermost(paths: Iterable[str]) -> list[str]:
    """Without those that lie inside others: MongoDB takes either."""
    outermost: list[str] = []
    for path in sorted(paths, key=lambda dotted: dotted.split(".")):
        if not outermost or not f"{path}.".startswith(f"{outermost[-1]}."):
            outermost.append(path)
    return outermost


def _sorted(rows: list[Document], order: Sort) -> list[Document]:
    """As MongoDB sorts fields that hold one type or nothing."""
    for path, direction in reversed(order):
        rows = sorted(rows, key=_rank(path), reverse=direction < 0)
    return rows


def _rank(path: str) -> Callable[[Document], tuple[bool, Any]]:
    return lambda row: ((value := value_at(row, path)) is not None, value)


def _sums_of(kind: Listed, rows: Iterable[Document]) -> Sums:
    groups: dict[str, list[Document]] = defaultdict(list)
    for row in rows:
        groups[value_at(row, STATUS)].append(row)
    return {status: _summed(kind, group) for status, group in groups.items()}


def _summed(kind: Listed, rows: Sequence[Document]) -> dict[str, Any]:
    def given(path: str) -> list[Any]:
        return [value for row in rows if (value := value_at(row, path)) is not None]

    return {
        "count": len(rows),
        "latest": max(given(CREATED), default=None),
        **{name: sum(given(path)) for name, path in kind.sums.items()},
        **{name: len(given(path)) for name, path in kind.counts.items()},
    }


# So many times as many must match as end with a page, for an order to bring it sooner than sorting
# would: by an index that answers alone, and by one for which records are read.
_NEAR = 4
_NEAR_READING = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page, and the sums per status over all pages."""

    views: Sequence[Mapping[str, Any]]
    by_status: Mapping[str, Mapping[str, Any]]
    as_of: str | None

    @property
    def total(self) -> int:
        """Matches on all pages."""
        return int(sum(sums["count"] for sums in self.by_status.values()))

    @property
    def counts(self) -> dict[str, int]:
        """Matches per status."""
        return {status: int(sums["count"]) for status, sums in sorted(self.by_status.items())}

    def summed(self, name: str) -> float:
        """One of the sums, over all statuses."""
        return sum(sums[name] for sums in self.by_status.values())


def find_page(kind: Listed, base: Query, question: ListQuery) -> Found:
    """The page that ``question`` asks for among the records that ``base`` finds."""
    parts = split(parse_filter(question.filters), kind.fields)
    query, order = _asked(kind, base, question, parts), _sort(kind, question)
    if parts.rest is None:
        sums = _sums(kind, query)
        views = _page(kind, query, order, question, sums)
    else:
        ids, sums = decided(kind, query, parts.rest, order=order)
        views = _read(kind, ids[question.offset :][: question.size])
    latest = max((row["latest"] for row in sums.values()), default=None)
    return Found(views=views, by_status=sums, as_of=question.as_of or latest)


def paginate(question: ListQuery, matches: Found, *, path: str) -> PaginationResponse:
    """Where the page lies, and the addresses of those beside it."""
    total, question = matches.total, replace(question, as_of=matches.as_of)
    following = question.offset + question.size
    next_cursor = question.at(following) if following < total else None
    before = max(0, question.offset - question.size)
    previous = question.at(before) if question.offset > 0 else None
    return PaginationResponse(
        total=total,
        page=question.offset // question.size + 1,
        page_size=question.size,
        total_pages=-(-total // question.size),
        next_page=f"{path}?cursor={next_cursor}" if next_cursor is not None else None,
        previous_page=f"{path}?cursor={previous}" if previous is not None else None,
        next_cursor=next_cursor,
    )


def _page(
    kind: Listed, query: Query, order: Sort, question: ListQuery, sums: Sums
) -> list[Mapping[str, Any]]:
    matches = sum(row["count"] for row in sums.values())
    if matches <= question.offset:
        return []
    page: dict[str, Any] = {"sort": order, "skip": question.offset, "limit": question.size}
    times = matches / (question.offset + question.size)
    page["hint"], alone = _soonest(kind, query, order, times=times)
    if not alone:
        return [row["view"] for row in kind.table.find(query, fields=["view"], **page)]
    # Chosen and sorted on the index alone; only the page itself is read.
    return _read(kind, [row["_id"] for row in kind.table.find(query, fields=["_id"], **page)])


def _soonest(kind: Listed, query: Query, order: Sort, *, times: float) -> tuple[str | None, bool]:
    """The index that brings a page soonest, and whether it does so alone."""
    for known in kind.orders:
        alone = covering(query, [has for has in kind.covered if has.name == known.name]) is not None
        if known.serves(order) and times >= (_NEAR if alone else _NEAR_READING):
            return known.name, alone
    keys = [key for key, _ in order]
    alone = covering(query, kind.covered, also=keys) is not None
    return kind.index(query, also=keys), alone


def _read(kind: Listed, ids: Sequence[str]) -> list[Mapping[str, Any]]:
    read = kind.table.find({"_id": {"$in": ids}}, fields=["view"]) if ids else ()
    views = {row["_id"]: row["view"] for row in read}
    return [views[name] for name in ids if name in views]


def _asked(kind: Listed, base: Query, question: ListQuery, parts: Split) -> Query:
    """What MongoDB is asked; it finds all matches, and no other unless there is a rest."""
    asked: list[Query] = [
        base,
        {CREATED: {"$lte": question.as_of}} if question.as_of is not None else {},
        parts.query,
        may_hold(parts.rest, kind.free_form),
        narrowed(parts.rest, kind.fields),
        *({"search": {"$regex": re.escape(term)}} for term in _terms(question.search)),
    ]
    return {"$and": [part for part in asked if part]}


def _terms(search: str | None) -> list[str]:
    return [term.replace("\0", "") for term in (search or "").casefold().split()]


def _sort(kind: Listed, question: ListQuery) -> Sort:
    order: dict[str, int] = {}
    for sort in question.sorts:
        order.setdefault(_sort_key(kind, sort.field), 1 if sort.direction == "asc" else -1)
    ordered = [*order.items(), ("_id", 1)]
    # Nothing is left to order behind what no two records share.
    last = next((at for at, (key, _) in enumerate(ordered) if key in kind.unique), len(ordered))
    return ordered[: last + 1]


def _sort_key(kind: Listed, name: str) -> str:
    if kind.fields.get(name, FieldKind.TEXTS) is FieldKind.TEXTS:
        known = sorted(
            field for field, holds in kind.fields.items() if holds is not FieldKind.TEXTS
        )
        message = f"cannot sort by {name[:60]!r}: sort by one of {', '.join(known)}"
        raise InvalidRequest(message)
    return f"view.{name}"


def _sums(kind: Listed, query: Query) -> Sums:
    grouped = {"$group": {"_id": f"${STATUS}", **kind.summing()}}
    rows = kind.table.aggregate([{"$match": query}, grouped], hint=kind.index(query))
    return {row.pop("_id"): row for row in rows}
