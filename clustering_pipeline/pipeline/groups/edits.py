"""What people want of the groups, applied to those that the run found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.engine.identity import Generation, fresh_uids, identify
from clustering_pipeline.engine.identity.edits import (
    NOWHERE,
    Groups,
    Mask,
    Rows,
    divided,
    linked,
    merged,
    parted,
    pinned,
)
from clustering_pipeline.engine.incremental import reference_of
from clustering_pipeline.engine.incremental.assignment import THRESHOLD
from clustering_pipeline.engine.vectors import NOISE, Vectors, never
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.progress import Check
from clustering_pipeline.pipeline.groups.reassignment import Homes, Reached, homeless
from clustering_pipeline.pipeline.groups.snapshots import Published
from clustering_pipeline.pipeline.run.spaces import Space


@dataclass(frozen=True, kw_only=True, eq=False)
class Documents:
    """The rows of the assignments: their keys and ids, and the vectors of each clustering.

    Those that people move are measured as ones that join a group (``homes``), whose centroid is
    found by ``method``.
    """

    keys: Sequence[str]
    ids: Sequence[str]
    spaces: Sequence[Space] = ()
    method: str = "mean"
    threshold: float = THRESHOLD

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def clusterings(self) -> Iterator[Mask]:
        """(n,) the rows of each clustering."""
        for one in [space.rows for space in self.spaces] or [slice(None)]:
            marked = np.zeros(len(self), dtype=np.bool_)
            marked[one] = True
            yield marked

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors of rows of one clustering."""
        (space,) = [one for one in self.spaces if one.rows.start <= rows[0] < one.rows.stop]
        return space.vectors[rows - space.rows.start]

    def homes(self, groups: Groups) -> Homes:
        """Those groups, as documents join them."""

        def reached(space: Space) -> Reached:
            inner = list(map(str, groups.inner[space.rows]))
            names = sorted(set(inner) - {NOWHERE})
            places = {name: place for place, name in enumerate(names)} | {NOWHERE: NOISE}
            labels = np.array([places[name] for name in inner], dtype=np.int64)
            return names, reference_of(space.vectors, labels, method=self.method)

        return Homes(spaces=lambda: self.spaces, reached=reached, threshold=self.threshold)

    def rows(self, ids: Sequence[str], among: Mask) -> Rows:
        """Where those documents are, in the order they are named in."""
        there = [row for one in dict.fromkeys(ids) for row in self._places.get(one, ())]
        found = np.array(there, dtype=np.int64)
        return found[among[found]]

    @cached_property
    def _places(self) -> Mapping[str, list[int]]:
        places: dict[str, list[int]] = {}
        for row, one in enumerate(self.ids):
            places.setdefault(one, []).append(row)
        return places


@dataclass(frozen=True, kw_only=True, eq=False)
class Edited:
    """The groups as people want them, what could not be done, and which uids are parts of which.

    ``probabilities`` are by row those of the documents that are moved one by one.
    """

    groups: Groups
    conflicts: tuple[str, ...] = ()
    split_of: dict[str, str] = field(default_factory=dict)
    probabilities: dict[int, float] = field(default_factory=dict)

    def then(self, groups: Groups, *conflicts: str | None) -> "Edited":
        """After one more change."""
        told = tuple(one for one in conflicts if one)
        return replace(self, groups=groups, conflicts=(*self.conflicts, *told))


def edited(
    groups: Groups,
    edits: ClusterEdits,
    documents: Documents,
    before: Published | None,
    *,
    check: Check = never,
) -> Edited:
    """Splits, merges, pins, links and excludes, in this order; ``check`` may raise to cancel."""
    now = Edited(groups=groups)
    for uid, parts in edits.split.items():
        now = _split(now, uid, parts, documents, before, check=check)
    for uids in edits.merge:
        now = _merge(now, uids, documents, before)
    found = now.groups
    for uid in edits.pin:
        now = _pin(now, uid, documents, before)
    homes = documents.homes(now.groups)
    for among in documents.clusterings:
        now = _link(now, edits, documents, among, homes)
    everywhere = np.ones(len(documents), dtype=np.bool_)
    excluded = np.zeros(len(documents), dtype=np.bool_)
    excluded[documents.rows(edits.exclude, everywhere)] = True
    now = now.then(now.groups.moved(excluded, ""), *_missing(edits, documents))
    sure = dict(_probabilities(found, now.groups, homes if documents.spaces else None))
    return replace(now, groups=now.groups.living(), probabilities=sure)


def _probabilities(
    before: Groups, after: Groups, homes: Homes | None
) -> Iterator[tuple[int, float]]:
    """By row how sure the groups are of who was moved; of attributes, all are as they were."""
    moved = np.flatnonzero(before.inner != after.inner)
    for uid in sorted(set(after.inner[moved].tolist())):
        rows = moved[after.inner[moved] == uid]
        if uid == NOWHERE:
            yield from ((int(row), 0.0) for row in rows)
        elif homes is not None:
            sure = homes.probabilities(rows, uid)
            yield from ((int(row), float(one)) for row, one in zip(rows, sure, strict=True))


def _split(
    now: Edited,
    uid: str,
    count: int,
    documents: Documents,
    before: Published | None,
    *,
    check: Check,
) -> Edited:
    problem = _indivisible(now.groups, uid, count, documents)
    if problem:
        return now.then(now.groups, f"split: {problem}")
    rows = np.flatnonzero(now.groups.within(uid))
    fitted = engine.fit_interruptibly(
        documents.vectors(rows), algorithm="kmeans", params={"n_clusters": count}, check=check
    )
    names = _part_uids(uid, _part(documents, rows, fitted.labels), before)
    cut = divided(
        now.groups,
        uid,
        {
            name: _marked(len(documents), rows[fitted.labels == number])
            for number, name in enumerate(names)
        },
    )
    return replace(now, groups=cut, split_of={**now.split_of, **dict.fromkeys(names, uid)})


def _indivisible(groups: Groups, uid: str, count: int, documents: Documents) -> str | None:
    if uid not in groups:
        return f"{uid} is not there"
    if not documents.spaces:
        return f"{uid} is made by attributes, which no part would share"
    if uid in groups.parents.values():
        return f"{uid} has sub-groups already"
    if int(groups.within(uid).sum()) < count:
        return f"{uid} has too few documents for {count} parts"
    return None


def _part(documents: Documents, rows: Rows, labels: NDArray[np.int64]) -> Generation:
    return Generation(
        documents=[documents.keys[row] for row in rows],
        names=[documents.ids[row] for row in rows],
        deepest=labels,
        paths=tuple((number,) for number in range(int(labels.max()) + 1)),
    )


def _part_uids(uid: str, parts: Generation, before: Published | None) -> tuple[str, ...]:
    """Those of the parts of the run before; without any, the largest part keeps the group's."""
    earlier = _parts_before(uid, before)
    if earlier is not None:
        return identify(parts, earlier).uids
    largest = int(np.argmax(parts.sizes))
    fresh = fresh_uids(parts)
    return tuple(uid if number == largest else one for number, one in enumerate(fresh))


def _parts_before(uid: str, before: Published | None) -> Generation | None:
    known = {one for one, whole in before.split_of.items() if whole == uid} if before else set()
    if before is None or not known:
        return None
    shown = before.generation
    kept = [place for place, one in enumerate(shown.uids) if one in known]
    places = np.full(shown.k + 1, -1, dtype=np.int64)
    places[kept] = np.arange(len(kept))
    return Generation(
        documents=shown.documents,
        deepest=places[shown.deepest],
        paths=tuple((number,) for number in range(len(kept))),
        uids=tuple(shown.uids[place] for place in kept),
    )


def _merge(
    now: Edited, uids: Sequence[str], documents: Documents, before: Published | None
) -> Edited:
    held = {
        number
        for number, among in enumerate(documents.clusterings)
        for uid in uids
        if uid in now.groups and (now.groups.within(uid) & among).any()
    }
    if len(held) > 1:
        return now.then(now.groups, f"merge: {', '.join(uids)} are of different features")
    formerly = _formerly(uids[0], documents, before) if before and before.edited else None
    return now.then(*merged(now.groups, uids, formerly))


def _pin(now: Edited, uid: str, documents: Documents, before: Published | None) -> Edited:
    held = _formerly(uid, documents, before) if before else None
    if held is None:
        known = uid in now.groups
        return now.then(now.groups, None if known else f"pin: {uid} is not there")
    if not held.any():
        return now.then(now.groups, f"pin: no document of {uid} is left")
    return now.then(pinned(now.groups, uid, held))


def _formerly(uid: str, documents: Documents, before: Published) -> Mask | None:
    """(n,) the documents that the group of the run before held; None where there was none."""
    shown = before.generation
    if uid not in shown.uids:
        return None
    place = shown.uids.index(uid)
    inside = shown.around[:, [place]].toarray()[:, 0].astype(np.bool_)
    held = {
        key
        for key, inner in zip(shown.documents, shown.deepest.tolist(), strict=True)
        if inner >= 0 and inside[inner]
    }
    return np.array([key in held for key in documents.keys], dtype=np.bool_)


def _link(
    now: Edited, edits: ClusterEdits, documents: Documents, among: Mask, homes: Homes
) -> Edited:
    links = edits.links
    for ids in links.must:
        rows = documents.rows(ids, among)
        if len(rows):
            now = now.then(*linked(now.groups, rows))
    names = documents.ids
    for ids in links.cannot:
        groups, alone = parted(now.groups, documents.rows(ids, among), homes.next_of)
        now = now.then(groups, *(homeless(names[row], names[first]) for row, first in alone))
    return now


def _missing(edits: ClusterEdits, documents: Documents) -> Iterator[str]:
    there = set(documents.ids)
    named = {
        "exclude": [edits.exclude],
        "must_link": edits.must_link,
        "cannot_link": edits.cannot_link,
    }
    for kind, lists in named.items():
        if gone := sorted({one for ids in lists for one in ids} - there):
            yield f"{kind}: {len(gone)} documents are not there, {gone[0]!r} among them"


def _marked(count: int, rows: Rows) -> Mask:
    marked = np.zeros(count, dtype=np.bool_)
    marked[rows] = True
    return marked
