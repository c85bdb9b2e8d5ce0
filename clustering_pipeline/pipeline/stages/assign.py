"""Which group of one feature lies within a group of another, where features are independent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.engine import Fit, Hierarchy
from clustering_pipeline.engine.groups.numbering import canonical, group_count
from clustering_pipeline.engine.neighbors.outliers import NEIGHBORS
from clustering_pipeline.engine.vectors import Labels
from clustering_pipeline.model.ids import NOISE_ID, group_id, group_path
from clustering_pipeline.model.progress import Check
from clustering_pipeline.pipeline.groups.matching import name_groups
from clustering_pipeline.pipeline.run.artifacts import (
    ASSIGNMENTS,
    EMBEDDINGS,
    FIT,
    REDUCED,
    REDUCTION,
    RELATIONS,
)
from clustering_pipeline.pipeline.run.columns import FEATURE, KEYS, ROW, VECTOR
from clustering_pipeline.pipeline.run.progress import Paced
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Space, original_spaces, payloads, targets
from clustering_pipeline.pipeline.stages.attributes import assign_by_attributes
from clustering_pipeline.pipeline.stages.metrics import validity
from clustering_pipeline.pipeline.stages.neighbors import kept_neighborhood
from clustering_pipeline.stores.artifacts.matrices import vector_matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """One clustering of all documents; the labels are those of the top of ``tree``."""

    space: Space
    labels: Labels
    tree: Hierarchy
    probabilities: NDArray[np.float64]
    outlier_scores: NDArray[np.float64]
    record: dict[str, Any]


def assign(run: Run) -> StageReport:
    """Groups the reduced vectors; outliers are scored in the original space.

    Independent features are grouped one after the other; groups are numbered over all of them.
    """
    if run.spec.attributes is not None:
        return assign_by_attributes(run)
    return keep_grouped(run, [_grouped(run, space) for space in original_spaces(run)])


def keep_grouped(run: Run, parts: Sequence[Grouped]) -> StageReport:
    """Numbers the groups of all clusterings through, tells who they are, and writes them."""
    spaces = [part.space for part in parts]
    labels = _numbered(parts)
    keys = run.read_frame(EMBEDDINGS, columns=KEYS)
    frame = name_groups(
        run, pl.concat(_table(keys, part, labels[part.space.rows]) for part in parts), spaces
    )
    size = run.write_frame(ASSIGNMENTS, frame)
    record = _record(parts) | {"versions": engine.versions()}
    run.write_json(FIT, record)
    run.write_json(RELATIONS, relations_of(frame, spaces))
    return _report(run, frame, record, size)


def _grouped(run: Run, space: Space) -> Grouped:
    check = Paced(ask=run.check)
    rows, points = _points(run, space)
    steps = [one for one in run.read_json(REDUCTION)["steps"] if one[FEATURE] == space.name]
    wanted = engine.neighbors_wanted(algorithm=run.spec.method, params=run.spec.params)
    known = kept_neighborhood(run, points, name=space.name, most=wanted, check=check)
    fitted = _fit(run, points, check, known)
    placed = engine.everywhere(space.vectors, rows, fitted, check, steps=steps)
    labels, merged = _merge_faces(run, space, placed.labels)
    same = np.array_equal(points, space.vectors)
    scored = known if same else _original_neighbors(run, space, check)
    scores = engine.outlier_scores(space.vectors, neighbors=scored, check=check)
    return Grouped(
        space=space,
        labels=labels,
        tree=placed.hierarchy or _divide(run, space, labels, check),
        probabilities=placed.probabilities,
        outlier_scores=scores,
        record={
            **fitted.record,
            **merged,
            **validity(run, points, labels[rows], steps, check),
            "neighbors": {"fitted": known.record, "scored": scored.record},
        },
    )


def _original_neighbors(run: Run, space: Space, check: Check) -> engine.Neighborhood:
    return kept_neighborhood(run, space.vectors, name=space.name, most=NEIGHBORS, check=check)


def _points(run: Run, space: Space) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The fitted documents' numbers, and their vectors to cluster."""
    inside = pl.col(ROW).is_between(space.rows.start, space.rows.stop - 1)
    reduced = run.read_frame(REDUCED, columns=[ROW, VECTOR]).filter(inside)
    return reduced[ROW].to_numpy() - space.rows.start, vector_matrix(reduced[VECTOR])


def _fit(
    run: Run, points: NDArray[np.float32], check: Check, neighbors: engine.Neighborhood | None
) -> Fit:
    return engine.fit_interruptibly(
        points,
        algorithm=run.spec.method,
        params=run.spec.params,
        neighbors=neighbors,
        check=check,
    )


def _merge_faces(run: Run, space: Space, labels: Labels) -> tuple[Labels, dict[str, Any]]:
    config = run.spec.vectors.face_cluster_merge
    if config is None or not config.enabled:
        return labels, {}
    merge = engine.merge_faces(space.vectors, labels, payloads(run), config)
    joined = {"groups_before": merge.before, "joins": len(merge.joins)}
    return merge.labels, {"face_cluster_merge": joined}


def _divide(run: Run, space: Space, labels: Labels, check: Check) -> Hierarchy:
    config = run.spec.vectors
    return engine.divide(
        space.vectors,
        labels,
        algorithm=run.spec.method,
        params=run.spec.params,
        preprocessing=run.spec.preprocessing,
        targets=targets(run),
        max_depth=config.max_hierarchy_depth if config.hierarchical else 0,
        check=check,
    )


def _numbered(parts: Sequence[Grouped]) -> Labels:
    """The top groups of all clusterings, one after the other, numbered through by size."""
    found, first = [], 0
    for part in parts:
        found.append(np.where(part.labels >= 0, part.labels + first, part.labels))
        first += group_count(part.labels)
    return canonical(np.concatenate(found))


def _table(keys: pl.DataFrame, part: Grouped, labels: Labels) -> pl.DataFrame:
    numbers = {int(old): int(new) for old, new in zip(part.labels, labels, strict=True)}
    paths = [(numbers[node.path[0]], *node.path[1:]) for node in part.tree.nodes]
    ids = [*map(group_id, paths), NOISE_ID]
    return keys.with_columns(
        label=labels,
        cluster_id=pl.Series([ids[place] for place in part.tree.deepest], dtype=pl.String),
        probability=part.probabilities,
        outlier_score=part.outlier_scores,
        **{FEATURE: pl.lit(part.space.name)},
    )


def _record(parts: Sequence[Grouped]) -> dict[str, Any]:
    """What the fit says of itself; of several, what they share and each one's own."""
    if len(parts) == 1:
        return parts[0].record
    first = parts[0].record
    own = [{FEATURE: part.space.name, **part.record} for part in parts]
    return {"algorithm": first["algorithm"], "params": first["params"], "fits": own}


def _report(run: Run, frame: pl.DataFrame, record: Mapping[str, Any], size: int) -> StageReport:
    noise = frame.filter(cluster_id=NOISE_ID).height
    mean = frame["probability"].mean()
    return StageReport(
        numbers={
            "documents": frame.select(KEYS).n_unique(),
            "groups": group_count(frame["label"].to_numpy()),
            "noise": noise,
            "noise_ratio": noise / frame.height,
            "mean_probability": mean if isinstance(mean, float) else None,
            "bytes": size,
        },
        records={"fit": record},
        uri=run.uri(ASSIGNMENTS),
    )


_IDS = ("parent_cluster_id", "child_cluster_id")


def relations_of(assignments: pl.DataFrame, spaces: Sequence[Space]) -> list[dict[str, Any]]:
    """The same for the groups as readers know them, people's edits applied."""
    if len(spaces) < 2:
        return []
    labels = assignments["label"].to_numpy()
    shown = assignments.filter(pl.col("cluster_id") != NOISE_ID).unique(["label", "cluster_id"])
    tops = {
        group_id((label,)): group_id(group_path(cluster_id)[:1])
        for label, cluster_id in shown.select("label", "cluster_id").iter_rows()
    }
    found = relate({one.name: labels[one.rows] for one in spaces})
    return [{**one, **{key: tops[one[key]] for key in _IDS}} for one in found]


def relate(labels: Mapping[str, Labels]) -> list[dict[str, Any]]:
    """Parents and children by overlap of members, for ``hierarchy_relationships``.

    ``labels`` are the numbers of the top groups, unique over the features.
    """
    return [
        {
            "parent_cluster_id": group_id((one.parent,)),
            "child_cluster_id": group_id((one.child,)),
            "parent_feature": one.parent_feature,
            "child_feature": one.child_feature,
            "overlap": one.overlap,
            "child_members": one.child_size,
        }
        for one in engine.overlap_relations(labels)
    ]
