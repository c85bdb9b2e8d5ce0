"""Batches of documents, numbered within each collection in the order in which they complete."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from clustering_pipeline.model.automation.batches import BatchRecord, Completion
from clustering_pipeline.model.errors import BatchNotFound, StaleVersion, StateConflict
from clustering_pipeline.model.ids import new_id
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import Clock
from clustering_pipeline.stores.catalog.collections import Collections
from clustering_pipeline.stores.catalog.indexes import NOT_OVERTAKEN
from clustering_pipeline.stores.catalog.table import Duplicate, Table, within

_TURNS = 100
_AT_ONCE = 500
_NAMED = 5
_NEWEST = (("created_at", -1), ("_id", 1))

BatchNumber = tuple[Scope, str, int]
"""A completed batch, by one of its collections and its number there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """Batches: open while documents arrive, then completed or failed, for good."""

    table: Table
    collections: Collections
    clock: Clock

    def open(
        self, scope: Scope, collection_ids: Sequence[str], *, batch_id: str | None = None
    ) -> BatchRecord:
        """A new batch of one or more collections, by ids or names; or the one of that id."""
        collections = self.collections.resolve(scope, collection_ids)
        record = BatchRecord(
            batch_id=batch_id or new_id("batch"),
            organization_id=scope.organization_id,
            namespace_id=scope.namespace_id,
            collection_ids=list(dict.fromkeys(each.collection_id for each in collections)),
            created_at=self.clock(),
        )
        try:
            self.table.insert({"_id": record.batch_id, **record.model_dump(mode="json")})
        except Duplicate:
            return self.get(scope, record.batch_id)
        return record

    def get(self, scope: Scope, batch_id: str) -> BatchRecord:
        """The batch; raises BatchNotFound."""
        missing = BatchNotFound(f"no batch {batch_id[:200]!r} here")
        return self.table.record(within(scope, _id=batch_id), BatchRecord.model_validate, missing)

    def list(
        self, scope: Scope, collection_id: str, *, limit: int = 0, offset: int = 0
    ) -> list[BatchRecord]:
        """The batches of a collection, newest first; all of them without a limit."""
        query = within(scope, collection_ids=collection_id)
        rows = self.table.find(query, sort=_NEWEST, skip=offset, limit=limit)
        return [BatchRecord.model_validate(row) for row in rows]

    def count(self, scope: Scope, collection_id: str) -> int:
        """How many batches a collection has, however they ended."""
        return self.table.count(within(scope, collection_ids=collection_id))

    def complete(self, scope: Scope, batch_id: str) -> BatchRecord:
        """Counts the batch, once however often it is called; raises StateConflict if it failed."""
        for _ in range(_TURNS):
            record = self.get(scope, batch_id)
            if record.status == "completed":
                return record
            completed = self._completed(scope, record)
            if completed is not None:
                return completed
        message = f"batch {batch_id} could not be numbered: too many complete at once; try again"
        raise StaleVersion(message)

    def complete_open(self, scope: Scope, collection_ids: Sequence[str]) -> BatchRecord:
        """Counts the open batch of these collections, or a new one where none of theirs is open.

        Raises StateConflict where it is not plain which batch is meant.
        """
        collections = self.collections.resolve(scope, collection_ids)
        ids = sorted({collection.collection_id for collection in collections})
        query = within(scope, status="open", collection_ids={"$in": ids})
        opened = [BatchRecord.model_validate(row) for row in self.table.find(query)]
        _check_plain(opened, ids)
        record = opened[0] if opened else self.open(scope, ids)
        return self.complete(scope, record.batch_id)

    def fail(self, scope: Scope, batch_id: str, error: str) -> BatchRecord:
        """Ends the batch without counting it; raises StateConflict if it was completed."""
        record = self.get(scope, batch_id)
        if record.status == "failed":
            return record
        _check_open(record)
        changes = {"status": "failed", "error": error, "ended_at": self.clock()}
        failed = self._end(record.model_copy(update=changes))
        return failed if failed is not None else self.fail(scope, batch_id, error)

    def completed(self, scope: Scope, collection_ids: Sequence[str]) -> dict[str, int]:
        """How many batches each collection has seen complete."""
        of = {"collection_id": {"$in": list(collection_ids)}}
        last = _last_numbers(self.table, within(scope), of)
        return {
            collection_id: last.get((scope, collection_id), 0) for collection_id in collection_ids
        }

    def completed_everywhere(self) -> dict[Scope, dict[str, int]]:
        """The same for all collections of all namespaces that have seen one complete."""
        numbers: dict[Scope, dict[str, int]] = {}
        for (scope, collection_id), number in _last_numbers(self.table, {}, {}).items():
            numbers.setdefault(scope, {})[collection_id] = number
        return numbers

    def completed_at(self, numbers: Collection[BatchNumber]) -> dict[BatchNumber, datetime]:
        """When each of the batches completed; what there is none of is left out."""
        left, times = iter(numbers), dict[BatchNumber, datetime]()
        while some := set(islice(left, _AT_ONCE)):
            for row in self.table.find({"$or": [_numbered(*number) for number in some]}):
                record = BatchRecord.model_validate(row)
                if record.ended_at is not None:
                    times |= dict.fromkeys(_numbers(record) & some, record.ended_at)
        return times

    def _completed(self, scope: Scope, record: BatchRecord) -> BatchRecord | None:
        """The batch completed with the next numbers; None when somebody else took one of them."""
        _check_open(record)
        seen = self.completed(scope, record.collection_ids)
        numbers = [
            Completion(collection_id=collection_id, number=last + 1)
            for collection_id, last in seen.items()
        ]
        changes = {"status": "completed", "completions": numbers, "ended_at": self.clock()}
        try:
            completed = self._end(record.model_copy(update=changes))
        except Duplicate:
            return None
        if completed is not None:
            _overtake(self.table, completed)
        return completed

    def _end(self, record: BatchRecord) -> BatchRecord | None:
        query = within(record.scope, _id=record.batch_id, status="open")
        ended = self.table.swap(query, {"$set": record.model_dump(mode="json")})
        return None if ended is None else BatchRecord.model_validate(ended)


def _numbered(scope: Scope, collection_id: str, number: int) -> dict[str, Any]:
    completion = {"collection_id": collection_id, "number": number}
    return within(scope, status="completed", completions={"$elemMatch": completion})


def _numbers(record: BatchRecord) -> set[BatchNumber]:
    return {
        (record.scope, completion.collection_id, completion.number)
        for completion in record.completions
    }


def _check_plain(opened: Sequence[BatchRecord], collection_ids: Sequence[str]) -> None:
    """At most one batch is open, and it is of these collections and no others."""
    if len(opened) > 1:
        shown = [batch.batch_id for batch in opened[:_NAMED]]
        more = [f"{len(opened) - _NAMED} more"] if len(opened) > _NAMED else []
        listed = ", ".join([*shown, *more])
        message = f"{len(opened)} batches are open there: complete each by its id: {listed}"
        raise StateConflict(message)
    for batch in opened:
        if sorted(batch.collection_ids) != collection_ids:
            message = (
                f"{batch.batch_id} is open, and of {', '.join(batch.collection_ids)}: complete it "
                "by its id, or name just these collections"
            )
            raise StateConflict(message)


def _check_open(record: BatchRecord) -> None:
    if record.status != "open":
        message = f"batch {record.batch_id} has {record.status} already and stays so"
        raise StateConflict(message)


def _overtake(table: Table, record: BatchRecord) -> None:
    """Marks the batches before this one, in each of its collections."""
    for completion in record.completions:
        before = {"collection_id": completion.collection_id, "number": {"$lt": completion.number}}
        query = within(record.scope, **_not_overtaken(before))
        # Usually there is one; a catalog from before the mark has it all written bit by bit.
        rows = table.find(query, fields=["_id"], limit=_AT_ONCE, hint=NOT_OVERTAKEN)
        some = {"_id": {"$in": [row["_id"] for row in rows]}}
        table.change_all(query | some, {"$set": {"completions.$.overtaken": True}})


def _last_numbers(
    table: Table, scope: Mapping[str, Any], of: Mapping[str, Any]
) -> dict[tuple[Scope, str], int]:
    """The number of the last batch of each collection that has seen one complete."""
    place = {"o": "$organization_id", "n": "$namespace_id", "c": "$completions.collection_id"}
    rows = table.aggregate(
        [
            {"$match": {**scope, **_not_overtaken(of)}},
            {"$unwind": "$completions"},
            {"$group": {"_id": place, "last": {"$max": "$completions.number"}}},
        ],
        # In its order, a batch is either read or overtaken by one that is read after it.
        hint=NOT_OVERTAKEN,
    )
    return {_place(row["_id"]): int(row["last"]) for row in rows}


def _not_overtaken(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": "completed", "completions": {"$elemMatch": {**of, "overtaken": None}}}


def _place(key: Mapping[str, str]) -> tuple[Scope, str]:
    return Scope(organization_id=key["o"], namespace_id=key["n"]), key["c"]
