"""The group of every document: that of the published run, or for new ones the one they join.

New ones lie on its map, which stays, among the members of their group most like them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.engine.identity.edits import NOWHERE, Groups, Mask
from clustering_pipeline.engine.incremental import Assigned, Reference, assign_to
from clustering_pipeline.engine.neighbors.screening import first_copies
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import NOISE, Labels, unit_rows
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.ids import NOISE_ID, parent_id
from clustering_pipeline.pipeline.groups.edits import (
    MADE,
    Documents,
    Edited,
    apply_edits,
    stays_apart,
)
from clustering_pipeline.pipeline.run.artifacts import (
    ASSIGNMENTS,
    EMBEDDINGS,
    JOINED,
    JOINED_RECORD,
    REDUCED,
    REFERENCE,
)
from clustering_pipeline.pipeline.run.columns import (
    FEATURE,
    FOUND,
    NEAREST,
    NOVEL,
    ROW,
    VECTOR,
    axes_of,
    vector_series,
)
from clustering_pipeline.pipeline.run.progress import Paced
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Matrix, Space, original_spaces
from clustering_pipeline.pipeline.stages.assign_mode.published import (
    Known,
    earlier,
    known_documents,
)
from clustering_pipeline.pipeline.stages.assign_mode.reference import reference_in, references
from clustering_pipeline.stores.artifacts.matrices import vector_matrix

Places = NDArray[np.float64]

_NOBODY, _NOTHING = np.zeros(0, dtype=np.int64), np.zeros(0)
_TEXTS = ("cluster_id", NEAREST, FOUND)
_LIKE = 5
_LOOKED_AT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """One clustering: its rows of ``joined.parquet`` and of ``reduced.parquet``.

    ``drift`` is by how much the mean cosine to a centroid falls from members to new documents.
    """

    table: pl.DataFrame
    reduced: pl.DataFrame
    drift: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Published:
    """What documents join: who is in which group, how far groups that live reach, and the map."""

    assignments: pl.DataFrame
    reference: pl.DataFrame
    reduced: pl.DataFrame


def join_groups(run: Run) -> StageReport:
    """Assigns what is new or changed in the original space, and gives it a place on the map.

    A document with the vector of one in a group joins that group.  A document that no group reaches
    goes to the novelty pool; documents that are as they were keep their group and their place.
    """
    before = earlier(run)
    known, spaces = known_documents(run), original_spaces(run)
    published = _published(before)
    parts = [_joined(run, known, space, published) for space in spaces]
    run.write_frame(REFERENCE, published.reference)
    fresh = np.tile(known.rows < 0, len(parts))
    documents = Documents(
        ids=document_ids(run),
        spaces=spaces,
        threshold=run.spec.assignment_threshold,
        reached=lambda space: reference_in(published.reference, space),
    )
    table = with_edits(run, pl.concat([part.table for part in parts]), fresh, documents)
    run.write_frame(JOINED, table)
    size = run.write_frame(REDUCED, _together([part.reduced for part in parts]))
    counts = _counts(known, table, drift=float(np.mean([part.drift for part in parts])))
    run.write_json(JOINED_RECORD, counts)
    reason = f"documents keep their places of {before.run_id}; new ones lie among their like"
    run.record(layout_stability_applied="kept", layout_stability_reason=reason)
    return StageReport(numbers={**counts, "bytes": size}, uri=run.uri(REDUCED))


def _counts(known: Known, table: pl.DataFrame, *, drift: float) -> dict[str, float]:
    """Of several clusterings, a document is assigned by any and new to the groups of all."""
    shape = (-1, max(len(known.rows), 1))
    grouped = (table["cluster_id"] != NOISE_ID).to_numpy().reshape(shape)
    novel = np.logical_and.reduce(table[NOVEL].to_numpy().reshape(shape))
    fresh = known.fresh
    return {
        "new_documents": len(fresh) - known.changed,
        "changed_documents": known.changed,
        "removed_documents": known.removed,
        "assigned_documents": int(grouped[:, fresh].any(axis=0).sum()),
        "novelty_pool": int(novel.sum()),
        "novelty_share": int(np.count_nonzero(novel[fresh])) / max(len(fresh), 1),
        "drift": drift,
    }


def _published(before: Run) -> _Published:
    assignments = before.read_frame(ASSIGNMENTS)
    living = assignments["cluster_id"].unique().implode()
    return _Published(
        assignments=assignments,
        reference=references(before).filter(pl.col("cluster_id").is_in(living)),
        reduced=before.read_frame(REDUCED),
    )


def _joined(run: Run, known: Known, space: Space, published: _Published) -> Joined:
    then = known.earlier_rows(space)
    assignments = published.assignments[then]
    names, reference = reference_in(published.reference, space)
    numbers = {name: number for number, name in enumerate(names)}
    column = assignments["cluster_id"]
    labels = column.replace_strict(numbers, default=NOISE, return_dtype=pl.Int64).to_numpy()
    assigned = _with_their_equals(
        _assigned(run, reference, space.vectors[known.fresh]),
        space.vectors,
        known,
        labels,
        assignments["probability"].to_numpy(),
    )
    laid = _laid_out(published.reduced, then)
    places = _continued(space.vectors, known, labels, laid, assigned.nearest)
    return Joined(
        table=_table(space, known, assignments, assigned, [*names, NOISE_ID]),
        reduced=_reduced_frame(places, axes_of(published.reduced), space),
        drift=reference.mean_cosine - float(assigned.cosines.mean()) if len(known.fresh) else 0.0,
    )


def _assigned(run: Run, reference: Reference, new: Matrix) -> Assigned:
    if not len(new):
        return Assigned(labels=_NOBODY, nearest=_NOBODY, cosines=_NOTHING, probabilities=_NOTHING)
    threshold, check = run.spec.assignment_threshold, Paced(ask=run.check)
    return assign_to(reference, new, threshold=threshold, check=check)


def _with_their_equals(
    assigned: Assigned,
    vectors: Matrix,
    known: Known,
    labels: Labels,
    probabilities: NDArray[np.float64],
) -> Assigned:
    """New documents join the group that holds a document of the same vector, whatever else reaches
    them; ``labels`` and ``probabilities`` are those of the published run's documents.
    """
    stay = np.flatnonzero(known.rows >= 0)
    grouped = stay[labels[known.rows[stay]] >= 0]
    if not len(known.fresh) or not len(grouped):
        return assigned
    first = first_copies(vectors)
    kinds, at = np.unique(first[grouped], return_index=True)
    place = np.minimum(np.searchsorted(kinds, first[known.fresh]), len(kinds) - 1)
    equal = kinds[place] == first[known.fresh]
    twins = known.rows[grouped[at[place]]]
    return replace(
        assigned,
        labels=np.where(equal, labels[twins], assigned.labels),
        nearest=np.where(equal, labels[twins], assigned.nearest),
        probabilities=np.where(equal, probabilities[twins], assigned.probabilities),
    )


def _table(
    space: Space, known: Known, published: pl.DataFrame, assigned: Assigned, names: list[str]
) -> pl.DataFrame:
    """A row a document; ``names`` end with that of noise, where -1 points."""
    stored = _with_pool(published)[np.maximum(known.rows, 0)]
    joins = [names[label] for label in assigned.labels]
    fresh = pl.DataFrame(
        {
            "place": known.fresh,
            "cluster_id": joins,
            "probability": assigned.probabilities,
            "outlier_score": 1.0 - assigned.probabilities,
            NOVEL: assigned.labels < 0,
            NEAREST: [names[label] for label in assigned.nearest],
            **_found_before_edits(published, joins),
        },
        schema_overrides={"place": pl.Int64} | dict.fromkeys(_TEXTS, pl.String),
    )
    documents = pl.DataFrame({"place": np.arange(len(known.rows))})
    joined = documents.join(fresh, on="place", how="left", maintain_order="left")
    was_fresh = pl.Series(known.rows < 0)
    values = [
        pl.select(pl.when(was_fresh).then(joined[name]).otherwise(stored[name]).alias(name))
        for name in fresh.columns
        if name != "place"
    ]
    return pl.concat(values, how="horizontal").with_columns(pl.lit(space.name).alias(FEATURE))


def _found_before_edits(published: pl.DataFrame, ids: list[str]) -> dict[str, list[str | None]]:
    """Where people regrouped what was found: that of most members of the group as it is shown."""
    if FOUND not in published.columns:
        return {}
    counted = published.group_by("cluster_id", FOUND).len().sort("len", FOUND)
    usual = dict(counted.select("cluster_id", FOUND).iter_rows())
    return {FOUND: [usual[group] if group != NOISE_ID else None for group in ids]}


def _with_pool(published: pl.DataFrame) -> pl.DataFrame:
    """A run in mode full has no pool."""
    new = {NOVEL: pl.lit(value=False), NEAREST: pl.lit(None, dtype=pl.String)}
    missing = [value.alias(name) for name, value in new.items() if name not in published.columns]
    return published.with_columns(missing)


def _laid_out(reduced: pl.DataFrame, then: slice) -> Places:
    """(n, axes and reduced dimensions) of one clustering's documents; NaN where not laid out."""
    inside = pl.col(ROW).is_between(then.start, then.stop - 1)
    part = reduced.filter(inside)
    if part.is_empty():
        return np.empty((then.stop - then.start, 0))
    axes = axes_of(reduced)
    # A map may have been deferred: no column is no row to polars.
    shown = part.select(axes).to_numpy().reshape(part.height, len(axes))
    known = np.hstack([shown, vector_matrix(part[VECTOR])])
    places = np.full((then.stop - then.start, known.shape[1]), np.nan)
    places[part[ROW].to_numpy() - then.start] = known
    return places


def _continued(
    vectors: Matrix, known: Known, labels: Labels, places: Places, nearest: Labels
) -> Places:
    """(n, …) where the documents lie now: those that are as they were where they were.

    ``labels`` and ``places`` are those of the published run's documents; ``nearest`` (m,) are the
    groups of the new ones, each of which gets the mean place of its five most alike members, or
    that of its whole group when no member is as it was.
    """
    stay = np.flatnonzero(known.rows >= 0)
    then = known.rows[stay]
    lies = np.full((len(vectors), places.shape[1]), np.nan)
    lies[stay] = places[then]
    laid_out = ~np.isnan(places).any(axis=1)
    with one_thread():  # products of so few rows are slower on several
        for group in np.unique(nearest[nearest >= 0]).tolist():
            own = laid_out & (labels == group)
            if not own.any():
                continue
            new = known.fresh[nearest == group]
            rows = _evenly(stay[own[then]])
            lies[new] = (
                lies[_most_alike(vectors, new, rows)].mean(axis=1)
                if len(rows)
                else places[own].mean(axis=0)
            )
    return lies


def _evenly(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    at = np.linspace(0, len(rows) - 1, min(len(rows), _LOOKED_AT)).astype(np.int64)
    return rows[at]


def _most_alike(
    vectors: Matrix, new: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    cosines = unit_rows(vectors[new]) @ unit_rows(vectors[rows]).T
    return rows[np.argsort(-cosines, axis=1, kind="stable")[:, :_LIKE]]


def _together(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows of all clusterings; their vectors may differ in length."""
    if len({part.schema[VECTOR] for part in parts}) > 1:
        parts = [part.cast({VECTOR: pl.List(pl.Float32)}) for part in parts]
    return pl.concat(parts)


def _reduced_frame(places: Places, axes: list[str], space: Space) -> pl.DataFrame:
    """The rows of ``reduced.parquet`` for one clustering."""
    rows = np.flatnonzero(~np.isnan(places).any(axis=1))
    shown = {axis: places[rows, at].astype(np.float32) for at, axis in enumerate(axes)}
    return pl.DataFrame({ROW: space.rows.start + rows, **shown}).with_columns(
        vector_series(VECTOR, places[rows, len(axes) :])
    )


def document_ids(run: Run) -> list[str]:
    """What the documents are called, clustering after clustering."""
    ids = run.read_frame(EMBEDDINGS, columns=["document_id"])["document_id"]
    return list(map(str, ids)) * len(run.spec.clusterings)


def with_edits(run: Run, table: pl.DataFrame, movable: Mask, documents: Documents) -> pl.DataFrame:
    """The rows of all clusterings as people want them; what cannot be is in the run's record."""
    edits = run.edits
    if not (edits.exclude or edits.must_link or edits.cannot_link):
        _tell(run)
        return table
    edited = apply_edits(_groups(table["cluster_id"]), edits, documents, movable=movable)
    _tell(run, edited.conflicts, _waiting(edits, documents.ids, edited.groups))
    excluded = pl.Series(documents.ids, dtype=pl.String).is_in(edits.exclude).to_numpy()
    return _edited(table, edited, excluded)


def _groups(cluster_ids: pl.Series) -> Groups:
    inner = cluster_ids.replace(NOISE_ID, NOWHERE).to_numpy().astype(object)
    parents: dict[str, str] = {}
    for group in set(inner.tolist()) - {NOWHERE}:
        while group and group not in parents:
            parents[group] = parent_id(group) or ""
            group = parents[group]  # noqa: PLW2901 - up to the top
    return Groups(inner=inner, parents=parents)


def _waiting(edits: ClusterEdits, ids: Sequence[str], groups: Groups) -> set[str]:
    """The linked documents that are in no group, of one clustering at least."""
    linked = {name for names in (*edits.must_link, *edits.cannot_link) for name in names}
    alone = np.flatnonzero(groups.inner == NOWHERE).tolist()
    return (linked - set(edits.exclude)).intersection(ids[row] for row in alone)


def _tell(run: Run, conflicts: Sequence[str] = (), waiting: Collection[str] = ()) -> None:
    """Beside what could not be done when the groups were made, and what keeps documents
    ``waiting`` that a run before looked at.
    """
    before = run.published.edit_conflicts if run.published else []
    recorded = run.pipeline.catalog.executions.by_id(run.run_id).edit_conflicts
    lasting = (*MADE, *map(stays_apart, waiting))
    stands = [conflict for conflict in [*before, *recorded] if conflict.startswith(lasting)]
    run.record(edit_conflicts=list(dict.fromkeys([*stands, *conflicts])))


def _edited(table: pl.DataFrame, edited: Edited, excluded: Mask) -> pl.DataFrame:
    """Who was moved out of all groups waits in the pool, unless people want that of nobody."""
    inner, moved = edited.groups.inner, list(edited.probabilities)
    novel, sure = table[NOVEL].to_numpy().copy(), table["probability"].to_numpy().copy()
    novel[moved] = inner[moved] == NOWHERE
    sure[moved] = list(edited.probabilities.values())
    return table.with_columns(
        pl.Series("cluster_id", [group or NOISE_ID for group in inner], dtype=pl.String),
        pl.Series(NOVEL, novel & ~excluded),
        probability=sure,
    )
