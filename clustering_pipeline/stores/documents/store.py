"""Documents with vectors, in Qdrant over gRPC.

Whoever opens the stores waits neither for Qdrant nor for its client, which takes longer to import
than most commands run: both come with the first call.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Self

from clustering_pipeline.model.filters.tree import Filter
from clustering_pipeline.model.progress import Check
from clustering_pipeline.stores.documents.concurrency import READS
from clustering_pipeline.stores.documents.types import (
    CollectionInfo,
    ExportReport,
    Floats,
    OpenSink,
    Point,
    Products,
    Selection,
    Update,
    WriteReport,
    ignore,
)

if TYPE_CHECKING:
    from clustering_pipeline.stores.documents.connection import Connection
    from clustering_pipeline.stores.documents.pushdown import SplitFilter

PAGE = 1000
PATIENCE = 60.0
"""Seconds that retries of one call may take together, once the server has answered."""


class Documents:
    """Everything the pipeline does to Qdrant.

    A collection goes by its name or an alias.  What is not there raises ``CollectionNotFound``, or
    ``UnknownVector`` naming those there are; what Qdrant does not take, ``DocumentsRefused``; no
    answer within ``patience`` seconds of retries, ``DocumentsUnavailable``.
    """

    def __init__(self, connect: "Callable[[], Connection]"):
        self._connect = connect
        self._connected: Connection | None = None
        self._connecting = Lock()
        self.waiting: Callable[[], None] = ignore
        """Is called now and then while a server that has answered is waited for."""

    @classmethod
    def connect(
        cls,
        url: str | Callable[[], str],
        api_key: str | None = None,
        *,
        patience: float = PATIENCE,
        authority: Path | None = None,
    ) -> Self:
        """``grpc(s)://host:port``, or the REST address of a server on the usual two ports.

        ``authority`` is a PEM file of certificates that the server's is signed by.

        The connection is made, and an address that is yet to be known asked for, at the first use.
        """

        def connected() -> "Connection":
            from clustering_pipeline.stores.documents import connection

            address = url if isinstance(url, str) else url()
            client = connection.open_client(address, api_key, authority=authority)
            return connection.Connection(
                client, address=connection.shown(address), patience=patience
            )

        return cls(connected)

    @property
    def address(self) -> str:
        """Where the server is."""
        return self._connection.address

    def close(self) -> None:
        """End the connections, if there are any."""
        if self._connected is not None:
            self._connected.close()

    @property
    def _connection(self) -> "Connection":
        with self._connecting:
            if self._connected is None:
                self._connected = self._connect()
                self._connected.waiting = self._wait
            return self._connected

    def _wait(self) -> None:
        self.waiting()

    # Collections

    def describe(self, qdrant_collection: str) -> CollectionInfo:
        """Its dense vectors, its payload indexes and how many points it holds."""
        from clustering_pipeline.stores.documents import collections, reading

        info = collections.info(self._connection, qdrant_collection)
        split = reading.split_filter(self._connection, None, info)
        return replace(info, points=reading.count(self._connection, qdrant_collection, split))

    def index(self, qdrant_collection: str, fields: Mapping[str, str]) -> None:
        """Index fields (name to ``Keyword``, ``Bool`` …) where strict mode asks for it."""
        from clustering_pipeline.stores.documents import collections

        collections.index(self._connection, qdrant_collection, fields)

    def collections(self) -> list[str]:
        """The names of all collections."""
        return self._connection.names()

    def create_collection(
        self, name: str, vectors: Mapping[str, int], *, distance: str = "Cosine"
    ) -> None:
        """Vector name → size (``""`` alone: the unnamed one); ``NameTaken`` when it exists."""
        from clustering_pipeline.stores.documents import collections

        collections.create(self._connection, name, vectors, distance=distance)

    def index_keyword(self, name: str, field: str) -> None:
        """Find texts of a field without a look at every point."""
        from clustering_pipeline.stores.documents import collections

        collections.index_keyword(self._connection, name, field)

    def add_vector(self, name: str, vector: str, size: int, *, distance: str = "Cosine") -> None:
        """One vector more for the points of a collection, which have none of it yet."""
        from clustering_pipeline.stores.documents import collections

        collections.add_vector(self._connection, name, vector, size, distance)

    def delete_collection(self, name: str) -> bool:
        """Drop it; False when there was none."""
        from clustering_pipeline.stores.documents import collections

        return collections.delete(self._connection, name)

    def aliases(self) -> dict[str, str]:
        """Every alias and the collection it stands for."""
        from clustering_pipeline.stores.documents import collections

        return collections.aliases(self._connection)

    def set_aliases(self, targets: Mapping[str, str | None]) -> None:
        """Switch aliases to collections, all from one moment to the next; None removes one."""
        from clustering_pipeline.stores.documents import collections

        collections.set_aliases(self._connection, targets)

    # Reading

    def points(self, qdrant_collection: str) -> int:
        """How many points there are."""
        return self.count(qdrant_collection)

    def count(self, qdrant_collection: str, tree: Filter | None = None) -> int:
        """How many documents the filter selects, exactly."""
        from clustering_pipeline.stores.documents import reading

        split = self._split(qdrant_collection, tree)
        return reading.count(self._connection, qdrant_collection, split)

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
        lacking: str | None = None,
    ) -> Iterator[list[Point]]:
        """Pages of what the filter selects, by point id, ``limit`` points at most.

        ``payload_fields`` are top-level keys; those that the filter needed come as well.
        ``start`` is the point id to begin at; ``lacking`` names a vector that they do not have.
        """
        from clustering_pipeline.stores.documents import reading

        pages = reading.scroll(
            self._connection,
            qdrant_collection,
            self._split(qdrant_collection, tree),
            page=page if limit is None else max(1, min(page, limit)),
            payload_fields=payload_fields,
            vectors=self._sizes(qdrant_collection, vector_names),
            start=start,
            lacking=lacking,
        )
        return pages if limit is None else reading.limited(pages, limit)

    def ids(self, qdrant_collection: str, tree: Filter | None = None) -> Iterator[list[str]]:
        """Pages of the point ids of what the filter selects, in their order."""
        from clustering_pipeline.stores.documents import reading

        split = self._split(qdrant_collection, tree)
        return reading.scroll_ids(self._connection, qdrant_collection, split)

    def retrieve(
        self,
        name: str,
        point_ids: Sequence[str],
        *,
        payload_fields: Sequence[str] | None = None,
        vector_names: Sequence[str] = (),
    ) -> list[Point]:
        """The points of these ids, in this order; those that are gone are left out."""
        from clustering_pipeline.stores.documents import reading

        sizes = self._sizes(name, vector_names)
        return reading.retrieve(
            self._connection, name, point_ids, payload_fields=payload_fields, vectors=sizes
        )

    def retrieve_pages(
        self,
        name: str,
        point_ids: Sequence[str],
        *,
        payload_fields: Sequence[str] | None = None,
        vector_names: Sequence[str] = (),
    ) -> Generator[list[Point]]:
        """The same for any number of ids, a part at a time; close it when leaving early."""
        from clustering_pipeline.stores.documents import reading

        sizes = self._sizes(name, vector_names)
        return reading.retrieve_pages(
            self._connection,
            name,
            point_ids,
            page=PAGE,
            payload_fields=payload_fields,
            vectors=sizes,
        )

    def export(
        self,
        selection: Selection,
        sink: OpenSink,
        *,
        page: int | None = None,
        in_flight: int = READS,
        progress: Callable[[int, int], None] = ignore,
        check: Check = ignore,
    ) -> ExportReport:
        """Stream the selected documents of all sources into one file, in canonical order.

        ``sink`` opens it for a schema: collection_id, point_id, document_id, payload (JSON text)
        and a column of vectors for each feature, ``vector`` or ``vector_0`` …  Canonical order is
        by collection, document id and point id, as text.  At most ``page``, fewer with long
        vectors, come at a time, ``in_flight`` (at most 8) pages ahead; ``check()`` is called
        between them, and what it raises ends the export without a file.  Raises ``WrongDimension``
        when collections disagree.
        """
        from clustering_pipeline.stores.documents import export

        return export.export(
            self._connection,
            selection,
            sink,
            page=page,
            in_flight=in_flight,
            progress=progress,
            check=check,
        )

    def products(
        self,
        name: str,
        tree: Filter | None,
        *,
        vector: str,
        direction: Floats,
        fields: Sequence[str],
        named: bool,
    ) -> Products | None:
        """Every selected document's nearness to a direction; see ``scoring.products``."""
        from clustering_pipeline.stores.documents import collections, reading, scoring

        info = collections.info(self._connection, name)
        split = reading.split_filter(self._connection, tree, info)
        return scoring.products(
            self._connection,
            info,
            split,
            vector=vector,
            direction=direction,
            fields=fields,
            named=named,
        )

    # Writing

    def upsert(
        self,
        qdrant_collection: str,
        ids: Sequence[str | int],
        vectors: Mapping[str, Floats],
        payloads: Sequence[Mapping[str, object]],
        *,
        shard_key: str | int | None = None,
    ) -> None:
        """Write whole points: ids, (n, d) arrays by vector name, one payload each.

        A collection with custom shard keys takes them under one of these.
        """
        from clustering_pipeline.stores.documents import writing

        writing.upsert(
            self._connection, qdrant_collection, ids, vectors, payloads, shard_key=shard_key
        )

    def write_vectors(
        self, qdrant_collection: str, ids: Sequence[str], vector_name: str, vectors: Floats
    ) -> None:
        """Gives points that are there one of their vectors, (n, d); nothing else changes."""
        from clustering_pipeline.stores.documents import writing

        writing.write_vectors(self._connection, qdrant_collection, ids, vector_name, vectors)

    def write_payloads(
        self,
        qdrant_collection: str,
        updates: Iterable[Update],
        *,
        remove_keys: Sequence[str] = (),
        progress: Callable[[int], None] = ignore,
        check: Check = ignore,
    ) -> WriteReport:
        """Merge fields into payloads: ``(point id, fields)``, each point once.

        A point's fields arrive in one operation, so a reader sees all of them or none; then
        ``remove_keys`` that its fields do not name are removed.  Keys are top-level and literal.  A
        point that is gone, or fields that are not JSON, count as failed and are named; the others
        are written.
        """
        from clustering_pipeline.stores.documents import writing

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
        progress: Callable[[int], None] = ignore,
        check: Check = ignore,
    ) -> WriteReport:
        """The same fields for the points of a group, for many groups: ``(point ids, fields)``.

        As with ``write_payloads``, a reader sees all fields of a point or none.
        """
        from clustering_pipeline.stores.documents import writing

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
        progress: Callable[[int], None] = ignore,
        check: Check = ignore,
    ) -> WriteReport:
        """The same fields for many points, thousands in one operation."""
        from clustering_pipeline.stores.documents import writing

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
        from clustering_pipeline.stores.documents import writing

        if point_ids is None:
            point_ids = [point for page in self.ids(qdrant_collection, tree) for point in page]
        writing.delete(self._connection, qdrant_collection, point_ids)
        return len(point_ids)

    def _split(self, name: str, tree: Filter | None) -> "SplitFilter":
        from clustering_pipeline.stores.documents import collections, reading

        info = collections.info(self._connection, name)
        return reading.split_filter(self._connection, tree, info)

    def _sizes(self, name: str, vector_names: Sequence[str]) -> dict[str, int]:
        from clustering_pipeline.stores.documents import collections, export

        if not vector_names:
            return {}
        info = collections.info(self._connection, name)
        return {vector: export.size_of(name, info, vector) for vector in vector_names}
