"""Documents with vectors, in Qdrant over gRPC."""

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from qdrant_client import QdrantClient, grpc

from clustering_pipeline.model.filters.tree import Filter
from clustering_pipeline.stores.documents import collections, export, reading, scoring, writing
from clustering_pipeline.stores.documents.codec import Floats
from clustering_pipeline.stores.documents.connection import PATIENCE, Connection, open_client
from clustering_pipeline.stores.documents.export import ExportRequest, OpenSink
from clustering_pipeline.stores.documents.pushdown import Selection
from clustering_pipeline.stores.documents.selection import ID_PAGE
from clustering_pipeline.stores.documents.types import (
    CollectionInfo,
    ExportReport,
    Point,
    Products,
    Source,
    WriteReport,
)

PAGE = 1000


def _ignore(*_: int) -> None:
    """Nobody asked to be told."""


class Documents:
    """Everything the pipeline does to Qdrant.

    A collection goes by its name or an alias.  What is not there raises ``CollectionNotFound``, or
    ``UnknownVector`` naming those there are; what Qdrant does not take, ``DocumentsRefused``; no
    answer within ``patience`` seconds of retries, ``DocumentsUnavailable``.
    """

    def __init__(self, client: QdrantClient, *, address: str = "", patience: float = PATIENCE):
        self._connection = Connection(client, address=address, patience=patience)

    @classmethod
    def connect(cls, url: str, api_key: str | None = None, *, patience: float = PATIENCE) -> Self:
        """``grpc(s)://host:port``, or the REST address of a server on the usual two ports."""
        shown = re.sub(r"//[^/]*@", "//", url)
        return cls(open_client(url, api_key), address=shown, patience=patience)

    @property
    def address(self) -> str:
        """Where the server is."""
        return self._connection.address

    def close(self) -> None:
        """End the connections."""
        self._connection.close()

    # Collections

    def describe(self, qdrant_collection: str) -> CollectionInfo:
        """Its dense vectors, its payload indexes and how many points it holds."""
        return collections.describe(self._connection, qdrant_collection)

    def collections(self) -> list[str]:
        """The names of all collections."""
        return self._connection.names()

    def create_collection(
        self, name: str, vectors: Mapping[str, int], *, distance: str = "Cosine"
    ) -> None:
        """Vector name → size (``""`` alone: the unnamed one); ``NameTaken`` when it exists."""
        collections.create(self._connection, name, vectors, distance=distance)

    def delete_collection(self, name: str) -> bool:
        """Drop it; False when there was none."""
        return collections.delete(self._connection, name)

    def aliases(self) -> dict[str, str]:
        """Every alias and the collection it stands for."""
        return collections.aliases(self._connection)

    def set_aliases(self, targets: Mapping[str, str | None]) -> None:
        """Switch aliases to collections, all from one moment to the next; None removes one."""
        collections.set_aliases(self._connection, targets)

    # Reading

    def points(self, qdrant_collection: str) -> int:
        """How many points there are."""
        return self.count(qdrant_collection)

    def count(self, qdrant_collection: str, tree: Filter | None = None) -> int:
        """How many documents the filter selects, exactly."""
        chosen = self._selection(qdrant_collection, tree)
        return reading.count(self._connection, qdrant_collection, chosen, page=PAGE)

    def scroll(
        self,
        qdrant_collection: str,
        tree: Filter | None = None,
        *,
        limit: int | None = None,
        payload_fields: Sequence[str] | None = None,
        vector_names: Sequence[str] = (),
        page: int = PAGE,
        start: str | None = None,
    ) -> Iterator[list[Point]]:
        """Pages of what the filter selects, by point id, ``limit`` points at most.

        ``payload_fields`` are top-level keys; those that the filter needed come as well.
        ``start`` is the point id to begin at.
        """
        pages = reading.scroll(
            self._connection,
            qdrant_collection,
            self._selection(qdrant_collection, tree),
            page=page if limit is None else max(1, min(page, limit)),
            payload_fields=payload_fields,
            vectors=self._sizes(qdrant_collection, vector_names),
            start=start,
        )
        return pages if limit is None else reading.limited(pages, limit)

    def ids(self, qdrant_collection: str, tree: Filter | None = None) -> Iterator[list[str]]:
        """Pages of the point ids of what the filter selects, in their order."""
        chosen = self._selection(qdrant_collection, tree)
        return reading.scroll_ids(self._connection, qdrant_collection, chosen, page=ID_PAGE)

    def retrieve(
        self,
        name: str,
        point_ids: Sequence[str],
        *,
        payload_fields: Sequence[str] | None = None,
        vector_names: Sequence[str] = (),
    ) -> list[Point]:
        """The points of these ids, in this order; those that are gone are left out."""
        sizes = self._sizes(name, vector_names)
        return reading.retrieve(
            self._connection, name, point_ids, payload_fields=payload_fields, vectors=sizes
        )

    def retrieve_pages(
        self, name: str, point_ids: Sequence[str], *, vector_names: Sequence[str] = (), **asked: Any
    ) -> Generator[list[Point]]:
        """The same for any number of ids, a part at a time; close it when leaving early."""
        asked["vectors"] = self._sizes(name, vector_names)
        return reading.retrieve_pages(self._connection, name, point_ids, page=PAGE, **asked)

    def export(
        self,
        sources: Sequence[Source],
        tree: Filter | None,
        sink: OpenSink,
        *,
        payload_fields: Sequence[str] | None = None,
        vector_columns: Sequence[str] | None = None,
        sample_size: int | None = None,
        seed: int = 42,
        page: int | None = None,
        in_flight: int = export.IN_FLIGHT,
        progress: export.Progress = _ignore,
        check: export.Check = _ignore,
    ) -> ExportReport:
        """Stream the selected documents of all ``sources`` into one file, in canonical order.

        ``sink`` opens it for a schema: collection_id, point_id, document_id, payload (JSON text, of
        the top-level ``payload_fields`` if given) and a column of vectors for each feature, by
        default ``vector`` or ``vector_0`` …  Canonical order is by collection, document id and
        point id, as text; ``sample_size`` documents follow from the ids and ``seed``.  At most
        ``page``, fewer with long vectors, come at a time, ``in_flight`` (at most 8) pages ahead;
        ``check()`` is called between them, and what it raises ends the export without a file.
        Raises ``WrongDimension`` when collections disagree.
        """
        request = ExportRequest(
            sources=sources,
            tree=tree,
            payload_fields=payload_fields,
            vector_columns=vector_columns,
            sample_size=sample_size,
            seed=seed,
            page=page,
            in_flight=in_flight,
            progress=progress,
            check=check,
        )
        infos = [self.describe(source.qdrant_collection) for source in sources]
        return export.export(self._connection, request, infos, sink)

    def products(
        self, name: str, tree: Filter | None, *, vector: str, direction: Floats, **asked: Any
    ) -> Products | None:
        """Every selected document's nearness to a direction; see ``scoring.products``."""
        info, reader = self.describe(name), self._connection
        chosen = reading.selection(reader, tree, info.indexes)
        return scoring.products(reader, info, chosen, vector=vector, direction=direction, **asked)

    # Writing

    def upsert(
        self,
        qdrant_collection: str,
        ids: Sequence[str | int],
        vectors: Mapping[str, Floats],
        payloads: Sequence[Mapping[str, object]],
    ) -> None:
        """Write whole points: ids, (n, d) arrays by vector name, one payload each."""
        writing.upsert(self._connection, qdrant_collection, ids, vectors, payloads)

    def write_payloads(
        self,
        qdrant_collection: str,
        updates: Iterable[writing.Update],
        *,
        remove_keys: Sequence[str] = (),
        progress: writing.Progress = _ignore,
        check: writing.Check = _ignore,
    ) -> WriteReport:
        """Merge fields into payloads: ``(point id, fields)``, each point once.

        A point's fields arrive in one operation, so a reader sees all of them or none; then
        ``remove_keys`` that its fields do not name are removed.  Keys are top-level and literal.  A
        point that is gone, or fields that are not JSON, count as failed and are named; the others
        are written.
        """
        return writing.write_payloads(
            self._connection,
            qdrant_collection,
            updates,
            remove_keys=remove_keys,
            progress=progress,
            check=check,
        )

    def write_groups(
        self,
        qdrant_collection: str,
        groups: Iterable[tuple[Iterable[str | int], Mapping[str, object]]],
        *,
        progress: writing.Progress = _ignore,
        check: writing.Check = _ignore,
    ) -> WriteReport:
        """The same fields for the points of a group, for many groups: ``(point ids, fields)``.

        As with ``write_payloads``, a reader sees all fields of a point or none.
        """
        return writing.write_groups(
            self._connection, qdrant_collection, groups, progress=progress, check=check
        )

    def write_shared(
        self,
        qdrant_collection: str,
        point_ids: Iterable[str | int],
        payload: Mapping[str, object],
        *,
        remove_keys: Sequence[str] = (),
        progress: writing.Progress = _ignore,
        check: writing.Check = _ignore,
    ) -> WriteReport:
        """The same fields for many points, thousands in one operation."""
        return writing.write_shared(
            self._connection,
            qdrant_collection,
            point_ids,
            payload,
            remove_keys=remove_keys,
            progress=progress,
            check=check,
        )

    def delete_points(
        self,
        qdrant_collection: str,
        *,
        tree: Filter | None = None,
        point_ids: Sequence[str | int] | None = None,
    ) -> int:
        """Delete points by id, or those that the filter selects (None: all); returns how many."""
        if point_ids is None:
            point_ids = [one for page in self.ids(qdrant_collection, tree) for one in page]
        doomed = list(point_ids)
        for start in range(0, len(doomed), writing.IDS_PER_OPERATION):
            part = doomed[start : start + writing.IDS_PER_OPERATION]
            request = grpc.DeletePoints(
                collection_name=qdrant_collection, points=writing.selector(part), wait=True
            )
            self._connection.points("Delete", request)
        return len(doomed)

    def _selection(self, name: str, tree: Filter | None) -> Selection:
        if tree is None:
            return Selection()
        return reading.selection(self._connection, tree, self.describe(name).indexes)

    def _sizes(self, name: str, vector_names: Sequence[str]) -> dict[str, int]:
        if not vector_names:
            return {}
        info = self.describe(name)
        return {vector: export.size_of(name, info, vector) for vector in vector_names}
