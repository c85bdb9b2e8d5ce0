"""Prints the records that several commands end with."""

from clustering_pipeline.cli.session import Session
from clustering_pipeline.cli.terminal.output import emit_one
from clustering_pipeline.cli.terminal.summaries import (
    collection_summary,
    definition_summary,
    execution_summary,
    ledger_in_words,
    standing_in_words,
    trigger_summary,
)
from clustering_pipeline.model.automation.triggers import TriggerRecord
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.automation import AutomationStanding
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import CollectionNotFound
from clustering_pipeline.model.executions.execution import ExecutionRecord, LabelingLedger
from clustering_pipeline.stores.documents.types import CollectionInfo


def show_definition(session: Session, record: ClusterRecord, output: str) -> None:
    """A definition with the names of its collections."""
    emit_one(
        record.metadata().model_dump(mode="json"),
        output=output,
        summary=definition_summary(record, _collection_names(session)),
    )


def show_standing(
    session: Session,
    record: ClusterRecord,
    output: str,
    *,
    spent: LabelingLedger,
    standing: AutomationStanding,
) -> None:
    """A definition, what its labels have cost, and what it waits for."""
    more = {
        "labels_spent": spent.model_dump(mode="json"),
        "automation": standing.model_dump(mode="json"),
    }
    words = {"labels_spent": ledger_in_words(spent), "automation": standing_in_words(standing)}
    emit_one(
        record.metadata().model_dump(mode="json") | more,
        output=output,
        summary=definition_summary(record, _collection_names(session)) | words,
    )


def show_execution(record: ExecutionRecord, output: str) -> None:
    """How a run ended and what it found."""
    result = record.result().model_dump(mode="json", exclude={"centroids"})
    emit_one(result, output=output, summary=execution_summary(record))


def show_collection(session: Session, record: CollectionRecord, output: str) -> None:
    """A collection with what Qdrant holds of it."""
    info = describe(session, record)
    emit_one(
        record.model_dump(mode="json") | {"points": info and info.points},
        output=output,
        summary=collection_summary(record, info),
    )


def describe(session: Session, record: CollectionRecord) -> CollectionInfo | None:
    """None when Qdrant has lost the collection: the others are to be seen all the same."""
    try:
        return session.pipeline.documents.describe(record.qdrant_collection)
    except CollectionNotFound:
        return None


def show_trigger(record: TriggerRecord, output: str) -> None:
    """When it fires, and how what it started ended."""
    emit_one(record.model().model_dump(mode="json"), output=output, summary=trigger_summary(record))


def _collection_names(session: Session) -> dict[str, str]:
    known = session.pipeline.catalog.collections.list(session.scope)
    return {collection.collection_id: collection.collection_name for collection in known}
