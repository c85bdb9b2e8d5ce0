"""The group of every document: that of the published run, or for new ones the one they join."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from clustering_pipeline.engine.incremental import Assigned, Reference, assign_to
from clustering_pipeline.engine.vectors import NOISE
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.pipeline.run.artifacts import (
    ASSIGNMENTS,
    JOINED,
    JOINED_RECORD,
    REDUCED,
    REFERENCE,
)
from clustering_pipeline.pipeline.run.columns import FEATURE, FOUND, NEAREST, NOVEL, axes_of
from clustering_pipeline.pipeline.run.progress import Paced
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Matrix, Space, original_spaces
from clustering_pipeline.pipeline.stages.assign_mode.edits import with_edits
from clustering_pipeline.pipeline.stages.assign_mode.map_positions import (
    continued,
    laid_out,
    reduced_frame,
    together,
)
from clustering_pipeline.pipeline.stages.assign_mode.reference import (
    reference_in,
    references,
)
from clustering_pipeline.pipeline.stages.assign_mode.unchanged import (
    Known,
    earlier,
    known_documents,
)

NOBODY = Assigned(
    labels=np.zeros(0, dtype=np.int64),
    nearest=np.zeros(0, dtype=np.int64),
    cosines=np.zeros(0),
    probabilities=np.zeros(0),
)
_TEXTS = ("cluster_id", NEAREST, FOUND)


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

    A document that no group reaches goes to the novelty pool; documents that are as they were keep
    their group and their place.
    """
    before = earlier(run)
    known = known_documents(run)
    published = _published(before)
    parts = [_joined(run, known, space, published) for space in original_spaces(run)]
    run.write_frame(REFERENCE, published.reference)
    fresh = np.tile(known.rows < 0, len(parts))
    table = with_edits(
        run, pl.concat([part.table for part in parts]), fresh, lambda: published.reference
    )
    run.write_frame(JOINED, table)
    size = run.write_frame(REDUCED, together([part.reduced for part in parts]))
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
    found = _assigned(run, reference, space.vectors[known.fresh])
    laid = laid_out(published.reduced, then)
    places = continued(space.vectors, known, labels, laid, found.nearest)
    return Joined(
        table=_table(space, known, assignments, found, [*names, NOISE_ID]),
        reduced=reduced_frame(places, axes_of(published.reduced), space),
        drift=reference.mean_cosine - float(found.cosines.mean()) if len(known.fresh) else 0.0,
    )


def _assigned(run: Run, reference: Reference, new: Matrix) -> Assigned:
    if not len(new):
        return NOBODY
    threshold, check = run.spec.assignment_threshold, Paced(ask=run.check)
    return assign_to(reference, new, threshold=threshold, check=check)


def _table(
    space: Space, known: Known, published: pl.DataFrame, found: Assigned, names: list[str]
) -> pl.DataFrame:
    """A row a document; ``names`` end with that of noise, where -1 points."""
    kept = _kept(published)[np.maximum(known.rows, 0)]
    fresh = pl.DataFrame(
        {
            "place": known.fresh,
            "cluster_id": [names[label] for label in found.labels],
            "probability": found.probabilities,
            "outlier_score": 1.0 - found.probabilities,
            NOVEL: found.labels < 0,
            NEAREST: [names[label] for label in found.nearest],
            **_found_before_edits(published, [names[label] for label in found.labels]),
        },
        schema_overrides={"place": pl.Int64} | dict.fromkeys(_TEXTS, pl.String),
    )
    documents = pl.DataFrame({"place": np.arange(len(known.rows))})
    joined = documents.join(fresh, on="place", how="left", maintain_order="left")
    was_fresh = pl.Series(known.rows < 0)
    columns = [one for one in fresh.columns if one != "place"]
    values = [
        pl.select(pl.when(was_fresh).then(joined[one]).otherwise(kept[one]).alias(one))
        for one in columns
    ]
    return pl.concat(values, how="horizontal").with_columns(pl.lit(space.name).alias(FEATURE))


def _found_before_edits(published: pl.DataFrame, ids: list[str]) -> dict[str, list[str | None]]:
    """Where people regrouped what was found: that of most members of the group as it is shown."""
    if FOUND not in published.columns:
        return {}
    counted = published.group_by("cluster_id", FOUND).len().sort("len", FOUND)
    usual = dict(counted.select("cluster_id", FOUND).iter_rows())
    return {FOUND: [usual[one] if one != NOISE_ID else None for one in ids]}


def _kept(published: pl.DataFrame) -> pl.DataFrame:
    """A run in mode full has no pool."""
    new = {NOVEL: pl.lit(value=False), NEAREST: pl.lit(None, dtype=pl.String)}
    missing = [value.alias(name) for name, value in new.items() if name not in published.columns]
    return published.with_columns(missing)
