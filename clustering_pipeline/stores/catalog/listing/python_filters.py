"""Lists by what MongoDB cannot answer alone: it says once what may match, and we decide.

One question brings all that is looked at, sorted by and summed up, mostly from an index; only the
records of the page itself are read after it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from clustering_pipeline.model.filters.semantics import predicate
from clustering_pipeline.model.filters.tree import Filter, fields_of
from clustering_pipeline.stores.catalog.listing.fields import CREATED, STATUS, Listed, value_at
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
    return [row["_id"] for row in _sorted(matches, order)], _sums(kind, matches)


def _visible(
    holds: Callable[[Mapping[str, object]], bool], names: Sequence[str]
) -> Callable[[Document], bool]:
    def of_row(row: Document) -> bool:
        view = row.get("view", {})
        return holds({name: view.get(name) for name in names})

    return of_row


def _outermost(paths: Iterable[str]) -> list[str]:
    """Without those that lie inside others: MongoDB takes either."""
    found: list[str] = []
    for path in sorted(paths, key=lambda dotted: dotted.split(".")):
        if not found or not f"{path}.".startswith(f"{found[-1]}."):
            found.append(path)
    return found


def _sorted(rows: list[Document], order: Sort) -> list[Document]:
    """As MongoDB sorts fields that hold one type or nothing."""
    for path, direction in reversed(order):
        rows = sorted(rows, key=_rank(path), reverse=direction < 0)
    return rows


def _rank(path: str) -> Callable[[Document], tuple[bool, Any]]:
    return lambda row: ((value := value_at(row, path)) is not None, value)


def _sums(kind: Listed, rows: Iterable[Document]) -> Sums:
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
