"""How far the documents that arrived since a run are from the groups it published."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.vectors import unit_rows
from clustering_pipeline.model.definitions.feature_uri import resolve_vector
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.pipeline.run.artifacts import CLUSTERS, MEMBERS
from clustering_pipeline.pipeline.run.columns import CENTROID, CLUSTER_ID, DOCUMENT
from clustering_pipeline.pipeline.run.pipeline import Pipeline

SAMPLE = 1000
FAR_SHARE = 5.0
"""Per cent of the published documents that count as far from their groups."""
MEASURES = ("share_far", "mean_cosine")
OF_THE_POOL = ("novelty_pool", "novelty_share")
OF_THE_RUN = (*OF_THE_POOL, "drift")
"""What a run in mode assign measured itself."""
Floats = NDArray[np.floating]


def drift(pipeline: Pipeline, run: ExecutionRecord, measure: str) -> float:
    """``share_far``: of the new documents, those as far from every centroid as the farthest
    twentieth of the published ones.  ``mean_cosine``: by how much the mean cosine to the nearest
    centroid has fallen.  0 when nothing is new.

    Of both, at most ``SAMPLE`` documents are looked at.  ``novelty_pool`` and ``novelty_share``:
    the documents that no group reached when the run assigned, and the share of those it looked at;
    ``drift``: by how much the mean cosine of those fell; 0 after a full run.  Raises
    InvalidRequest where groups have no centroid to compare with, and for another measure.
    """
    spec = run.spec
    if measure in OF_THE_RUN:
        metrics = run.metrics.additional_properties if run.metrics else {}
        return float(metrics.get(measure) or 0.0)
    if measure not in MEASURES or spec is None or len(spec.feature_uris) != 1:
        every = " or ".join((*OF_THE_RUN, *MEASURES))
        message = f"drift is {every}; the last two of a definition over one feature"
        raise InvalidRequest(message)
    members = MEMBERS.read(pipeline.artifacts, run, columns=[*DOCUMENT, CLUSTER_ID])
    clusters = CLUSTERS.read(pipeline.artifacts, run, columns=[CENTROID])
    centroids = _units(clusters[CENTROID].to_list()) if clusters.height else None
    known = members.filter(pl.col("cluster_id") != NOISE_ID)
    fresh = _new(pipeline, spec, members)
    if centroids is None or fresh.is_empty() or known.is_empty():
        return 0.0
    old, new = (_cosines(pipeline, spec, points, centroids) for points in (known, fresh))
    if measure == "mean_cosine":
        return float(old.mean() - new.mean())
    return float((new < np.percentile(old, FAR_SHARE)).mean())


def _new(pipeline: Pipeline, spec: ClusterSpec, members: pl.DataFrame) -> pl.DataFrame:
    """Documents that the definition selects and the run did not see."""
    rows: list[dict[str, str]] = []
    for collection in pipeline.catalog.collections.resolve(spec.scope, spec.collection_ids):
        part = members.filter(pl.col("collection_id") == collection.collection_id)
        seen = set(part["point_id"].to_list())
        pages = pipeline.documents.scroll(
            collection.qdrant_collection, parse_filter(spec.filters), payload_fields=[]
        )
        rows += [
            {"collection_id": collection.collection_id, "point_id": point.id}
            for page in pages
            for point in page
            if point.id not in seen
        ]
    return pl.DataFrame(rows, schema={"collection_id": pl.String, "point_id": pl.String})


def _cosines(
    pipeline: Pipeline, spec: ClusterSpec, documents: pl.DataFrame, centroids: Floats
) -> Floats:
    """Of a sample of the documents to the nearest centroid."""
    chosen = documents.sample(min(SAMPLE, documents.height), seed=42)
    vectors: list[NDArray[np.float32]] = []
    for (collection_id,), part in chosen.group_by("collection_id", maintain_order=True):
        vectors += _vectors(pipeline, spec, str(collection_id), part["point_id"].to_list())
    if not vectors:
        return np.ones(1)
    return (_units(vectors) @ centroids.T).max(axis=1)


def _vectors(
    pipeline: Pipeline, spec: ClusterSpec, collection_id: str, point_ids: Sequence[str]
) -> list[NDArray[np.float32]]:
    record = pipeline.catalog.collections.get(spec.scope, collection_id)
    present: Mapping[str, object] = pipeline.documents.describe(record.qdrant_collection).vectors
    name = resolve_vector(
        spec.feature_uris[0], record.vectors, present, collection=record.collection_name
    )
    points = pipeline.documents.retrieve(
        record.qdrant_collection, point_ids, payload_fields=[], vector_names=[name]
    )
    return [
        np.asarray(point.vectors[name], np.float32) for point in points if name in point.vectors
    ]


def _units(vectors: Sequence[ArrayLike]) -> Floats:
    return unit_rows(np.asarray(vectors, dtype=np.float64))
