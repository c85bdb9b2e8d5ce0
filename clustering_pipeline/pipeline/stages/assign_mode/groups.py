"""The groups that documents joined: those that are published, and new ones made of the pool."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.engine.groups.numbering import canonical, group_count
from clustering_pipeline.engine.identity import Numbers, fresh_uids, numbered
from clustering_pipeline.engine.identity.generation import rehashed
from clustering_pipeline.engine.identity.identify import TOP
from clustering_pipeline.engine.vectors import NOISE, Labels
from clustering_pipeline.model.ids import NOISE_ID, group_id
from clustering_pipeline.pipeline.groups.edits import Documents
from clustering_pipeline.pipeline.groups.matching import keep_named, same_groups
from clustering_pipeline.pipeline.groups.numbering import taken_numbers
from clustering_pipeline.pipeline.groups.snapshots import (
    generation_of,
    generation_of_run,
    identity_record,
)
from clustering_pipeline.pipeline.run.artifacts import (
    ASSIGNMENTS,
    EMBEDDINGS,
    FIT,
    JOINED,
    JOINED_RECORD,
    REDUCTION,
    REFERENCE,
    RELATIONS,
)
from clustering_pipeline.pipeline.run.columns import FEATURE, FOUND, KEYS, NOVEL
from clustering_pipeline.pipeline.run.progress import Paced
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import (
    clustering_spaces,
    features,
    original_spaces,
    targets,
)
from clustering_pipeline.pipeline.stages.assign import relations_of
from clustering_pipeline.pipeline.stages.assign_mode.assign import document_ids, with_edits
from clustering_pipeline.pipeline.stages.assign_mode.published import earlier
from clustering_pipeline.pipeline.stages.assign_mode.reference import calibrated_by, reference_in

FEWEST = 2
"""Documents that could be a group of which something can be said."""


def keep_groups(run: Run) -> StageReport:
    """No group is made, moved or renumbered; one without a member left is gone."""
    return _write_assignments(run, run.read_frame(JOINED))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Proposed:
    """Of all rows of the assignments the new group, -1 for none, and how sure that is."""

    labels: Labels
    probabilities: NDArray[np.float64]
    records: list[dict[str, Any]]


def propose_groups(run: Run) -> StageReport:
    """Groups the documents of the pool as the definition says; what is in no group stays there.

    The new groups are on top, and have the next numbers, or those that they had in a run that
    readers were taken back from; nothing else changes.
    """
    before = earlier(run)
    joined, standing = run.read_frame(JOINED), run.read_frame(REFERENCE)
    proposed = _grouped(run, before, joined[NOVEL].to_numpy())
    numbers, spaces = taken_numbers(run), original_spaces(run)
    method = run.spec.vectors.effective_feature_method

    def reference(rows: pl.DataFrame, new: pl.Series) -> pl.DataFrame:
        """How far the groups reach that were there, and those of the ``new`` rows."""
        return pl.concat([standing, calibrated_by(spaces, _only(rows, new), method)])

    placed = _placed(joined, proposed, numbers.following.get(TOP, 0))
    made = pl.Series(proposed.labels >= 0)
    reach = cache(lambda: reference(placed, made))
    documents = Documents(
        ids=document_ids(run),
        spaces=spaces,
        threshold=run.spec.assignment_threshold,
        reached=lambda space: reference_in(reach(), space),
    )
    edited = with_edits(run, placed, made.to_numpy(), documents)
    after, born = _known_again(run, before, edited, numbers)
    new = after["cluster_id"].is_in(list(born))
    run.write_frame(REFERENCE, reference(after, new))
    ids = _only(after, new)
    run.write_json(
        JOINED_RECORD, run.read_json(JOINED_RECORD) | _counts(run, after, ids, len(born))
    )
    named = _with_uids(after, ids, born)
    return _write_assignments(run, named, born=born, fits=proposed.records)


def _only(rows: pl.DataFrame, new: pl.Series) -> pl.Series:
    return rows.select(pl.when(new).then("cluster_id").otherwise(pl.lit(NOISE_ID))).to_series()


def _grouped(run: Run, before: Run, novel: NDArray[np.bool_]) -> _Proposed:
    """In the space that the published groups were found in, with the weights learned then."""
    weights = before.read_json(REDUCTION)["weights"]
    labels, sure = np.full(len(novel), NOISE, dtype=np.int64), np.zeros(len(novel))
    records, first = [], 0
    for space in clustering_spaces(run, features(run), weights=weights):
        rows = np.flatnonzero(novel[space.rows])
        if len(rows) < FEWEST:
            continue
        made = engine.cluster(
            space.vectors[rows],
            algorithm=run.spec.method,
            params=run.spec.params,
            preprocessing=run.spec.preprocessing,
            sample_size=run.spec.sample_size,
            targets=engine.of_rows(targets(run), rows),
            check=Paced(ask=run.check),
        )
        places = space.rows.start + rows
        labels[places] = np.where(made.labels >= 0, made.labels + first, NOISE)
        sure[places] = made.probabilities
        first += group_count(made.labels)
        records.append({FEATURE: space.name, **made.record})
    return _Proposed(labels=canonical(labels), probabilities=sure, records=records)


def _placed(joined: pl.DataFrame, proposed: _Proposed, first: int) -> pl.DataFrame:
    """The rows with the new groups, numbered from ``first``."""
    count = group_count(proposed.labels)
    ids = [*(group_id((number,)) for number in range(first, first + count)), NOISE_ID]
    new = pl.Series(proposed.labels >= 0)
    values = {
        "cluster_id": pl.Series([ids[label] for label in proposed.labels], dtype=pl.String),
        "probability": pl.Series(proposed.probabilities),
        NOVEL: pl.repeat(value=False, n=len(new), eager=True),
    }
    return joined.with_columns(
        pl.when(new).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


def _known_again(
    run: Run, before: Run, after: pl.DataFrame, numbers: Numbers
) -> tuple[pl.DataFrame, dict[str, str]]:
    """The rows with the numbers to stay, and id to uid of the new groups."""
    keys = pl.concat([run.read_frame(EMBEDDINGS, columns=KEYS)] * len(run.spec.clusterings))
    made = generation_of(keys.hstack(after.select(FEATURE, "cluster_id")))
    published = generation_of_run(run.pipeline, before.execution)
    shown, fresh = set(published.paths), fresh_uids(made)
    new = [place for place, path in enumerate(made.paths) if path not in shown]
    paths = [made.paths[place] for place in new]
    uids = _free([fresh[place] for place in new], published.uids)
    ids = list(map(group_id, numbered(paths, uids, made.sizes[new], numbers)))
    renamed = pl.col("cluster_id").replace(dict(zip(map(group_id, paths), ids, strict=True)))
    return after.with_columns(renamed), dict(zip(ids, uids, strict=True))


def _free(uids: Sequence[str], others: Collection[str]) -> list[str]:
    """None is one that another group has."""
    taken = set(others)
    free: list[str] = []
    for uid in uids:
        while uid in taken:
            uid = rehashed(uid)  # noqa: PLW2901 - until nobody has it
        taken.add(uid)
        free.append(uid)
    return free


def _with_uids(after: pl.DataFrame, ids: pl.Series, born: dict[str, str]) -> pl.DataFrame:
    """Where people regrouped what was found: the new groups are as they were found."""
    if FOUND not in after.columns or not born:
        return after
    uids = ids.replace_strict(born, default=None, return_dtype=pl.String)
    return after.with_columns(pl.coalesce(uids, FOUND).alias(FOUND))


def _counts(run: Run, after: pl.DataFrame, ids: pl.Series, groups: int) -> dict[str, Any]:
    """Of several clusterings, a document is in the pool while it is new to the groups of all."""
    shape = (len(run.spec.clusterings), -1)
    left = after[NOVEL].to_numpy().reshape(shape).all(axis=0)
    placed = (ids != NOISE_ID).to_numpy().reshape(shape).any(axis=0)
    return {
        "novelty_pool": int(left.sum()),
        "proposed_groups": groups,
        "proposed_documents": int(placed.sum()),
    }


def _write_assignments(
    run: Run,
    joined: pl.DataFrame,
    *,
    born: Mapping[str, str] = MappingProxyType({}),
    fits: Sequence[Mapping[str, Any]] = (),
) -> StageReport:
    """The rows of ``joined`` as the assignments of a run; ``born`` are new groups on top, with
    their uids, and ``fits`` what made them.
    """
    before = earlier(run)
    keys = run.read_frame(EMBEDDINGS, columns=KEYS)
    fit = before.read_json(FIT) | {"assigned": run.read_json(JOINED_RECORD)}
    if fits:
        fit["proposed"] = [*fit.get("proposed", []), *fits]
    numbers = _labels(before.read_frame(ASSIGNMENTS, columns=["cluster_id", "label"]), born)
    frame = (
        pl.concat([keys] * len(run.spec.clusterings))
        .hstack(joined)
        .with_columns(label=pl.col("cluster_id").replace_strict(numbers, return_dtype=pl.Int64))
    )
    named = same_groups(
        frame,
        generation_of_run(run.pipeline, before.execution),
        run_id=before.run_id,
        found=identity_record(run.pipeline, before.execution).get("found"),
        born=born,
    )
    size = keep_named(run, named)
    run.write_json(FIT, fit)
    run.write_json(RELATIONS, _relations(run, frame))
    return StageReport(
        numbers={
            "documents": keys.height,
            "groups": frame.filter(pl.col("cluster_id") != NOISE_ID)["cluster_id"].n_unique(),
            "born": len(born),
            "noise": frame.filter(cluster_id=NOISE_ID).height,
            "bytes": size,
        },
        uri=run.uri(ASSIGNMENTS),
    )


def _labels(published: pl.DataFrame, born: Mapping[str, str]) -> dict[str, int]:
    pairs = published.unique().select("cluster_id", "label").iter_rows()
    known = {**{str(group): int(number) for group, number in pairs}, NOISE_ID: NOISE}
    first = max(known.values()) + 1
    return known | {group: first + place for place, group in enumerate(born)}


def _relations(run: Run, frame: pl.DataFrame) -> list[dict[str, Any]]:
    if len(run.spec.clusterings) == 1:
        return []
    return relations_of(frame, original_spaces(run))
