"""The groups of groups, and the documents in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from clustering_pipeline import engine
from clustering_pipeline.engine import Hierarchy
from clustering_pipeline.engine.cluster import Placement
from clustering_pipeline.engine.groups.followers import Followed, Memberships, follow_groups
from clustering_pipeline.engine.groups.hierarchy import by_size, of_deepest, top_labels
from clustering_pipeline.engine.vectors import Labels, Vectors
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.progress import Check
from clustering_pipeline.pipeline.run.artifacts import ASSIGNMENTS, COMPOSITE
from clustering_pipeline.pipeline.run.columns import FEATURE
from clustering_pipeline.pipeline.run.progress import Paced
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import (
    Space,
    clustering_space,
    features,
    original_spaces,
)
from clustering_pipeline.pipeline.stages.assign import Grouped, keep_grouped
from clustering_pipeline.pipeline.stages.composite_mode.source_groups import (
    SourceGroups,
    source_groups,
)
from clustering_pipeline.pipeline.stages.composite_mode.sources import source_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """One clustering: the place of each of the m source groups and of each of n documents."""

    space: Space
    groups: SourceGroups
    deepest: Labels
    places: Labels


def keep_mapping(run: Run, sources: Sequence[ExecutionRecord], went: Sequence[Went]) -> None:
    """Writes, for each source, the group that each of its groups went to.

    That is where most documents of the place are, now that people's edits are applied; a group
    whose place no document took is where most of its own documents are, and null when none is left.
    """
    shown = run.read_frame(ASSIGNMENTS, columns=["cluster_id"])["cluster_id"]
    found: dict[str, dict[str, str | None]] = {one.run_id: {} for one in sources}
    for part in went:
        for (run_id, group), where in _destinations(part, shown[part.space.rows]):
            found[run_id][group] = where
    told = {"source_execution_ids": list(found), "composite_mapping": found}
    run.write_json(COMPOSITE, told)
    run.record(**told)


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
    return {int(one): str(where) for one, where in first.select(key, "cluster_id").iter_rows()}


SMALLEST = 4  # centroids below which a group of them stays whole


def compose(run: Run) -> StageReport:
    """Groups the centroids of the sources by the definition's method; documents follow them."""
    sources = source_runs(run.pipeline.catalog, run.spec)
    parts, went = [], []
    for space in original_spaces(run):
        groups = source_groups(run, sources, space)
        grouped, gone = _composed(run, space, groups)
        parts.append(grouped)
        went.append(gone)
    report = keep_grouped(run, parts)
    keep_mapping(run, sources, went)
    return report


def _composed(run: Run, space: Space, groups: SourceGroups) -> tuple[Grouped, Went]:
    check = Paced(ask=run.check)
    tree, sure, record = _group(run, space, groups, check)
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
    run: Run, space: Space, groups: SourceGroups, check: Check
) -> tuple[Hierarchy, np.ndarray, dict[str, object]]:
    """The groups of the m centroids, how surely each is in its own, and what was done."""
    count = len(groups.centroids)
    if not count:
        record = {"algorithm": run.spec.method, "params": run.spec.params.model_dump()}
        return of_deepest([], np.zeros(0, dtype=np.int64)), np.zeros(0), record
    points = _weighed(run, space, groups.centroids)
    reduction = engine.reduce(points, run.spec.preprocessing, check=check)
    fitted = engine.fit_interruptibly(
        reduction.vectors, algorithm=run.spec.method, params=run.spec.params, check=check
    )
    placed = engine.everywhere(points, np.arange(count), fitted, check, steps=reduction.record)
    tree = placed.hierarchy or _divided(run, points, placed, check)
    steps = [{FEATURE: space.name, **step} for step in reduction.record]
    return tree, placed.probabilities, {**fitted.record, "centroids": count, "steps": steps}


def _weighed(run: Run, space: Space, centroids: Vectors) -> Vectors:
    """The centroids with each feature's part brought to length and weighed as documents' are."""
    uris = run.spec.clusterings[space.name]
    if len(uris) == 1:
        return centroids
    found, first, blocks = features(run), 0, {}
    for uri in uris:
        width = found[uri].shape[1]
        blocks[uri] = centroids[:, first : first + width]
        first += width
    return clustering_space(run, blocks, weights=run.spec.vectors.feature_weights)


def _divided(run: Run, points: Vectors, placed: Placement, check: Check) -> Hierarchy:
    config = run.spec.vectors
    return engine.divide(
        points,
        placed.labels,
        algorithm=run.spec.method,
        params=run.spec.params,
        preprocessing=run.spec.preprocessing,
        max_depth=config.max_hierarchy_depth if config.hierarchical else 0,
        smallest=SMALLEST,
        check=check,
    )


def _followed(
    space: Space, groups: SourceGroups, tree: Hierarchy, sure: Sequence[float] | np.ndarray
) -> Followed:
    found = groups.members
    held = found["group"].to_numpy()
    return follow_groups(
        space.vectors,
        Memberships(
            rows=found["row"].to_numpy(),
            groups=held,
            probabilities=found["probability"].fill_null(1.0).to_numpy()
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
