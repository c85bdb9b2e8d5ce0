"""Indexes that answer a list's question alone: no record is read to be counted or sorted.

Left to itself MongoDB tries several indexes on every question, which takes longer than the answer,
and often settles on one that has it read thousands of records for a page of ten.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clustering_pipeline.stores.catalog.facts import FACTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Covering:
    """An index that begins with the field ``first`` of a namespace's records, and holds ``keys``.

    It is for questions about ``first``, or for any that ask for none of the others' first field.
    """

    name: str
    first: str
    keys: tuple[str, ...]
    serves_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An index that has the order of ``sort``, within a namespace."""

    name: str
    sort: Sequence[tuple[str, int]]

    def serves(self, sort: Sequence[tuple[str, int]]) -> bool:
        """Read forwards or backwards."""
        backwards = [(key, -direction) for key, direction in self.sort]
        return list(sort) in (list(self.sort), backwards)


def covering(
    query: Mapping[str, Any], indexes: Sequence[Covering], *, also: Iterable[str] = ()
) -> str | None:
    """The name of the first index that holds every field that the query, and ``also``, look at.

    None where the records must be read: there is no such index, they are known by their ids, or
    null is asked for, which no index tells from a missing field.
    """
    conditions = list(_conditions(query))
    fields = {key for key, _ in conditions}
    if fields == {"_id"} or any(_is_null(value) for _, value in conditions):
        return None
    fit = (one for one in indexes if one.serves_all or one.first in fields)
    return next((one.name for one in fit if fields.union(also) <= set(one.keys)), None)


def scanning(query: Mapping[str, Any], indexes: Sequence[Covering]) -> str | None:
    """The name of the index to go through all records by, where no index finds fewer."""
    fields = {key for key, _ in _conditions(query)}
    finding = {"_id", FACTS, *(one.first for one in indexes if not one.serves_all)}
    fit = (one.name for one in indexes if one.serves_all)
    return next(fit, None) if fields.isdisjoint(finding) else None


def _conditions(query: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in query.items():
        if key.startswith("$"):
            for part in value:
                yield from _conditions(part)
        else:
            yield key, value


def _is_null(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_is_null(one) for one in value.values())
    return value is None or (isinstance(value, list) and None in value)
