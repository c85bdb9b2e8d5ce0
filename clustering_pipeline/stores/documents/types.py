"""What is asked of Qdrant and what comes back, as plain values."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.model.errors import DocumentsRefused
from clustering_pipeline.model.filters.tree import Filter

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float32]
JsonObject = dict[str, Any]
KEY = ("collection_id", "document_id", "point_id")
"""The columns whose order, as text, is that of an export."""
"""Called between pages; what it raises ends the work."""
Update = tuple[str | int, Mapping[str, object]]
"""A point id and the fields that its payload gets."""
ShardKey = str | int


class PageSink(Protocol):
    """Takes pages of rows."""

    def write(self, page: "pa.RecordBatch") -> None:
        """Append a page."""
        ...


OpenSink = Callable[["pa.Schema"], AbstractContextManager[PageSink]]


def ignore(*_: int) -> None:
    """Takes what nobody asked to be told."""


@dataclass(frozen=True, kw_only=True)
class Vector:
    """A dense vector of a collection: its length and how two of them are compared."""

    size: int
    distance: str
    datatype: str = "Float32"
    """How Qdrant keeps its numbers: ``Float32``, ``Float16`` or ``Uint8``."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the strict mode of a collection lets a request ask; None is no limit."""

    page: int | None = None
    """Points that one answer may hold."""
    unindexed: bool = True
    """Whether a filter may look at fields without an index."""
    exact: bool = True
    """Whether points may be counted and compared one by one."""
    operands: int | None = None
    """Values of one condition."""
    conditions: int | None = None
    """Conditions of one filter."""
    upsert: int | None = None
    """Points of one call that writes them whole."""
    reads: int | None = None
    """Points that may be asked for by id, a minute."""
    writes: int | None = None
    """Points that may be changed, a minute."""

    def page_of(self, points: int) -> int:
        """At most so many points, and no more than one answer may hold."""
        return _least(points, self.page)

    def ids_of(self, points: int) -> int:
        """The same of points that are asked for by id."""
        return _least(points, _half(self.reads))

    def rows_of(self, points: int) -> int:
        """The same of points that are written whole."""
        return _least(points, self.upsert, _half(self.writes))


UNLIMITED = Limits()


def _half(rate: int | None) -> int | None:
    """What is left of a minute's ration after at most half a minute."""
    return None if rate is None else rate // 2


def _least(number: int, *limits: int | None) -> int:
    return max(1, min([number, *(limit for limit in limits if limit is not None)]))


@dataclass(frozen=True, kw_only=True)
class CollectionInfo:
    """A collection as it is now, its dense vectors apart from those that cannot be clustered."""

    name: str
    points: int
    vectors: Mapping[str, Vector]
    indexes: Mapping[str, int] = field(repr=False)
    """Payload indexes: field to Qdrant's number for the type."""
    limits: Limits = field(default=UNLIMITED, repr=False)
    unusable: Mapping[str, str] = field(default_factory=dict)
    """Vectors that hold several or sparse ones, each with what it is."""
    shard_keys: tuple[ShardKey, ...] | None = None
    """Where each point lies under a shard key, which a write has to name, these; else None."""

    def shard_key(self, key: ShardKey | None) -> ShardKey | None:
        """The key to write new points under; DocumentsRefused names those that are there."""
        if self.shard_keys is None and key is None:
            return None
        for known in self.shard_keys or ():
            if key is not None and str(known) == str(key):
                return known
        if self.shard_keys is None:
            message = f"collection {self.name!r} has no shard keys: leave {key!r} out"
        else:
            asked = "each point lies under a shard key" if key is None else f"not {key!r}"
            known = ", ".join(map(str, self.shard_keys)) or "none"
            message = f"collection {self.name!r} has the shard keys {known}, {asked}: name one"
        raise DocumentsRefused(message)


@dataclass(frozen=True, kw_only=True)
class Point:
    """A stored document; ``id`` is the point id as text.

    ``document_id`` is the payload's, when that is text or a whole number, else the point id.
    """

    id: str
    document_id: str
    payload: JsonObject
    vectors: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A collection to read, and which of its vectors, one for each feature in order."""

    collection_id: str
    qdrant_collection: str
    vector_names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Documents to read: from which collections, which of them, and what of each.

    ``payload_fields`` are top-level keys, None for the whole payload.  ``sample_size`` documents,
    None for all, follow from the ids and ``seed``.
    """

    sources: Sequence[Source]
    tree: Filter | None = None
    payload_fields: Sequence[str] | None = None
    sample_size: int | None = None
    seed: int = 42


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """What became of the selection.

    ``source_documents`` = ``retrieved`` + ``missing_vector`` + ``not_sampled`` + ``vanished``.
    """

    source_documents: int
    retrieved: int
    missing_vector: int
    """Documents that lack a vector the export asks for."""
    not_sampled: int
    vanished: int
    """Documents deleted between being selected and being read."""
    invalid: int
    """Documents among the retrieved with NaN or infinity in a vector."""
    invalid_ids: tuple[str, ...]
    """The first ten of them, by document id."""
    seconds: float
    vector_bytes: int


@dataclass(frozen=True, kw_only=True)
class WriteReport:
    """How a write ended, point by point; ``failures`` are the first ten, with the reason."""

    written: int
    failed: int
    failures: tuple[tuple[str, str], ...] = ()
    refusal: str | None = None
    """Why the server took nothing, unless that is because the points are gone."""


@dataclass(frozen=True, kw_only=True)
class Products:
    """All documents of a selection: ids, the product of each one's vector with the direction, and
    whether its payload has all of the fields asked for; ``document_ids`` unless left out.
    """

    ids: Sequence[str]
    document_ids: Sequence[str]
    values: NDArray[np.float32]
    direction: NDArray[np.float32]
    """What was asked for, as the server rounds it for vectors of that type."""
    unit: bool
    """Whether the products are those of vectors at length 1."""
    whole: NDArray[np.bool_]
