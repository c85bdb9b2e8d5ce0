"""The group of every document: made, compared with the past, numbered, and written once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.engine import Fit, Hierarchy
from clustering_pipeline.engine.groups.hierarchy import by_size, of_deepest, top_labels
from clustering_pipeline.engine.groups.numbering import canonical, group_count
from clustering_pipeline.engine.neighbors.outliers import NEIGHBORS
from clustering_pipeline.engine.vectors import Labels, Vectors, silent
from clustering_pipeline.model.algorithms.parameters import Parameters
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.definitions.vector_config import FaceClusterMergeConfig
from clustering_pipeline.model.ids import NOISE_ID, group_id, group_path
from clustering_pipeline.model.progress import Check, Tell
from clustering_pipeline.pipeline.groups.matching import Named, keep_named, name_groups, read_past
from clustering_pipeline.pipeline.run.artifacts import (
    ASSIGNMENTS,
    EMBEDDINGS,
    FIT,
    REDUCED,
    REDUCTION,
    RELATIONS,
)
from clustering_pipeline.pipeline.run.columns import ASSIGNED_BY, FEATURE, KEYS, ROW, VECTOR
from clustering_pipeline.pipeline.run.progress import Paced
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Space, original_spaces, payloads, targets
from clustering_pipeline.pipeline.stages.attributes import (
    MISSING,
    attribute_config,
    attribute_groups,
)
from clustering_pipeline.pipeline.stages.metrics import validity
from clustering_pipeline.pipeline.stages.neighbors import (
    KeptNeighbors,
    kept_neighbors,
    neighborhood,
)
from clustering_pipeline.stores.artifacts.matrices import vector_matrix

TARGET_NOISE = "target_noise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How a definition groups vectors; ``depth`` is how many levels of sub-groups it asks for."""

    algorithm: str
    params: Parameters
    preprocessing: Sequence[Mapping[str, Any]]
    depth: int
    faces: FaceClusterMergeConfig | None
    target_noise: float | None
    groups_wanted: int | None

    @classmethod
    def of(cls, spec: ClusterSpec) -> "Method":
        """That of a definition as it was frozen."""
        config = spec.vectors
        faces = config.face_cluster_merge
        return cls(
            algorithm=spec.method,
            params=spec.params,
            preprocessing=spec.preprocessing,
            depth=config.max_hierarchy_depth if config.hierarchical else 0,
            faces=faces if faces and faces.enabled else None,
            target_noise=config.target_noise,
            groups_wanted=config.groups_wanted,
        )

    def fit(
        self,
        points: Vectors,
        check: Check,
        neighbors: engine.Neighborhood | None = None,
        tell: Tell = silent,
    ) -> Fit:
        """The groups of (m, d) vectors."""
        return engine.fit_interruptibly(
            points,
            algorithm=self.algorithm,
            params=self.params,
            neighbors=neighbors,
            check=check,
            tell=tell,
        )

    def divide(self, vectors: Vectors, labels: Labels, check: Check, **options: Any) -> Hierarchy:
        """The groups with what lies in them."""
        return engine.divide(
            vectors,
            labels,
            algorithm=self.algorithm,
            params=self.params,
            preprocessing=self.preprocessing,
            max_depth=self.depth,
            check=check,
            **options,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustering:
    """One clustering to be made: the vectors of the ``rows`` (m,) that are fitted, the steps that
    these went through, and what is known of their neighbours.
    """

    space: Space
    rows: NDArray[np.int64]
    points: NDArray[np.float32]
    steps: Sequence[Mapping[str, Any]]
    neighbors: KeptNeighbors | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """One clustering of all documents; the labels are those of the top of ``tree``.

    ``assigned_by`` says by which wish each document came into its group, where there is one.
    """

    space: Space
    labels: Labels
    tree: Hierarchy
    probabilities: NDArray[np.float64]
    outlier_scores: NDArray[np.float64]
    record: dict[str, Any]
    assigned_by: Sequence[str | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustered:
    """The assignments of all clusterings under numbers of their own, and what the fits say.

    Groups that attributes make have no vectors.
    """

    frame: pl.DataFrame
    record: dict[str, Any]
    spaces: Sequence[Space] = ()


def assign(run: Run) -> StageReport:
    """Groups the reduced vectors, or the values of attributes, and tells who the groups are.

    Independent features are grouped one after the other; groups are numbered over all of them.
    """
    check = Paced(ask=run.check)
    if run.spec.attributes is None:
        clustered = _by_vectors(run, check)
    else:
        keys = run.read_frame(EMBEDDINGS, columns=KEYS)
        frame, record = attribute_groups(attribute_config(run), payloads(run), keys)
        clustered = Clustered(frame=frame, record={"algorithm": run.spec.method, **record})
    named = name_groups(clustered.frame, read_past(run), clustered.spaces, check)
    return keep_clustered(run, clustered, named)


def keep_clustered(run: Run, clustered: Clustered, named: Named) -> StageReport:
    """Writes the groups, and what the fits say of them."""
    record = clustered.record | {"versions": engine.versions()}
    size = keep_named(run, named)
    run.write_json(FIT, record)
    run.write_json(RELATIONS, relations_of(named.assignments, clustered.spaces))
    numbers = _numbers(named.assignments) | {"bytes": size}
    if MISSING in clustered.record:
        numbers[MISSING] = clustered.record[MISSING]
    return StageReport(numbers=numbers, records={"fit": record}, uri=run.uri(ASSIGNMENTS))


def _by_vectors(run: Run, check: Check) -> Clustered:
    method, values = Method.of(run.spec), targets(run)
    documents = payloads(run) if method.faces else []
    tell = run.progress.say
    parts = [
        _grouped(part, method, documents, values, check, tell=tell) for part in _clusterings(run)
    ]
    return together(run.read_frame(EMBEDDINGS, columns=KEYS), parts)


def _clusterings(run: Run) -> Iterator[Clustering]:
    """One after the other: the fitted vectors of several are not needed at once."""
    reduction = run.read_json(REDUCTION)
    neighbors = kept_neighbors(run, reduction)
    for space in original_spaces(run):
        inside = pl.col(ROW).is_between(space.rows.start, space.rows.stop - 1)
        reduced = run.read_frame(REDUCED, columns=[ROW, VECTOR]).filter(inside)
        yield Clustering(
            space=space,
            rows=reduced[ROW].to_numpy() - space.rows.start,
            points=vector_matrix(reduced[VECTOR]),
            steps=[step for step in reduction["steps"] if step[FEATURE] == space.name],
            neighbors=neighbors.get(space.name),
        )


def _grouped(
    part: Clustering,
    method: Method,
    documents: Sequence[Mapping[str, Any]],
    values: Mapping[str, Sequence[object]],
    check: Check,
    *,
    tell: Tell,
) -> Grouped:
    """Outliers are scored in the original space; ``values`` are the targets of the steps."""
    vectors, points = part.space.vectors, part.points
    most = engine.neighbors_wanted(algorithm=method.algorithm, params=method.params)
    near = neighborhood(points, part.neighbors, most=most, check=check)
    fitted = method.fit(points, check, near, tell)
    placed = engine.everywhere(vectors, part.rows, fitted, check, steps=part.steps)
    labels, merged = _merge_faces(vectors, placed.labels, documents, method.faces)
    wished = wished_groups(vectors, labels, placed.hierarchy, method, check)
    same = np.array_equal(points, vectors)
    scored = near if same else neighborhood(vectors, part.neighbors, most=NEIGHBORS, check=check)
    return Grouped(
        space=part.space,
        labels=wished.labels,
        tree=wished.tree or method.divide(vectors, wished.labels, check, targets=values),
        assigned_by=wished.assigned_by,
        probabilities=placed.probabilities,
        outlier_scores=engine.outlier_scores(vectors, neighbors=scored, check=check),
        record={
            **fitted.record,
            **placed.record,
            **merged,
            **wished.record,
            **validity(method.algorithm, points, wished.labels[part.rows], part.steps, check),
            "neighbors": {"fitted": near.record, "scored": scored.record},
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """The groups after what the definition wants of them, and what that took."""

    labels: Labels
    tree: Hierarchy | None
    record: dict[str, Any]
    assigned_by: Sequence[str | None] | None = None


def wished_groups(
    vectors: Vectors, labels: Labels, tree: Hierarchy | None, method: Method, check: Check
) -> Wished:
    """As many groups as the definition wants, and no more noise than that."""
    record: dict[str, Any] = {}
    if method.groups_wanted is not None:
        before = group_count(labels)
        labels = engine.as_many_groups(vectors, labels, method.groups_wanted, check)
        record["groups_wanted"] = {"groups_before": before}
    if method.target_noise is None:
        return Wished(labels=labels, tree=tree, record=record)
    deepest = labels if tree is None else tree.deepest
    filled, joined = engine.with_less_noise(vectors, deepest, method.target_noise, check)
    record["target_noise"] = {
        "noise_before": float((labels < 0).mean()),
        "joined": int(joined.sum()),
    }
    if tree is not None:
        tree = by_size(of_deepest([node.path for node in tree.nodes], filled))
    return Wished(
        labels=canonical(filled) if tree is None else top_labels(tree),
        tree=tree,
        record=record,
        assigned_by=[TARGET_NOISE if each else None for each in joined.tolist()],
    )


def _merge_faces(
    vectors: Vectors,
    labels: Labels,
    documents: Sequence[Mapping[str, Any]],
    config: FaceClusterMergeConfig | None,
) -> tuple[Labels, dict[str, Any]]:
    if config is None:
        return labels, {}
    merge = engine.merge_faces(vectors, labels, documents, config)
    joined = {"groups_before": merge.before, "joins": len(merge.joins)}
    return merge.labels, {"face_cluster_merge": joined}


def together(keys: pl.DataFrame, parts: Sequence[Grouped]) -> Clustered:
    """The clusterings one after the other, their top groups numbered through by size."""
    labels = _numbered(parts)
    tables = [_table(keys, part, labels[part.space.rows]) for part in parts]
    spaces = [part.space for part in parts]
    return Clustered(frame=pl.concat(tables), record=_record(parts), spaces=spaces)


def _numbered(parts: Sequence[Grouped]) -> Labels:
    labels, first = [], 0
    for part in parts:
        labels.append(np.where(part.labels >= 0, part.labels + first, part.labels))
        first += group_count(part.labels)
    return canonical(np.concatenate(labels))


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
        **(
            {}
            if part.assigned_by is None
            else {ASSIGNED_BY: pl.Series(part.assigned_by, dtype=pl.String)}
        ),
    )


def _record(parts: Sequence[Grouped]) -> dict[str, Any]:
    """What the fit says of itself; of several, what they share and each one's own."""
    if len(parts) == 1:
        return parts[0].record
    first = parts[0].record
    own = [{FEATURE: part.space.name, **part.record} for part in parts]
    return {"algorithm": first["algorithm"], "params": first["params"], "fits": own}


def _numbers(frame: pl.DataFrame) -> dict[str, int | float | None]:
    noise = frame.filter(cluster_id=NOISE_ID).height
    mean = frame["probability"].mean()
    return {
        "documents": frame.select(KEYS).n_unique(),
        "groups": group_count(frame["label"].to_numpy()),
        "noise": noise,
        "noise_ratio": noise / frame.height,
        "mean_probability": mean if isinstance(mean, float) else None,
    }


def relations_of(assignments: pl.DataFrame, spaces: Sequence[Space]) -> list[dict[str, Any]]:
    """Which group of one feature lies within a group of another, where features are independent.

    Parents and children by overlap of members, for ``hierarchy_relationships``: of the groups on
    top as readers know them, people's edits applied.
    """
    if len(spaces) < 2:
        return []
    labels = assignments["label"].to_numpy()
    shown = assignments.filter(pl.col("cluster_id") != NOISE_ID).unique(["label", "cluster_id"])
    tops = {
        label: group_id(group_path(cluster_id)[:1])
        for label, cluster_id in shown.select("label", "cluster_id").iter_rows()
    }
    return [
        {
            "parent_cluster_id": tops[pair.parent],
            "child_cluster_id": tops[pair.child],
            "parent_feature": pair.parent_feature,
            "child_feature": pair.child_feature,
            "overlap": pair.overlap,
            "child_members": pair.child_size,
        }
        for pair in engine.overlap_relations({each.name: labels[each.rows] for each in spaces})
    ]
