"""Which of a run's groups are groups of the published run: they keep their uid and number."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from clustering_pipeline.engine.groups.hierarchy import Path
from clustering_pipeline.engine.groups.numbering import canonical
from clustering_pipeline.engine.identity import (
    Generation,
    Identity,
    Numbers,
    Terms,
    compare,
    identify,
)
from clustering_pipeline.engine.identity.edits import Groups
from clustering_pipeline.engine.vectors import NOISE, Vectors, never
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.executions.lineage import LineageEvent
from clustering_pipeline.model.ids import NOISE_ID, group_id, group_path
from clustering_pipeline.model.progress import Check
from clustering_pipeline.pipeline.groups.edits import Documents, apply_edits
from clustering_pipeline.pipeline.groups.lineage import lineage_events
from clustering_pipeline.pipeline.groups.numbering import taken_numbers
from clustering_pipeline.pipeline.groups.snapshots import Published, generation_of, published
from clustering_pipeline.pipeline.run.artifacts import ASSIGNMENTS, IDENTITY, IDENTITY_RECORD
from clustering_pipeline.pipeline.run.columns import FOUND
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Space


@dataclass(frozen=True, kw_only=True, eq=False)
class Past:
    """What a run's groups are compared with, and what people want of them.

    ``numbers`` are those that groups have had, ``terms`` say how alike two groups have to be.
    ``method`` and ``threshold`` tell which groups would have a document that people move.
    """

    run_id: str | None
    published: Published | None
    numbers: Numbers
    terms: Terms | None
    edits: ClusterEdits
    method: str
    threshold: float

    @property
    def shown(self) -> Generation | None:
        """The groups that readers see."""
        return self.published.generation if self.published else None


def read_past(run: Run) -> Past:
    """The past of a run that makes groups."""
    before, config = run.published, run.spec.definition.vector_config
    return Past(
        run_id=before.run_id if before else None,
        published=published(run.pipeline, before) if before else None,
        numbers=taken_numbers(run),
        terms=run.pipeline.identity,
        edits=run.edits,
        method=config.effective_feature_method if config else "mean",
        threshold=run.spec.assignment_threshold,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Named:
    """The assignments under the uids and numbers that readers know, the table of their groups, and
    the record of what became of those before.

    ``conflicts`` are what could not be done of the edits; None where nobody wanted other groups.
    """

    assignments: pl.DataFrame
    groups: pl.DataFrame
    record: Mapping[str, Any]
    conflicts: tuple[str, ...] | None = None


def keep_named(run: Run, named: Named) -> int:
    """Writes the groups and their documents; returns the size of the assignments in bytes."""
    run.write_frame(IDENTITY, named.groups)
    run.write_json(IDENTITY_RECORD, named.record)
    if named.conflicts is not None:
        run.record(edit_conflicts=list(named.conflicts))
    return run.write_frame(ASSIGNMENTS, named.assignments)


def name_groups(
    frame: pl.DataFrame, past: Past, spaces: Sequence[Space], check: Check = never
) -> Named:
    """The assignments under the uids and numbers that readers know; what was found is kept.

    ``frame`` are the assignments under numbers of their own, ``spaces`` the vectors of their rows.
    What people want of the groups is applied to them once they have their uids.
    """
    after = generation_of(frame, centroids=lambda paths: _middles(frame, paths, spaces))
    before = past.published.found if past.published else None
    identity = identify(after, before, known=past.numbers, terms=past.terms)
    if past.edits.regroups or (past.published and past.published.edited):
        documents = Documents(
            ids=frame["document_id"].to_list(),
            keys=after.documents,
            before=past.published,
            spaces=spaces,
            method=past.method,
            threshold=past.threshold,
        )
        return _regrouped(frame, replace(after, uids=identity.uids), past, documents, check)
    ids = dict(zip(map(group_id, after.paths), map(group_id, identity.paths), strict=True))
    renamed = pl.col("cluster_id").replace_strict(
        {**ids, NOISE_ID: NOISE_ID}, return_dtype=pl.String
    )
    return _named(frame.with_columns(renamed), after, identity, past)


def _regrouped(
    frame: pl.DataFrame, after: Generation, past: Past, documents: Documents, check: Check
) -> Named:
    """The assignments as people want them; beside them, the groups that were found."""
    first = Groups.of(after, after.uids)
    edited = apply_edits(first, past.edits, documents, check=check)
    shown = edited.groups.generation(after.documents, after.names)
    identity = identify(shown, past.shown, known=past.numbers)
    names = [*map(group_id, identity.paths), NOISE_ID]
    sure = frame["probability"].to_numpy().copy()
    sure[list(edited.probabilities)] = list(edited.probabilities.values())
    tops = np.array([*(path[0] for path in identity.paths), NOISE], dtype=np.int64)
    found = {"parents": dict(first.parents), "split_of": edited.split_of, "merged": edited.merged}
    assignments = frame.with_columns(
        pl.Series(FOUND, first.inner.tolist(), dtype=pl.String),
        cluster_id=pl.Series([names[place] for place in shown.deepest], dtype=pl.String),
        label=canonical(tops[shown.deepest]),
        probability=sure,
    )
    named = _named(assignments, shown, identity, past, found)
    return replace(named, conflicts=edited.conflicts)


def _named(
    assignments: pl.DataFrame,
    after: Generation,
    identity: Identity,
    past: Past,
    found: Mapping[str, Any] | None = None,
) -> Named:
    events = lineage_events(identity.events, after, identity.paths, identity.uids, past.shown)
    record = _record(events, past.run_id, found)
    return Named(assignments=assignments, groups=_table(_rows(identity, past.shown)), record=record)


def _record(
    events: Iterable[LineageEvent], run_id: str | None, found: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """``found`` are the groups as an algorithm found them, where people wanted others."""
    return {
        "previous_run_id": run_id,
        "events": [event.model_dump(mode="json") for event in events],
        "found": found,
    }


def _table(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=IDENTITY.schema)


def _rows(identity: Identity, before: Generation | None) -> Iterator[dict[str, Any]]:
    uids = dict(zip(identity.paths, identity.uids, strict=True))
    matches = {match.new: match for match in identity.matches}
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
        _block(frame[space.rows], paths, space)
        for space in sorted(spaces, key=lambda space: space.name)
    ]
    return np.concatenate([empty, *blocks], axis=1)


def _block(frame: pl.DataFrame, paths: tuple[Path, ...], space: Space) -> Vectors:
    places = {path: place for place, path in enumerate(paths)}
    inside = [
        (places[path[:end]], row)
        for row, group in enumerate(frame["cluster_id"])
        if group != NOISE_ID
        for path in (group_path(group),)
        for end in range(1, len(path) + 1)
    ]
    groups, rows = np.array(inside, dtype=np.int64).reshape(-1, 2).T
    sizes = np.bincount(groups, minlength=len(paths)).clip(1)
    weights = (1 / sizes)[groups].astype(np.float32)
    return csr_array((weights, (groups, rows)), shape=(len(paths), frame.height)) @ space.vectors


_SAME = {"matched_by": "members", "score": 1.0}


def same_groups(
    frame: pl.DataFrame,
    earlier: Generation,
    *,
    run_id: str,
    found: Mapping[str, Any] | None,
    born: Mapping[str, str] = MappingProxyType({}),
) -> Named:
    """Every group that has a member left is the one of its id among the ``earlier`` ones.

    ``born`` are groups that these did not have, with their uids.
    """
    uids = dict(zip(map(group_id, earlier.paths), earlier.uids, strict=True))
    after = generation_of(frame, uids=uids | dict(born))
    by_path = dict(zip(after.paths, after.uids, strict=True))
    rows = [
        {
            "cluster_id": group_id(path),
            "group_uid": uid,
            "parent_group_uid": by_path.get(path[:-1]),
            **({} if group_id(path) in born else _SAME | {"previous_cluster_id": group_id(path)}),
        }
        for path, uid in by_path.items()
    ]
    events = lineage_events(compare(earlier, after), after, after.paths, after.uids, earlier)
    return Named(assignments=frame, groups=_table(rows), record=_record(events, run_id, found))
