"""The output collection: a point for every group and for every document in one."""

import uuid
from collections.abc import Iterator, Mapping

import polars as pl

from clustering_pipeline.orchestration.frames import axes_of, vector_matrix
from clustering_pipeline.orchestration.generations import generation, output_alias
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.inputs import Matrix

CENTROID = "centroid"
ROWS = 1_000
# Ids follow from what a point stands for, so a second write of the same run changes nothing.
_POINTS = uuid.UUID("6f1d0c2e-3a4b-5c6d-8e9f-a0b1c2d3e4f5")


def write_output(run: Run, clusters: pl.DataFrame, members: pl.DataFrame) -> None:
    """Fills a collection of this run's own; an alias will point readers to it."""
    name = generation(output_alias(run), run.run_id)
    documents = run.pipeline.documents
    documents.delete_collection(name)
    centroids = _centroids(run, clusters)
    documents.create_collection(name, _declared(run, centroids))
    documents.upsert(
        name,
        ids=[_point_id("centroid", one) for one in clusters["cluster_id"]],
        vectors=centroids,
        payloads=list(_centroid_payloads(clusters)),
    )
    _write_members(run, name, members)


def _centroids(run: Run, clusters: pl.DataFrame) -> dict[str, Matrix]:
    """None when attributes made the groups."""
    if run.spec.attributes is not None:
        return {}
    return {CENTROID: vector_matrix(clusters["centroid_vector"])}


def _declared(run: Run, centroids: Mapping[str, Matrix]) -> dict[str, int]:
    """The vectors of the output collection.

    A collection needs one declared, so groups without centroids declare one of the documents' own
    length that no point carries: their readers select by payload.
    """
    if centroids:
        return {name: matrix.shape[1] for name, matrix in centroids.items()}
    source = run.pipeline.catalog.collections.resolve(run.spec.scope, run.spec.collection_ids)[0]
    present = run.pipeline.documents.describe(source.qdrant_collection).vectors
    lengths = [one.size for one in present.values()]
    return {CENTROID: lengths[0]} if lengths else {}


def _write_members(run: Run, name: str, members: pl.DataFrame) -> None:
    for start in range(0, members.height, ROWS):
        part = members.slice(start, ROWS)
        run.pipeline.documents.upsert(
            name,
            ids=[
                _point_id(collection, point)
                for collection, point in part.select("collection_id", "point_id").iter_rows()
            ],
            vectors={},
            payloads=list(_member_payloads(part)),
        )
        run.progress(start + part.height, members.height)


def _centroid_payloads(clusters: pl.DataFrame) -> Iterator[dict[str, object]]:
    columns = (
        "cluster_id",
        "parent_cluster_id",
        "hierarchy_level",
        "num_members",
        "variance",
        "label",
        "summary",
        "keywords",
    )
    for row in clusters.select(columns).iter_rows(named=True):
        yield row | {"is_centroid": True, "cluster_label": row["label"]}


def _member_payloads(members: pl.DataFrame) -> Iterator[dict[str, object]]:
    frame = members.select(
        "cluster_id",
        "cluster_label",
        "distance_to_centroid",
        "probability",
        *axes_of(members),
        source_document_id="document_id",
        source_collection_id="collection_id",
        source_point_id="point_id",
    )
    for row in frame.iter_rows(named=True):
        yield row | {"is_centroid": False}


def _point_id(*parts: str) -> str:
    return str(uuid.uuid5(_POINTS, "\0".join(parts)))
