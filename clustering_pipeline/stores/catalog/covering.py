"""Indexes that answer a list's question alone: no record is read to be counted or sorted.

Left to itself MongoDB tries several indexes on every question, which takes longer than the answer,
and often settles on one that has it read thousands of records for a page of ten.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Covering:
    """An index that begins with the field ``first`` of a namespace's records, and holds ``keys``.

    It is for questions about ``first``, or for any that ask for none of the others' first field.
    """

    name: str
    first: str
    keys: tuple[str, ...]
    serves_all: bool = False


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
