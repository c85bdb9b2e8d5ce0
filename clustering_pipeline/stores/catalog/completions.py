"""How many batches each collection has seen complete, however many that were.

Completing a batch marks those before it as overtaken, so that what has not been is one batch a
collection, and the numbers are read without the history.  The mark is written after the batch has
its number: should nobody come to write it, the next completion does, and until then a batch too
many is read, never one too few.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from clustering_pipeline.model.automation.batches import BatchRecord
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog.indexes import NOT_OVERTAKEN
from clustering_pipeline.stores.catalog.scoping import within
from clustering_pipeline.stores.catalog.table import Table

_AT_ONCE = 500


def last_numbers(
    table: Table, scope: Scope, collection_ids: Sequence[str]
) -> dict[tuple[Scope, str], int]:
    """The number of the last batch of each of these collections that has seen one complete."""
    found = {"collection_id": {"$in": list(collection_ids)}}
    rows = _last_numbers(table, within(scope), found)
    return {place: number for place, number in rows.items() if place[1] in collection_ids}


def all_last_numbers(table: Table) -> dict[tuple[Scope, str], int]:
    """The same for all collections of all namespaces."""
    return _last_numbers(table, {}, {})


def overtake(table: Table, record: BatchRecord) -> None:
    """Marks the batches before this one, in each of its collections."""
    for one in record.completions:
        before = {"collection_id": one.collection_id, "number": {"$lt": one.number}}
        query = within(record.scope, **_not_overtaken(before))
        # Usually there is one; a catalog from before the mark has it all written bit by bit.
        found = table.find(query, fields=["_id"], limit=_AT_ONCE, hint=NOT_OVERTAKEN)
        some = {"_id": {"$in": [each["_id"] for each in found]}}
        table.change_all(query | some, {"$set": {"completions.$.overtaken": True}})


def _last_numbers(
    table: Table, scope: Mapping[str, Any], of: Mapping[str, Any]
) -> dict[tuple[Scope, str], int]:
    place = {
        "o": "$organization_id",
        "n": "$namespace_id",
        "c": "$completions.collection_id",
    }
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
