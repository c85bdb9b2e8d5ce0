"""Lists of records: filter, search, sort, page and count, with one meaning for all of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.filter_semantics import predicate
from clustering_pipeline.model.filters import Filter, fields_of, parse_filter
from clustering_pipeline.model.listing import PaginationResponse
from clustering_pipeline.stores.catalog.covering import Covering, covering
from clustering_pipeline.stores.catalog.facts import may_hold
from clustering_pipeline.stores.catalog.list_fields import FieldKind
from clustering_pipeline.stores.catalog.list_query import ListQuery
from clustering_pipeline.stores.catalog.pushdown import narrowed, split
from clustering_pipeline.stores.catalog.table import Document, Query, Table

_ALWAYS = {"count": {"$sum": 1}, "latest": {"$max": "$view.created_at"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One kind of record: its table, the fields clients see, and what is summed over matches."""

    table: Table
    fields: Mapping[str, FieldKind]
    public: frozenset[str]
    """The top-level fields of the view that exist for clients."""
    free_form: frozenset[str] = frozenset()
    """Those of them that are told in ``facts``."""
    sums: Mapping[str, Any] = field(default_factory=dict)
    """Name to aggregation expression, summed per status."""
    covered: Sequence[Covering] = ()
    """Indexes that hold what most questions look at, sums included."""
    ordered: frozenset[str] = frozenset()
    """Sort keys whose order an index has: a page is read from its beginning."""


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
    matched = _matched(kind, base, question)
    sums = _sums(kind, matched)
    return Found(
        views=_page(kind, matched, question),
        by_status=sums,
        as_of=question.as_of or max((row["latest"] for row in sums.values()), default=None),
    )


def paginate(question: ListQuery, found: Found, *, path: str) -> PaginationResponse:
    """Where the page lies, and the addresses of those beside it."""
    total, question = found.total, replace(question, as_of=found.as_of)
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


def _page(kind: Listed, matched: Query, question: ListQuery) -> list[Mapping[str, Any]]:
    order = _sort(kind, question)
    keys = [key for key, _ in order]
    find = partial(kind.table.find, matched, sort=order, skip=question.offset, limit=question.size)
    hint = None if keys[0] in kind.ordered else covering(matched, kind.covered, also=keys)
    if hint is None:
        return [one["view"] for one in find(fields=["view"])]
    # Chosen and sorted on the index alone; only the page itself is read.
    ids = [one["_id"] for one in find(fields=["_id"], hint=hint)]
    read = kind.table.find({"_id": {"$in": ids}}, fields=["view"])
    views = {one["_id"]: one["view"] for one in read}
    return [views[one] for one in ids if one in views]


def _matched(kind: Listed, base: Query, question: ListQuery) -> Query:
    parts = split(parse_filter(question.filters), kind.fields)
    asked: list[Query] = [
        base,
        {"view.created_at": {"$lte": question.as_of}} if question.as_of is not None else {},
        parts.query,
        may_hold(parts.rest, kind.free_form),
        narrowed(parts.rest, kind.fields),
        *({"search": {"$regex": re.escape(term)}} for term in _terms(question.search)),
    ]
    query = {"$and": [part for part in asked if part]}
    return query if parts.rest is None else _narrowed(kind, query, parts.rest)


def _narrowed(kind: Listed, query: Query, rest: Filter) -> Query:
    """The query for those ids among its matches that also satisfy ``rest``."""
    seen = sorted(fields_of(rest) & kind.public)
    holds = predicate(rest)
    fields = [f"view.{name}" for name in seen] or ["_id"]
    hint = covering(query, kind.covered, also=fields)
    documents = kind.table.find(query, fields=fields, hint=hint)
    ids = [one["_id"] for one in documents if holds(_visible(one, seen))]
    return {"_id": {"$in": ids}}


def _visible(document: Document, names: Sequence[str]) -> dict[str, Any]:
    view = document.get("view", {})
    return {name: view.get(name) for name in names}


def _terms(search: str | None) -> list[str]:
    return [term.replace("\0", "") for term in (search or "").casefold().split()]


def _sort(kind: Listed, question: ListQuery) -> list[tuple[str, int]]:
    order: dict[str, int] = {}
    for sort in question.sorts:
        order.setdefault(_sort_key(kind, sort.field), 1 if sort.direction == "asc" else -1)
    return [*order.items(), ("_id", 1)]


def _sort_key(kind: Listed, name: str) -> str:
    if kind.fields.get(name, FieldKind.TEXTS) is FieldKind.TEXTS:
        known = sorted(one for one, holds in kind.fields.items() if holds is not FieldKind.TEXTS)
        message = f"cannot sort by {name[:60]!r}: sort by one of {', '.join(known)}"
        raise InvalidRequest(message)
    return f"view.{name}"


def _sums(kind: Listed, matched: Query) -> dict[str, dict[str, Any]]:
    summed = {name: {"$sum": expression} for name, expression in kind.sums.items()}
    rows = kind.table.aggregate(
        [
            {"$match": matched},
            {"$group": {"_id": "$view.status", **_ALWAYS, **summed}},
        ],
        hint=covering(matched, kind.covered),
    )
    return {row.pop("_id"): row for row in rows}
