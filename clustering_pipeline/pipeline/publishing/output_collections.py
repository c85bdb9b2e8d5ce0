"""The output collection: a point for every group and for every document in one."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.pipeline.publishing.output_aliases import aliases_of, generation
from clustering_pipeline.pipeline.publishing.tables import Results
from clustering_pipeline.pipeline.run.artifacts import REDUCTION
from clustering_pipeline.pipeline.run.columns import CENTROID, FEATURE, axes_of
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Matrix
from clustering_pipeline.stores.artifacts.matrices import vector_matrix

VECTOR = "centroid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One output collection.

    ``parts`` are its groups by the name of their vector: one, or one for each independent feature.
    """

    alias: str
    parts: dict[str, pl.DataFrame]
    members: pl.DataFrame


def _shelves(run: Run, results: Results) -> Iterator[Shelf]:
    """One collection of everything, or one per feature.

    Of independent features each gets its own groups.  Where they were clustered together all get
    the same groups, each by that feature's part of their vectors.
    """
    clusters, members = results.clusters, results.members
    record = run.pipeline.catalog.clusters.by_id(run.cluster_id)
    aliases = aliases_of(run.pipeline, record)
    if len(aliases) < len(record.state.output_collection_ids):
        message = (
            f"the output collections of {record.name!r} are not those of branch "
            f"{run.pipeline.branch!r}: a catalog that was copied has them; create the definition "
            "anew"
        )
        raise StateConflict(message)
    if not run.spec.output_features:
        yield Shelf(alias=aliases[0], parts=_by_feature(clusters), members=members)
        return
    independent = len(run.spec.clusterings) > 1
    columns = _columns(run)
    for alias, name in zip(aliases, run.spec.output_features, strict=False):
        own = pl.col(FEATURE) == name if independent else pl.lit(value=True)
        groups = clusters.filter(own)
        if not independent:
            groups = _narrowed(groups, name, *columns[name])
        yield Shelf(alias=alias, parts={VECTOR: groups}, members=members.filter(own))


def _by_feature(clusters: pl.DataFrame) -> dict[str, pl.DataFrame]:
    names = clusters[FEATURE].unique(maintain_order=True).to_list()
    if len(names) < 2:
        return {VECTOR: clusters}
    return {f"{VECTOR}_{name}": clusters.filter(pl.col(FEATURE) == name) for name in names}


def _columns(run: Run) -> dict[str, tuple[int, int]]:
    """Each feature's first number and how many it has where all lie side by side."""
    columns: dict[str, tuple[int, int]] = {}
    first = 0
    for name, width in run.read_json(REDUCTION)["dimensions"].items():
        columns[name] = (first, width)
        first += width
    return columns


def _narrowed(groups: pl.DataFrame, name: str, first: int, width: int) -> pl.DataFrame:
    vectors = pl.col(CENTROID).cast(pl.List(pl.Float32)).list.slice(first, width)
    return groups.with_columns(
        vectors.cast(pl.Array(pl.Float32, width)),
        pl.lit(name).alias(FEATURE),
        feature_dimensions=pl.lit(width, dtype=pl.Int64),
    )


ROWS = 1_000
INDEXED = {
    "is_centroid": "Bool",
    "cluster_id": "Keyword",
    "group_uid": "Keyword",
    "feature_name": "Keyword",
    "source_document_id": "Keyword",
}
"""What readers select by, indexed where strict mode lets them by nothing else."""
# Ids follow from what a point stands for, so a second write of the same run changes nothing.
_POINTS = uuid.UUID("6f1d0c2e-3a4b-5c6d-8e9f-a0b1c2d3e4f5")


def write_output(run: Run, results: Results) -> None:
    """Fills collections of this run's own; an alias will point readers to each."""
    for shelf in _shelves(run, results):
        _fill(run, shelf, name=generation(shelf.alias, results.run_id))


def _fill(run: Run, shelf: Shelf, *, name: str) -> None:
    documents = run.pipeline.documents
    documents.delete_collection(name)
    documents.create_collection(name, _declared(run, shelf))
    documents.index(name, INDEXED)
    for vector, groups in shelf.parts.items():
        documents.upsert(
            name,
            ids=[_point_id("centroid", group) for group in groups["cluster_id"]],
            vectors=_centroids(run, vector, groups),
            payloads=list(_centroid_payloads(groups)),
        )
    _write_members(run, name, shelf.members)


def _centroids(run: Run, vector: str, groups: pl.DataFrame) -> dict[str, Matrix]:
    """None when attributes made the groups."""
    if run.spec.attributes is not None:
        return {}
    return {vector: vector_matrix(groups[CENTROID])}


def _declared(run: Run, shelf: Shelf) -> dict[str, int]:
    """The vectors of the output collection.

    A collection needs one declared, so groups without centroids declare one of the documents' own
    length that no point carries: their readers select by payload.
    """
    if run.spec.attributes is None:
        return {name: vector_matrix(part[CENTROID]).shape[1] for name, part in shelf.parts.items()}
    source = run.pipeline.catalog.collections.resolve(run.spec.scope, run.spec.collection_ids)[0]
    present = run.pipeline.documents.describe(source.qdrant_collection).vectors
    lengths = [vector.size for vector in present.values()]
    return {VECTOR: lengths[0]} if lengths else {}


def _write_members(run: Run, name: str, members: pl.DataFrame) -> None:
    for start in range(0, members.height, ROWS):
        part = members.slice(start, ROWS)
        run.pipeline.documents.upsert(
            name,
            ids=[_point_id(*row) for row in part.select(_identity(members)).iter_rows()],
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
