"""Which groups a query means: by the words of their names and documents."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.labeling.text.matching import Matches, matches
from clustering_pipeline.model.executions.execution import ClusterExecutionCentroid, ExecutionRecord
from clustering_pipeline.model.executions.group_details import (
    FittingText,
    FoundGroup,
    GroupSearchResponse,
)
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.artifacts import LABELLING
from clustering_pipeline.pipeline.run.columns import CLUSTER_ID
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.results.documents import (
    TEXT,
    is_within,
    read_members,
    results_of,
    values_at,
)

DOCUMENTS = 5


def find_groups(
    pipeline: Pipeline, scope: Scope, cluster: str, query: str, *, limit: int = 10
) -> GroupSearchResponse:
    """The groups of the published run whose names and documents have the words of ``query``.

    A word counts by how few documents have it.  Raises ClusterNotFound, StateConflict before
    anything is published, InvalidRequest for a query without a word.
    """
    record, execution = results_of(pipeline, scope, cluster)
    rows = read_members(pipeline, execution)
    fitting = matches(query, _texts(pipeline, execution, rows))
    scored = [_scored(execution, group, fitting, rows) for group in execution.centroids or ()]
    groups = sorted(
        (group for group in scored if group.score > 0),
        key=lambda group: (-group.score, -group.member_count, group.cluster_id),
    )
    return GroupSearchResponse(
        cluster_id=record.cluster_id,
        run_id=execution.run_id,
        by="words",
        results=groups[:limit],
        documents=_documents(rows, fitting.scores),
    )


def _texts(pipeline: Pipeline, execution: ExecutionRecord, rows: pl.DataFrame) -> pl.Series:
    """The whole texts that labels were made of, as far as the run says which these were."""
    if not LABELLING.exists(pipeline.artifacts, execution):
        return rows[TEXT]
    fields = LABELLING.read(pipeline.artifacts, execution)["text_fields"][0]["fields"]
    columns = [values_at(rows, field) for field in fields]
    return pl.Series(
        ["\n".join(map(str, filter(None, values))) for values in zip(*columns, strict=True)]
        if columns
        else rows[TEXT],
        dtype=pl.String,
    )


def _scored(
    execution: ExecutionRecord,
    group: ClusterExecutionCentroid,
    fitting: Matches,
    rows: pl.DataFrame,
) -> FoundGroup:
    label = execution.label_of(group)
    about = " \n ".join([label or "", group.summary or "", *(group.keywords or ())])
    members = rows.select(is_within(group.cluster_id)).to_series().to_numpy()
    return FoundGroup(
        cluster_id=group.cluster_id,
        group_uid=group.group_uid,
        label=label,
        member_count=group.num_members,
        score=fitting.of_group(about, members),
    )


def _documents(rows: pl.DataFrame, scores: NDArray[np.float64]) -> list[FittingText]:
    """Those that have the most telling words; of the same score those in a group first."""
    ranked = (
        rows.select("document_id", "collection_id", TEXT, CLUSTER_ID)
        .with_columns(score=pl.Series(scores))
        .filter(pl.col("score") > 0)
        .sort(
            "score", pl.col(CLUSTER_ID) == NOISE_ID, descending=[True, False], maintain_order=True
        )
        .unique(["document_id", "collection_id"], keep="first", maintain_order=True)
        .head(DOCUMENTS)
    )
    return [FittingText(**row) for row in ranked.drop("score").iter_rows(named=True)]
