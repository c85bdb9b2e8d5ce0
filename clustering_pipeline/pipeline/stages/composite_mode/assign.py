"""The groups of groups, and the documents in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.engine import Hierarchy
from clustering_pipeline.engine.groups.followers import Followed, Memberships, follow_groups
from clustering_pipeline.engine.groups.hierarchy import by_size, of_deepest, top_labels
from clustering_pipeline.engine.vectors import Labels, Vectors
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import NOISE_ID, TOP_ID
from clustering_pipeline.model.progress import Check
from clustering_pipeline.pipeline.groups.matching import name_groups, read_past
from clustering_pipeline.pipeline.run.artifacts import CLUSTERS, COMPOSITE, EMBEDDINGS, MEMBERS
from clustering_pipeline.pipeline.run.columns import DOCUMENT, FEATURE, KEYS
from clustering_pipeline.pipeline.run.progress import Paced
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import (
    Matrix,
    Space,
    clustering_space,
    features,
    original_spaces,
)
from clustering_pipeline.pipeline.stages.assign import (
    Grouped,
    Method,
    keep_clustered,
    together,
    wished_groups,
)
from clustering_pipeline.pipeline.stages.composite_mode.sources import source_runs
from clustering_pipeline.stores.artifacts.matrices import vector_matrix

SMALLEST = 4  # centroids below which a group of them stays whole


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceGroups:
    """The m top groups of the sources over one clustering, and the members that are still there.

    ``names`` are execution and group, ``sizes`` members as the sources counted them, ``centroids``
    (m, d).  ``members`` has a row for each document and source: ``row`` of the document, ``group``
    (-1 for noise), ``probability`` and ``outlier_score`` there.
    """

    names: tuple[tuple[str, str], ...]
    sizes: NDArray[np.int64]
    centroids: Matrix
    members: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """One clustering: the place of each of the m source groups and of each of n documents."""

    space: Space
    groups: SourceGroups
    deepest: Labels
    places: Labels


def compose(run: Run) -> StageReport:
    """Groups the centroids of the sources by the definition's method; documents follow them."""
    method, check = Method.of(run.spec), Paced(ask=run.check)
    sources = source_runs(run.pipeline.catalog, run.spec)
    parts, went = [], []
    for space in original_spaces(run):
        groups = _source_groups(run, sources, space)
        points = _weighed(run, space, groups.centroids)
        grouped, places = _composed(space, groups, points, method, check)
        parts.append(grouped)
        went.append(places)
    clustered = together(run.read_frame(EMBEDDINGS, columns=KEYS), parts)
    named = name_groups(clustered.frame, read_past(run), clustered.spaces, check)
    report = keep_clustered(run, clustered, named)
    _keep_mapping(run, sources, went, named.assignments["cluster_id"])
    return report


def _keep_mapping(
    run: Run, sources: Sequence[ExecutionRecord], went: Sequence[Went], shown: pl.Series
) -> None:
    """Writes, for each source, the group that each of its groups went to.

    That is where most documents of the place are, now that people's edits are applied; a group
    whose place no document took is where most of its own documents are, and null when none is left.
    """
    mapping: dict[str, dict[str, str | None]] = {source.run_id: {} for source in sources}
    for part in went:
        for (run_id, group), where in _destinations(part, shown[part.space.rows]):
            mapping[run_id][group] = where
    record = {"source_execution_ids": list(mapping), "composite_mapping": mapping}
    run.write_json(COMPOSITE, record)
    run.record(**record)


def _destinations(went: Went, shown: pl.Series) -> Iterator[tuple[tuple[str, str], str | None]]:
    places = pl.DataFrame({"place": went.places, "cluster_id": shown})
    of_places = _usual(places, "place")
    held = went.groups.members.with_columns(shown.gather(went.groups.members["row"]))
    of_groups = _usual(held, "group")
    for number, name in enumerate(went.groups.names):
        place = int(went.deepest[number])
        yield name, NOISE_ID if place < 0 else of_places.get(place, of_groups.get(number))


def _usual(rows: pl.DataFrame, key: str) -> dict[int, str]:
    """Key to the group that most of its rows are in; among equals, the first by name."""
    counted = (
        rows.group_by(key, "cluster_id").len().sort("len", "cluster_id", descending=[True, False])
    )
    first = counted.unique(key, keep="first", maintain_order=True)
    return {
        int(number): str(where) for number, where in first.select(key, "cluster_id").iter_rows()
    }


def _composed(
    space: Space, groups: SourceGroups, points: Vectors, method: Method, check: Check
) -> tuple[Grouped, Went]:
    tree, sure, record = _group(space, points, method, check)
    followed = _followed(space, groups, tree, sure)
    documents = by_size(of_deepest([node.path for node in tree.nodes], followed.places))
    grouped = Grouped(
        space=space,
        labels=top_labels(documents),
        tree=documents,
        probabilities=followed.probabilities,
        outlier_scores=_outlier_scores(groups, len(space.vectors)),
        record=record,
    )
    return grouped, Went(space=space, groups=groups, deepest=tree.deepest, places=followed.places)


def _group(
    space: Space, points: Vectors, method: Method, check: Check
) -> tuple[Hierarchy, np.ndarray, dict[str, object]]:
    """The groups of the m centroids, how surely each is in its own, and what was done."""
    count = len(points)
    if not count:
        record = {"algorithm": method.algorithm, "params": method.params.model_dump()}
        return of_deepest([], np.zeros(0, dtype=np.int64)), np.zeros(0), record
    reduction = engine.reduce(points, method.preprocessing, check=check)
    fitted = method.fit(reduction.vectors, check)
    placed = engine.everywhere(points, np.arange(count), fitted, check, steps=reduction.record)
    wished = wished_groups(points, placed.labels, placed.hierarchy, method, check)
    tree = wished.tree or method.divide(points, wished.labels, check, smallest=SMALLEST)
    steps = [{FEATURE: space.name, **step} for step in reduction.record]
    return (
        tree,
        placed.probabilities,
        {**fitted.record, **wished.record, "centroids": count, "steps": steps},
    )


def _weighed(run: Run, space: Space, centroids: Vectors) -> Vectors:
    """The centroids with each feature's part brought to length and weighed as documents' are."""
    uris = run.spec.clusterings[space.name]
    if len(uris) == 1 or not len(centroids):
        return centroids
    stored, first, blocks = features(run), 0, {}
    for uri in uris:
        width = stored[uri].shape[1]
        blocks[uri] = centroids[:, first : first + width]
        first += width
    return clustering_space(run, blocks, weights=run.spec.vectors.feature_weights)


def _followed(
    space: Space, groups: SourceGroups, tree: Hierarchy, sure: Sequence[float] | np.ndarray
) -> Followed:
    members = groups.members
    held = members["group"].to_numpy()
    return follow_groups(
        space.vectors,
        Memberships(
            rows=members["row"].to_numpy(),
            groups=held,
            probabilities=members["probability"].fill_null(1.0).to_numpy()
            * np.append(sure, 0.0)[held],
        ),
        tree.deepest,
        groups.centroids,
        groups.sizes,
    )


def _outlier_scores(groups: SourceGroups, count: int) -> np.ndarray:
    """(n,) the smallest of what the sources say of a document."""
    least = groups.members.group_by("row").agg(pl.min("outlier_score"))
    every = pl.DataFrame({"row": np.arange(count)})
    joined = every.join(least, on="row", how="left", maintain_order="left")
    return joined["outlier_score"].cast(pl.Float64).to_numpy()


def _source_groups(run: Run, sources: Sequence[ExecutionRecord], space: Space) -> SourceGroups:
    """What the sources found over one clustering, source after source, by size."""
    parts = [_groups(run, source, space) for source in sources]
    groups = pl.concat([part.drop("centroid_vector") for part in parts])
    names = tuple(groups.select("run_id", "cluster_id").iter_rows())
    empty = np.zeros((0, space.vectors.shape[1]), dtype=np.float32)
    vectors = [vector_matrix(part["centroid_vector"]) for part in parts if part.height]
    places = groups.select("run_id", "cluster_id").with_row_index("group")
    keys = run.read_frame(EMBEDDINGS, columns=DOCUMENT).with_row_index("row")
    members = pl.concat([_members(run, source, space) for source in sources])
    return SourceGroups(
        names=names,
        sizes=groups["num_members"].to_numpy().astype(np.int64),
        centroids=np.concatenate([empty, *vectors]),
        members=members.join(keys, on=DOCUMENT, how="inner", maintain_order="left")
        .join(places, on=["run_id", "cluster_id"], how="left", maintain_order="left")
        .select(
            pl.col("row").cast(pl.Int64),
            pl.col("group").cast(pl.Int64).fill_null(-1),
            "probability",
            "outlier_score",
        ),
    )


def _groups(run: Run, source: ExecutionRecord, space: Space) -> pl.DataFrame:
    table = CLUSTERS.read(run.pipeline.artifacts, source)
    top = table.filter((pl.col("hierarchy_level") == 0) & (pl.col(FEATURE) == space.name))
    return top.select(
        pl.lit(source.run_id).alias("run_id"), "cluster_id", "num_members", "centroid_vector"
    )


def _members(run: Run, source: ExecutionRecord, space: Space) -> pl.DataFrame:
    """Where each document is on top of the hierarchy, noise included."""
    columns = [*DOCUMENT, FEATURE, "cluster_id", "probability", "outlier_score"]
    table = MEMBERS.read(run.pipeline.artifacts, source, columns)
    own = table.filter(pl.col(FEATURE) == space.name)
    return own.select(
        *DOCUMENT,
        pl.lit(source.run_id).alias("run_id"),
        pl.col("cluster_id").str.extract(TOP_ID, 0),
        "probability",
        "outlier_score",
    )
