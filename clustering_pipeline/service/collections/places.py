"""At which point a document lies: that of its id, unless another door put it elsewhere.

A point goes by the ``document_id`` of its payload, and by its own id where that names none.  So a
document of somebody else's making may lie anywhere, and is found by what it is called.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from clustering_pipeline.model.collections import DOCUMENT_ID
from clustering_pipeline.model.errors import DocumentsRefused
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.model.ids import PointId, point_id_of, shard_part, unsharded
from clustering_pipeline.stores.documents import Documents
from clustering_pipeline.stores.documents.types import Point

_NAMED = 10


@dataclass(frozen=True, kw_only=True)
class Placed:
    """The points to write, one for each id, and those that hold a document a second time."""

    points: list[PointId]
    copies: list[str]
    replaced: int


@dataclass(frozen=True, kw_only=True)
class Places:
    """Points by what their documents are called, as far as that matters."""

    part: str | None = None
    """How ids of points end that lie under the shard key to write under; None is under any."""
    points: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def add(self, points: Iterable[Point]) -> None:
        """Learn of points that exist."""
        for point in points:
            mine = self.part is None or shard_part(point.id) == self.part
            if mine and point.id not in self.names:
                self.names[point.id] = point.document_id
                self.points.setdefault(point.document_id, []).append(point.id)

    def place(self, document_ids: Sequence[str | int]) -> Placed:
        """Where to write documents; raises DocumentsRefused where another one would be lost."""
        points: list[PointId] = []
        copies: list[str] = []
        taken: list[str] = []
        given: dict[str, str] = {}
        replaced = 0
        for document_id in document_ids:
            own, shown = self._own(document_id), str(document_id)
            present = self.points.get(shown, [])
            _require_one_key(shown, present)
            replaced += bool(present)
            point = own if str(own) in present or not present else present[0]
            holder = given.setdefault(str(point), self.names.get(str(point), shown))
            if holder != shown:
                taken.append(f"{shown[:60]!r} is the point of {holder[:60]!r}")
            points.append(point)
            copies += [other for other in present if other != str(point)]
        if taken:
            message = (
                f"{len(taken)} ids name points that hold other documents: "
                f"{', '.join(taken[:_NAMED])}; give these documents other ids"
            )
            raise DocumentsRefused(message)
        return Placed(points=points, copies=copies, replaced=replaced)

    def _own(self, document_id: str | int) -> PointId:
        own = point_id_of(document_id)
        return f"{own}{self.part}" if self.part else own


def _require_one_key(document_id: str, points: Sequence[str]) -> None:
    parts = sorted({shard_part(point) for point in points})
    if len(parts) > 1:
        known = ", ".join(part[1:] for part in parts)
        message = f"document {document_id[:60]!r} lies under the shard keys {known}: name one"
        raise DocumentsRefused(message)


def search(
    documents: Documents, collection: str, document_ids: Sequence[str], *, part: str | None
) -> Places:
    """What there is under these ids, and at their points."""
    places = Places(part=part)
    own = [str(point_id_of(document_id)) for document_id in document_ids]
    places.add(documents.retrieve(collection, own, payload_fields=(DOCUMENT_ID,)))
    places.add(called(documents, collection, document_ids, payload_fields=(DOCUMENT_ID,)))
    return places


def called(
    documents: Documents,
    collection: str,
    document_ids: Sequence[str],
    *,
    payload_fields: Sequence[str] | None = None,
    vector_names: Sequence[str] = (),
) -> list[Point]:
    """All points whose documents go by these ids."""
    condition = {"field": DOCUMENT_ID, "operator": "in", "value": list(document_ids)}
    tree = parse_filter({"AND": [condition], "case_sensitive": True})
    pages = documents.scroll(
        collection, tree, payload_fields=payload_fields, vector_names=vector_names
    )
    return list(chain.from_iterable(pages))


def displaced(documents: Documents, collection: str, *, part: str | None) -> Places:
    """The documents of a whole collection that lie elsewhere than at the points of their ids."""
    places = Places(part=part)
    for page in documents.scroll(collection, payload_fields=(DOCUMENT_ID,)):
        places.add(
            point for point in page if str(point_id_of(point.document_id)) != unsharded(point.id)
        )
    own = [str(point_id_of(name)) for name in places.points]
    for start in range(0, len(own), 1000):
        named = own[start : start + 1000]
        places.add(documents.retrieve(collection, named, payload_fields=(DOCUMENT_ID,)))
    return places
