"""The documents of a run as it read them: their groups, payloads and the beginnings of texts."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.filters.tree import split_path
from clustering_pipeline.model.ids import below
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.artifacts import EMBEDDINGS, MAP, MEMBERS, TEXTS
from clustering_pipeline.pipeline.run.columns import CLUSTER_ID, FEATURE, KEYS, PAYLOAD
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.results.map import shown_run

TEXT = "text"


def results_of(
    pipeline: Pipeline, scope: Scope, cluster: str, run_id: str | None = None
) -> tuple[ClusterRecord, ExecutionRecord]:
    """A definition and the run that readers look at: the published one, or the one asked for.

    Raises ClusterNotFound, ExecutionNotFound, and StateConflict before anything is published.
    """
    record = pipeline.catalog.clusters.get(scope, cluster)
    execution = shown_run(pipeline, record, run_id)
    if execution is None:
        message = f"{record.name!r} has published nothing yet: execute it"
        raise StateConflict(message)
    return record, execution


def map_page(
    pipeline: Pipeline, scope: Scope, cluster: str, run_id: str | None = None
) -> tuple[ClusterRecord, bytes]:
    """A definition and the map of its run as a page of its own; StateConflict where it has none."""
    record, execution = results_of(pipeline, scope, cluster, run_id)
    if not MAP.exists(pipeline.artifacts, execution):
        message = (
            f"{execution.run_id} has no map, as groups by attributes and runs that leave it out: "
            "ask for another run"
        )
        raise StateConflict(message)
    return record, pipeline.artifacts.read_bytes(execution.artifact_key(MAP.file))


def read_members(
    pipeline: Pipeline, execution: ExecutionRecord, columns: Sequence[str] = ()
) -> pl.DataFrame:
    """The members' ids, clusterings and groups, other ``columns``, payloads (JSON) and texts.

    Texts are null in runs that kept none.  Raises ArtifactNotFound when the files are gone.
    """
    stored = pipeline.artifacts
    members = MEMBERS.read_at(
        stored, execution.members_key or "", [*KEYS, FEATURE, CLUSTER_ID, *columns]
    )
    has_texts = TEXTS.exists(stored, execution)
    texts = TEXTS.read(stored, execution) if has_texts else pl.lit(None, pl.String).alias(TEXT)
    documents = EMBEDDINGS.read(stored, execution, [*KEYS, PAYLOAD])
    return members.with_columns(texts).join(documents, on=KEYS, how="left", maintain_order="left")


def is_within(group: str) -> pl.Expr:
    """Whether a row lies in a group, or in one that is part of it."""
    deepest = pl.col(CLUSTER_ID)
    return deepest.eq(group) | deepest.str.starts_with(below(group))


def payloads(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """What each row's document says."""
    for payload in rows[PAYLOAD]:
        yield json.loads(payload) if payload else {}


def values_at(rows: pl.DataFrame, field: str) -> list[Any]:
    """What each row's document says at ``field``, a dotted path; None where nothing."""
    return values_in(payloads(rows), field)


def values_in(read: Iterable[Mapping[str, Any]], field: str) -> list[Any]:
    """The same of payloads that are read already."""
    from clustering_pipeline.engine import value_at  # noqa: PLC0415 - heavy

    path = split_path(field)
    return [value_at(payload, path) for payload in read]
