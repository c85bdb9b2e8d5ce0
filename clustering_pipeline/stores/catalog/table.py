"""One MongoDB collection, in the few operations that the catalog uses, and changes of a record
that others may change too.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import stamina
from pymongo import IndexModel, ReturnDocument
from pymongo.collection import Collection
from pymongo.errors import (
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    WTimeoutError,
)

from clustering_pipeline.model.errors import (
    CatalogUnavailable,
    ClusteringError,
    InvalidRequest,
    StaleVersion,
)
from clustering_pipeline.model.ids import looks_like_id
from clustering_pipeline.model.scope import Scope

Result = TypeVar("Result")
Read = TypeVar("Read")

ATTEMPTS = 3
_CHANGES = 100
TRANSIENT = (ConnectionFailure, ExecutionTimeout, WTimeoutError)
_REFUSED = frozenset({13, 18, 8000})  # Unauthorized, AuthenticationFailed, AtlasError
_TOO_LARGE = frozenset({10334, 17419, 17420})  # a document, or one that an update makes so


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Runs an operation; raises ``CatalogUnavailable`` when MongoDB does not do it in time, and
    ``InvalidRequest`` for more than it takes at once.
    """

    address: str
    seconds: float

    def __call__(self, operation: Callable[[], Result]) -> Result:
        """What ``operation`` returns."""
        try:
            return _retried(operation, seconds=self.seconds)
        except TRANSIENT as error:
            message = f"the catalog does not answer: no MongoDB at {self.address}; is it running?"
            raise CatalogUnavailable(message) from error
        except DuplicateKeyError:
            raise
        except DocumentTooLarge as error:
            raise _too_large() from error
        except OperationFailure as error:
            if error.code in _TOO_LARGE:
                raise _too_large() from error
            if error.code not in _REFUSED:
                raise
            message = f"the catalog refuses us: MongoDB at {self.address} denies these credentials"
            raise CatalogUnavailable(message) from error


def _too_large() -> InvalidRequest:
    message = (
        "this is more than the catalog takes, which keeps a record, with what lists search it by, "
        "in 16 MB: shorten its longest texts, or its metadata"
    )
    return InvalidRequest(message)


def _retried(operation: Callable[[], Result], *, seconds: float) -> Result:
    attempt = stamina.RetryingCaller(
        attempts=ATTEMPTS, timeout=seconds, wait_initial=0.05, wait_max=1.0
    )
    return attempt(TRANSIENT, operation)


def address_of(uri: str) -> str:
    """The address without user, password and options, fit to be shown."""
    host = re.sub(r"//.*@", "//", uri, flags=re.DOTALL)
    return host.partition("?")[0].rstrip("/")


Document = dict[str, Any]
Query = Mapping[str, Any]
Sort = Sequence[tuple[str, int]]


class Duplicate(Exception):
    """A unique index holds that value already; ``index`` is its first key's last part."""

    def __init__(self, error: DuplicateKeyError):
        details = error.details or {}
        self.values: dict[str, Any] = dict(details.get("keyValue") or {})
        super().__init__(str(sorted(self.values)))

    def concerns(self, key: str) -> bool:
        """Whether the index is about ``key``."""
        return key in self.values


@dataclass(frozen=True, slots=True)
class Table:
    """Typed, guarded access; ``DuplicateKeyError`` becomes ``Duplicate``."""

    collection: Collection[Document]
    guard: Guard

    def find(
        self,
        query: Query,
        *,
        sort: Sort = (),
        skip: int = 0,
        limit: int = 0,
        fields: Sequence[str] | None = None,
        hint: str | None = None,
    ) -> list[Document]:
        """The documents that match, whole or with ``fields`` only; ``hint`` names the index."""

        def read() -> list[Document]:
            cursor = self.collection.find(query, fields, skip=skip, limit=limit, hint=hint)
            return list(cursor.sort(list(sort)) if sort else cursor)

        return self.guard(read)

    def find_one(self, query: Query, *, sort: Sort = ()) -> Document | None:
        """The first document that matches."""
        return next(iter(self.find(query, sort=sort, limit=1)), None)

    def first(
        self, query: Query, decode: Callable[[Document], Read], *, sort: Sort = ()
    ) -> Read | None:
        """The first record that matches, as ``decode`` reads it."""
        document = self.find_one(query, sort=sort)
        return None if document is None else decode(document)

    def record(
        self, query: Query, decode: Callable[[Document], Read], missing: ClusteringError
    ) -> Read:
        """The record that matches, as ``decode`` reads it; raises ``missing``."""
        document = self.find_one(query)
        if document is None:
            raise missing
        return decode(document)

    def insert(self, document: Document) -> None:
        """Adds a document.  An answer lost on the way does not make it a duplicate of itself."""
        try:
            self.guard(lambda: self.collection.insert_one(document))
        except DuplicateKeyError as error:
            duplicate = Duplicate(error)
            itself = {"_id": document["_id"]}
            if duplicate.values == itself and self.find_one(itself) == document:
                return
            raise duplicate from error

    def swap(
        self, query: Query, update: Mapping[str, Any], *, upsert: bool = False
    ) -> Document | None:
        """Changes the one document that matches and returns it as it is then; None without one."""
        try:
            return self.guard(
                lambda: self.collection.find_one_and_update(
                    query, update, upsert=upsert, return_document=ReturnDocument.AFTER
                )
            )
        except DuplicateKeyError as error:
            raise Duplicate(error) from error

    def change_all(self, query: Query, update: Mapping[str, Any]) -> int:
        """Changes all that match; how many there were."""
        return self.guard(lambda: self.collection.update_many(query, update).matched_count)

    def delete(self, query: Query) -> int:
        """Deletes all that match; how many there were."""
        return self.guard(lambda: self.collection.delete_many(query).deleted_count)

    def count(self, query: Query) -> int:
        """How many match."""
        rows = self.aggregate([{"$match": query}, {"$count": "total"}])
        return int(rows[0]["total"]) if rows else 0

    def aggregate(
        self, stages: Sequence[Mapping[str, Any]], *, hint: str | None = None
    ) -> list[Document]:
        """The answer of an aggregation; ``hint`` names the index that it reads."""
        options: dict[str, Any] = {} if hint is None else {"hint": hint}
        return self.guard(lambda: list(self.collection.aggregate(list(stages), **options)))

    def ensure(self, indexes: Sequence[IndexModel]) -> None:
        """Makes the indexes that are not there."""
        if indexes:
            self.guard(lambda: self.collection.create_indexes(list(indexes)))


def within(scope: Scope, **conditions: Any) -> dict[str, Any]:
    """The conditions, for records of the namespace only."""
    return {**scope.fields(), **conditions}


def identified(scope: Scope, identifier: str, *, id_key: str, name_key: str) -> dict[str, Any]:
    """By id or by name; no name looks like an id, so it cannot be both."""
    return within(scope, **{id_key if looks_like_id(identifier) else name_key: identifier})


class Versioned(Protocol):
    """A record that counts its changes."""

    @property
    def version(self) -> int:
        """How often it was written."""
        ...


Kept = TypeVar("Kept", bound=Versioned)


def ids_within(run_id: str) -> Query:
    """What asks for a run's id and for those of its parts, which go on in hexadecimal digits."""
    return {"$gte": run_id, "$lt": f"{run_id}g"}


def change(
    table: Table,
    query: Query,
    *,
    decode: Callable[[Document], Kept],
    encode: Callable[[Kept], Mapping[str, Any]],
    missing: ClusteringError,
    edit: Callable[[Kept], Kept],
    conflict: Callable[[Kept, Duplicate], ClusteringError] | None = None,
) -> Kept:
    """Applies ``edit`` to the one record that ``query`` finds and returns it as stored.

    When another writer comes first, ``edit`` is applied again to what that one wrote.  ``edit``
    may raise, and nothing is written; a record it returns unchanged is not written either.
    ``conflict`` is raised when a unique index keeps the changed record out.
    """
    for _ in range(_CHANGES):
        before = table.record(query, decode, missing)
        after = edit(before)
        if after == before:
            return before
        try:
            written = table.swap({**query, "version": before.version}, encode(after))
        except Duplicate as duplicate:
            if conflict is None:
                raise
            raise conflict(after, duplicate) from duplicate
        if written is not None:
            return decode(written)
    message = f"the record is changed by others faster than we can: {_CHANGES} attempts failed"
    raise StaleVersion(message)
