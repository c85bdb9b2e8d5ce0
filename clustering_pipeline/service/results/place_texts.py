"""Which of the published groups a text would join; nothing is stored."""

from collections.abc import Sequence

from clustering_pipeline.engine.incremental import THRESHOLD, assign_to
from clustering_pipeline.engine.vectors import NOISE
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.executions.group_details import PlaceTextsResponse, TextPlacement
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.artifacts import REFERENCE
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.stages.assign_mode.reference import reference_of_table
from clustering_pipeline.service.collections.embed import embed_queries
from clustering_pipeline.service.results.documents import results_of
from clustering_pipeline.service.results.search import embedding_of


def place_texts(
    pipeline: Pipeline,
    scope: Scope,
    cluster: str,
    texts: Sequence[str],
    *,
    threshold: float = THRESHOLD,
) -> PlaceTextsResponse:
    """As mode assign would place documents of these texts.

    Raises ClusterNotFound, StateConflict before anything is published, and where no model makes
    the vectors that the groups are of, InvalidRequest for an empty text, and EmbeddingFailed.
    """
    record, execution = results_of(pipeline, scope, cluster)
    embedding = embedding_of(pipeline, execution)
    if embedding is None or not REFERENCE.exists(pipeline.artifacts, execution):
        message = (
            f"texts have no vectors that the groups of {record.name!r} could be compared with: its "
            "collections need one embedder (collections load --text --embed)"
        )
        raise StateConflict(message)
    vectors = embed_queries(pipeline, embedding, texts)
    table = REFERENCE.read(pipeline.artifacts, execution)
    names, reference = reference_of_table(table, vectors.shape[1])
    joined = assign_to(reference, vectors, threshold=threshold)
    uids, labels = execution.uids, execution.labels

    def placed(row: int) -> TextPlacement:
        nearest = names[joined.nearest[row]] if names else None
        group = nearest if joined.labels[row] != NOISE else None
        uid = uids.get(group) if group else None
        return TextPlacement(
            text=texts[row],
            cluster_id=group,
            group_uid=uid,
            label=labels.get(uid) if uid else None,
            probability=float(joined.probabilities[row]),
            nearest_cluster_id=nearest,
            cosine=float(joined.cosines[row]),
        )

    return PlaceTextsResponse(
        cluster_id=record.cluster_id,
        run_id=execution.run_id,
        results=[placed(row) for row in range(len(texts))],
    )
