"""Which fields of the views MongoDB may compare itself, and as what.

What is not listed here is compared in Python: the answer is the same, only slower.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from clustering_pipeline.model.definitions.views import ClusterMetadata
from clustering_pipeline.stores.catalog.listing.metadata_index import FACTS
from clustering_pipeline.stores.catalog.table import Query, Table


class FieldKind(StrEnum):
    """What a field always holds, unless it is null."""

    TEXT = "text"
    TEXTS = "texts"
    NUMBER = "number"
    FLAG = "flag"
    TIME = "time"


_TEXT, _TEXTS, _NUMBER, _FLAG, _TIME = FieldKind
# A flag is a number to Python, so it comes first.
_KINDS = ((bool, _FLAG), (str, _TEXT), (int | float, _NUMBER), (datetime, _TIME))


def _kind_of(annotation: Any) -> FieldKind | None:
    """What a field of that type always holds; None for one that holds this and that."""
    if isinstance(annotation, type):
        return next((kind for base, kind in _KINDS if issubclass(annotation, base)), None)
    first, *more = (part for part in get_args(annotation) if part is not NoneType)
    if get_origin(annotation) is Literal:
        return _TEXT
    if get_origin(annotation) is list:
        return _TEXTS if _kind_of(first) is _TEXT else None
    return _kind_of(first) if get_origin(annotation) is UnionType and not more else None


CLUSTER_FIELDS: Mapping[str, FieldKind] = {
    name: kind
    for name, field in ClusterMetadata.model_fields.items()
    if (kind := _kind_of(field.annotation)) is not None
}
EXECUTION_FIELDS: Mapping[str, FieldKind] = {
    "run_id": _TEXT,
    "cluster_id": _TEXT,
    "status": _TEXT,
    "num_clusters": _NUMBER,
    "num_points": _NUMBER,
    "metrics.silhouette_score": _NUMBER,
    "metrics.davies_bouldin_index": _NUMBER,
    "metrics.calinski_harabasz_score": _NUMBER,
    "created_at": _TIME,
    "completed_at": _TIME,
    "error_message": _TEXT,
    "run_name": _TEXT,
    "mode": _TEXT,
}


def value_at(view: Mapping[str, Any], path: str) -> Any:
    """The value that a dotted path leads to; None when there is none."""
    value: Any = view
    try:
        for key in path.split("."):
            value = value[key]
    except (KeyError, TypeError):
        return None
    return value


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
    fit = (index for index in indexes if index.serves_all or index.first in fields)
    return next((index.name for index in fit if fields.union(also) <= set(index.keys)), None)


def scanning(query: Mapping[str, Any], indexes: Sequence[Covering]) -> str | None:
    """The name of the index to go through all records by, where no index finds fewer."""
    fields = {key for key, _ in _conditions(query)}
    finding = {"_id", FACTS, *(index.first for index in indexes if not index.serves_all)}
    fit = (index.name for index in indexes if index.serves_all)
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
        return any(_is_null(item) for item in value.values())
    return value is None or (isinstance(value, list) and None in value)


def folded(view: Mapping[str, Any], fields: Mapping[str, FieldKind]) -> dict[str, Any]:
    """The text fields of ``view``, case-folded; the keys are the paths with ``/`` for dots."""
    return {
        folded_key(path): _fold(value_at(view, path))
        for path, kind in fields.items()
        if kind in {FieldKind.TEXT, FieldKind.TEXTS}
    }


def folded_key(path: str) -> str:
    """Where the folded copy of a field lies."""
    return path.replace(".", "/")


def search_text(texts: Iterable[str]) -> str:
    """One text that a search looks through."""
    return "\n".join(texts).casefold()


def _fold(value: Any) -> Any:
    if isinstance(value, list):
        return [_fold(item) for item in value]
    return value.casefold() if isinstance(value, str) else value


STATUS = "view.status"
CREATED = "view.created_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One kind of record: its table, the fields clients see, and what is summed over matches."""

    table: Table
    fields: Mapping[str, FieldKind]
    public: frozenset[str]
    """The top-level fields of the view that exist for clients."""
    free_form: frozenset[str] = frozenset()
    """Those of them that are told in ``facts``."""
    sums: Mapping[str, str] = field(default_factory=dict)
    """Name to the path of a number, summed per status."""
    counts: Mapping[str, str] = field(default_factory=dict)
    """Name to a path; counted per status where it leads to anything."""
    covered: Sequence[Covering] = ()
    """Indexes that hold what most questions look at, sums included."""
    orders: Sequence[Order] = ()
    """Indexes by which a page can be read from its beginning."""
    unique: frozenset[str] = frozenset()
    """Sort keys that no two records share."""

    def index(self, query: Query, *, also: Iterable[str] = ()) -> str | None:
        """The index to answer by: one that holds ``also`` too, or one to read all records by."""
        return covering(query, self.covered, also=also) or scanning(query, self.covered)

    def summing(self) -> dict[str, Any]:
        """The sums of a status as MongoDB makes them."""
        return {
            "count": {"$sum": 1},
            "latest": {"$max": f"${CREATED}"},
            **{name: {"$sum": f"${path}"} for name, path in self.sums.items()},
            **{name: {"$sum": _one_if_given(path)} for name, path in self.counts.items()},
        }


def _one_if_given(path: str) -> dict[str, Any]:
    return {"$cond": [{"$gt": [f"${path}", None]}, 1, 0]}
