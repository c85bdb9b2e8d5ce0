"""Which groups a query means: by the words of their names and documents."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.engine.vectors import unit_rows
from clustering_pipeline.labeling.text.matching import Matches, matches
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.errors import CollectionNotFound
from clustering_pipeline.model.executions.execution import ClusterExecutionCentroid, ExecutionRecord
from clustering_pipeline.model.executions.group_details import (
    FittingText,
    FoundGroup,
    GroupSearchResponse,
)
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.artifacts import EMBEDDINGS, LABELLING
from clustering_pipeline.pipeline.run.columns import CLUSTER_ID, KEYS, VECTOR
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.stages.export import sources_of
from clustering_pipeline.service.collections.embed import embed_queries
from clustering_pipeline.service.results.documents import (
    TEXT,
    is_within,
    read_members,
    results_of,
    values_at,
)
from clustering_pipeline.service.results.groups import centroid_vectors
from clustering_pipeline.stores.artifacts.matrices import vector_matrix

DOCUMENTS = 5


def find_groups(
    pipeline: Pipeline, scope: Scope, cluster: str, query: str, *, limit: int = 10
) -> GroupSearchResponse:
    """The groups of the published run that a query means.

    By the cosine to their centroids where the run's documents have vectors of their texts, else by
    the words of names and documents, of which one counts by how few documents have it.  Raises
    ClusterNotFound, StateConflict before anything is published, InvalidRequest for a query without
    a word, and EmbeddingFailed.
    """
    record, execution = results_of(pipeline, scope, cluster)
    rows = read_members(pipeline, execution)
    embedding = embedding_of(pipeline, execution)
    if embedding is None:
        fitting = matches(query, _texts(pipeline, execution, rows))
        documents = fitting.scores
        scored = [_scored(execution, group, fitting, rows) for group in execution.centroids or ()]
    else:
        asked = unit_rows(embed_queries(pipeline, embedding, [query]))[0]
        documents = _cosines(pipeline, execution, rows, asked)
        scored = _by_centroid(pipeline, execution, asked)
    groups = sorted(
        (group for group in scored if group.score > 0),
        key=lambda group: (-group.score, -group.member_count, group.cluster_id),
    )
    return GroupSearchResponse(
        cluster_id=record.cluster_id,
        run_id=execution.run_id,
        by="words" if embedding is None else "vectors",
        results=groups[:limit],
        documents=_documents(rows, documents),
    )


def embedding_of(pipeline: Pipeline, execution: ExecutionRecord) -> CollectionRecord | None:
    """A collection whose model made the vectors that the run grouped; None where none did, or
    several.
    """
    spec = execution.spec
    if spec is None or len(spec.feature_uris) != 1:
        return None
    try:
        records = pipeline.catalog.collections.resolve(spec.scope, spec.collection_ids)
    except CollectionNotFound:
        return None
    sources = {record.embed and (record.embed.spelled, record.embed.vector) for record in records}
    names = {name for source in sources_of(pipeline, spec) for name in source.vector_names}
    known = [record for record in records if record.embed and {record.embed.vector} == names]
    return known[0] if len(sources) == 1 and known else None


def _by_centroid(
    pipeline: Pipeline, execution: ExecutionRecord, asked: NDArray[np.floating]
) -> list[FoundGroup]:
    vectors = centroid_vectors(pipeline.artifacts, execution.parquet_path or "")
    groups = [group for group in execution.centroids or () if group.cluster_id in vectors]
    middles = unit_rows(np.array([vectors[group.cluster_id] for group in groups], dtype=np.float32))
    return [
        _found(execution, group, float(cosine))
        for group, cosine in zip(groups, middles @ asked, strict=True)
    ]


def _cosines(
    pipeline: Pipeline, execution: ExecutionRecord, rows: pl.DataFrame, asked: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Of each row's document, as it was read, to what is asked."""
    frame = pipeline.artifacts.scan(execution.artifact_key(EMBEDDINGS.file))
    column = next(name for name in frame.collect_schema().names() if name.startswith(VECTOR))
    documents = frame.select(*KEYS, column).collect()
    cosines = unit_rows(vector_matrix(documents[column])) @ asked
    near = documents.select(KEYS).with_columns(cosine=pl.Series(cosines.astype(np.float64)))
    joined = rows.select(KEYS).join(near, on=KEYS, how="left", maintain_order="left")
    return joined["cosine"].fill_null(0.0).to_numpy()


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
    return _found(execution, group, fitting.of_group(about, members))


def _found(execution: ExecutionRecord, group: ClusterExecutionCentroid, score: float) -> FoundGroup:
    return FoundGroup(
        cluster_id=group.cluster_id,
        group_uid=group.group_uid,
        label=execution.label_of(group),
        member_count=group.num_members,
        score=score,
    )


def _documents(rows: pl.DataFrame, scores: NDArray[np.float64]) -> list[FittingText]:
    """Those that have the most telling words; of the same score those in a group first."""
    ranked = (
        rows.select(*KEYS, TEXT, CLUSTER_ID)
        .with_columns(score=pl.Series(scores))
        .filter(pl.col("score") > 0)
        .sort(
            "score", pl.col(CLUSTER_ID) == NOISE_ID, descending=[True, False], maintain_order=True
        )
        .unique(KEYS, keep="first", maintain_order=True)
        .head(DOCUMENTS)
    )
    return [FittingText(**row) for row in ranked.drop("score", "point_id").iter_rows(named=True)]
