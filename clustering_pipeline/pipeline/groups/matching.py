"""Which of a run's groups are groups of the published run: they keep their uid and number."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from clustering_pipeline.engine.groups.hierarchy import Path
from clustering_pipeline.engine.groups.numbering import canonical
from clustering_pipeline.engine.identity import Generation, Identity, Numbers, compare, identify
from clustering_pipeline.engine.identity.edits import Groups
from clustering_pipeline.engine.vectors import NOISE, Vectors
from clustering_pipeline.model.ids import NOISE_ID, group_id, group_path
from clustering_pipeline.pipeline.groups.edits import Documents, edited
from clustering_pipeline.pipeline.groups.lineage import told
from clustering_pipeline.pipeline.groups.numbering import taken_numbers
from clustering_pipeline.pipeline.groups.snapshots import (
    Published,
    generation_of,
    generation_of_run,
    keep_groups,
    published,
)
from clustering_pipeline.pipeline.run.artifacts import IDENTITY_RECORD
from clustering_pipeline.pipeline.run.columns import FOUND
from clustering_pipeline.pipeline.run.progress import Paced
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Space


def name_groups(run: Run, frame: pl.DataFrame, spaces: Sequence[Space] = ()) -> pl.DataFrame:
    """The assignments under the uids and numbers that readers know; what was found is kept.

    ``frame`` are the assignments under numbers of their own, ``spaces`` the vectors of their rows.
    What people want of the groups is applied to them once they have their uids.
    """
    earlier = published(run.pipeline, run.published) if run.published else None
    after = generation_of(frame, centroids=lambda paths: _middles(frame, paths, spaces))
    before = earlier.found if earlier else None
    numbers = taken_numbers(run)
    found = identify(after, before, known=numbers, terms=run.pipeline.identity)
    if run.edits.regroups or (earlier and earlier.edited):
        named = replace(after, uids=found.uids)
        return _regrouped(run, frame, named, spaces, earlier, numbers=numbers)
    _keep(run, after, found, earlier)
    ids = dict(zip(map(group_id, after.paths), map(group_id, found.paths), strict=True))
    renamed = pl.col("cluster_id").replace_strict(
        {**ids, NOISE_ID: NOISE_ID}, return_dtype=pl.String
    )
    return frame.with_columns(renamed)


def _regrouped(
    run: Run,
    frame: pl.DataFrame,
    after: Generation,
    spaces: Sequence[Space],
    earlier: Published | None,
    *,
    numbers: Numbers,
) -> pl.DataFrame:
    """The assignments as people want them; beside them, the groups that were found."""
    first = Groups.of(after, after.uids)
    ids = frame["document_id"].to_list()
    documents = _documents(run, after.documents, ids, spaces)
    wanted = edited(first, run.edits, documents, earlier, check=Paced(ask=run.check))
    shown = wanted.groups.generation(after.documents, after.names)
    identity = identify(shown, earlier.generation if earlier else None, known=numbers)
    kept = {"parents": dict(first.parents), "split_of": wanted.split_of}
    _keep(run, shown, identity, earlier, found=kept)
    run.record(edit_conflicts=list(wanted.conflicts))
    names = [*map(group_id, identity.paths), NOISE_ID]
    sure = frame["probability"].to_numpy().copy()
    sure[list(wanted.probabilities)] = list(wanted.probabilities.values())
    tops = np.array([*(path[0] for path in identity.paths), NOISE], dtype=np.int64)
    return frame.with_columns(
        pl.Series(FOUND, first.inner.tolist(), dtype=pl.String),
        cluster_id=pl.Series([names[place] for place in shown.deepest], dtype=pl.String),
        label=canonical(tops[shown.deepest]),
        probability=sure,
    )


def _documents(
    run: Run, keys: Sequence[str], ids: Sequence[str], spaces: Sequence[Space]
) -> Documents:
    if not spaces:
        return Documents(keys=keys, ids=ids)
    return Documents(
        keys=keys,
        ids=ids,
        spaces=spaces,
        method=run.spec.vectors.effective_feature_method,
        threshold=run.spec.assignment_threshold,
    )


def _keep(
    run: Run,
    after: Generation,
    identity: Identity,
    earlier: Published | None,
    *,
    found: Mapping[str, Any] | None = None,
) -> None:
    before = earlier.generation if earlier else None
    events = told(identity.events, after, identity.paths, identity.uids, before)
    record = {
        "previous_run_id": run.published.run_id if run.published else None,
        "events": [one.model_dump(mode="json") for one in events],
        "found": found,
    }
    keep_groups(run, _rows(identity, before), record)


def _rows(found: Identity, before: Generation | None) -> Iterator[dict[str, Any]]:
    uids = dict(zip(found.paths, found.uids, strict=True))
    matches = {one.new: one for one in found.matches}
    for new, (path, uid) in enumerate(uids.items()):
        match = matches.get(new)
        earlier = before.paths[match.old] if match and before else None
        yield {
            "cluster_id": group_id(path),
            "group_uid": uid,
            "parent_group_uid": uids.get(path[:-1]),
            "previous_cluster_id": group_id(earlier) if earlier else None,
            "matched_by": match.by if match else None,
            "score": match.score if match else None,
            "stayed": match.overlap if match else None,
            "known": match.known if match else None,
        }


def _middles(frame: pl.DataFrame, paths: tuple[Path, ...], spaces: Sequence[Space]) -> Vectors:
    """(k, all dimensions) mean vectors; zeros in the dimensions of other features."""
    empty = np.zeros((len(paths), 0), dtype=np.float32)
    blocks = [
        _block(frame[one.rows], paths, one) for one in sorted(spaces, key=lambda one: one.name)
    ]
    return np.concatenate([empty, *blocks], axis=1)


def _block(frame: pl.DataFrame, paths: tuple[Path, ...], space: Space) -> Vectors:
    places = {path: place for place, path in enumerate(paths)}
    inside = [
        (places[path[:end]], row)
        for row, one in enumerate(frame["cluster_id"])
        if one != NOISE_ID
        for path in (group_path(one),)
        for end in range(1, len(path) + 1)
    ]
    groups, rows = np.array(inside, dtype=np.int64).reshape(-1, 2).T
    sizes = np.bincount(groups, minlength=len(paths)).clip(1)
    weights = (1 / sizes)[groups].astype(np.float32)
    return csr_array((weights, (groups, rows)), shape=(len(paths), frame.height)) @ space.vectors


_SAME = {"matched_by": "members", "score": 1.0}
_NEW = {"previous_cluster_id": None, "matched_by": None, "score": None}


def same_groups(
    run: Run, before: Run, frame: pl.DataFrame, born: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Every group that has a member left is the one of its id in the published run.

    ``born`` are groups that it did not have, with their uids.
    """
    earlier = generation_of_run(run.pipeline, before.execution)
    uids = dict(zip(map(group_id, earlier.paths), earlier.uids, strict=True))
    now = generation_of(frame, uids=uids | dict(born))
    by_path = dict(zip(now.paths, now.uids, strict=True))
    rows = [
        {
            "cluster_id": group_id(path),
            "group_uid": uid,
            "parent_group_uid": by_path.get(path[:-1]),
            **(_NEW if group_id(path) in born else _SAME | {"previous_cluster_id": group_id(path)}),
        }
        for path, uid in by_path.items()
    ]
    events = told(compare(earlier, now), now, now.paths, now.uids, earlier)
    record = {
        "previous_run_id": before.run_id,
        "events": [one.model_dump(mode="json") for one in events],
        "found": _found(before),
    }
    keep_groups(run, rows, record)


def _found(before: Run) -> Any:
    """The groups as an algorithm found them, where people wanted others."""
    return before.read_json(IDENTITY_RECORD).get("found") if before.has(IDENTITY_RECORD) else None
