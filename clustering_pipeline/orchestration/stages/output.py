"""The output collection: a point for every group and for every document in one."""

import uuid
from collections.abc import Iterator

import polars as pl

from clustering_pipeline.orchestration.frames import axes_of
from clustering_pipeline.orchestration.generations import generation
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.inputs import Matrix
from clustering_pipeline.orchestration.stages.shelves import CENTROID, VECTOR, Shelf, shelves
from clustering_pipeline.stores.artifacts.matrices import vector_matrix

ROWS = 1_000
# Ids follow from what a point stands for, so a second write of the same run changes nothing.
_POINTS = uuid.UUID("6f1d0c2e-3a4b-5c6d-8e9f-a0b1c2d3e4f5")


def write_output(run: Run, clusters: pl.DataFrame, members: pl.DataFrame) -> None:
    """Fills collections of this run's own; an alias will point readers to each."""
    for shelf in shelves(run, clusters, members):
        _fill(run, shelf)


def _fill(run: Run, shelf: Shelf) -> None:
    name = generation(shelf.alias, run.run_id)
    documents = run.pipeline.documents
    documents.delete_collection(name)
    documents.create_collection(name, _declared(run, shelf))
    for vector, groups in shelf.parts.items():
        documents.upsert(
            name,
            ids=[_point_id("centroid", one) for one in groups["cluster_id"]],
            vectors=_centroids(run, vector, groups),
            payloads=list(_centroid_payloads(groups)),
        )
    _write_members(run, name, shelf.members)


def _centroids(run: Run, vector: str, groups: pl.DataFrame) -> dict[str, Matrix]:
    """None when attributes made the groups."""
    if run.spec.attributes is not None:
        return {}
    return {vector: vector_matrix(groups[VECTOR])}


def _declared(run: Run, shelf: Shelf) -> dict[str, int]:
    """The vectors of the output collection.

    A collection needs one declared, so groups without centroids declare one of the documents' own
    length that no point carries: their readers select by payload.
    """
    if run.spec.attributes is None:
        return {name: vector_matrix(part[VECTOR]).shape[1] for name, part in shelf.parts.items()}
    source = run.pipeline.catalog.collections.resolve(run.spec.scope, run.spec.collection_ids)[0]
    present = run.pipeline.documents.describe(source.qdrant_collection).vectors
    lengths = [one.size for one in present.values()]
    return {CENTROID: lengths[0]} if lengths else {}


def _write_members(run: Run, name: str, members: pl.DataFrame) -> None:
    for start in range(0, members.height, ROWS):
        part = members.slice(start, ROWS)
        run.pipeline.documents.upsert(
            name,
            ids=[_point_id(*one) for one in part.select(_identity(members)).iter_rows()],
            vectors={},
            payloads=list(_member_payloads(part)),
        )
        run.progress(start + part.height, members.height)


def _identity(members: pl.DataFrame) -> list[str]:
    """What tells members apart: with independent features, a document is one for each."""
    several = members["feature_name"].n_unique() > 1
    return ["collection_id", "point_id", *(["feature_name"] if several else [])]


def _centroid_payloads(clusters: pl.DataFrame) -> Iterator[dict[str, object]]:
    columns = (
        "cluster_id",
        "group_uid",
        "feature_name",
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
        "group_uid",
        "feature_name",
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
