"""What people want of groups, applied to those that a run found or that documents joined."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress
from typing import Self

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
from clustering_pipeline.engine.incremental import (
    THRESHOLD,
    Assigned,
    Reference,
    assign_to,
    reference_of,
)
from clustering_pipeline.engine.vectors import NOISE, Vectors, never
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.progress import Check
from clustering_pipeline.pipeline.groups.snapshots import Published
from clustering_pipeline.pipeline.run.spaces import Space

Reached = tuple[Sequence[str], Reference]
"""The groups of one clustering, and how far they reach."""
MADE = ("split:", "merge:", "pin:")
"""What conflicts begin with that stand as long as the groups do which a full run made."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Homes:
    """The groups of all clusterings by name, and how far each reaches: measured when needed.

    Which group would have a document that has to leave its own is decided by the one measure of
    mode assign (``engine.incremental``).  Without vectors no group has a document.
    """

    spaces: Sequence[Space]
    reached: Callable[[Space], Reached]
    threshold: float

    def next_of(self, row: int, taken: Collection[str]) -> str | None:
        """The group that the document joins where those are not open to it; None for none."""
        for number, space in enumerate(self.spaces):
            if space.rows.start <= row < space.rows.stop:
                free = [name for name in self._reached[number][0] if name not in taken]
                label = int(self._assigned(number, np.array([row]), free).labels[0])
                return free[label] if label >= 0 else None
        return None

    def probabilities(self, rows: Rows, name: str) -> NDArray[np.float64]:
        """(m,) how surely documents are members of that group; 0 from the end of its reach."""
        sure = np.zeros(len(rows))
        for number, space in enumerate(self.spaces):
            inside = (rows >= space.rows.start) & (rows < space.rows.stop)
            if inside.any() and name in self._reached[number][0]:
                sure[inside] = self._assigned(number, rows[inside], [name]).probabilities
        return sure

    def _assigned(self, number: int, rows: Rows, names: Sequence[str]) -> Assigned:
        space, (known, reference) = self.spaces[number], self._reached[number]
        places = {name: place for place, name in enumerate(known)}
        only = reference.only([places[name] for name in names])
        return assign_to(only, space.vectors[rows - space.rows.start], threshold=self.threshold)

    @cached_property
    def _reached(self) -> Sequence[Reached]:
        return [self.reached(space) for space in self.spaces]


@dataclass(frozen=True, kw_only=True, eq=False)
class Documents:
    """The rows of the assignments: their ids, their keys (which tell apart what is compared with
    the groups ``before``), and the vectors of each clustering.

    Those that people move are measured as ones that join a group: by the reach that is known of
    it (``reached``), or that its documents have, with a centroid that is found by ``method``.
    """

    ids: Sequence[str]
    keys: Sequence[str] = ()
    before: Published | None = None
    spaces: Sequence[Space] = ()
    method: str = "mean"
    threshold: float = THRESHOLD
    reached: Callable[[Space], Reached] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def clusterings(self) -> Iterator[Mask]:
        """(n,) the rows of each clustering."""
        for rows in [space.rows for space in self.spaces] or [slice(None)]:
            yield _marked(len(self), rows)

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors of rows of one clustering."""
        (space,) = [each for each in self.spaces if each.rows.start <= rows[0] < each.rows.stop]
        return space.vectors[rows - space.rows.start]

    def homes(self, groups: Groups) -> Homes:
        """Those groups, as documents join them."""

        def measured(space: Space) -> Reached:
            inner = list(map(str, groups.inner[space.rows]))
            names = sorted(set(inner) - {NOWHERE})
            places = {name: place for place, name in enumerate(names)} | {NOWHERE: NOISE}
            labels = np.array([places[name] for name in inner], dtype=np.int64)
            return names, reference_of(space.vectors, labels, method=self.method)

        reached = self.reached or measured
        return Homes(spaces=self.spaces, reached=reached, threshold=self.threshold)


@dataclass(frozen=True, kw_only=True, eq=False)
class Edited:
    """The groups as people want them, what could not be done, and which uids are parts of which.

    ``merged`` is the uid of a group to that of the one which took it in; ``probabilities`` are by
    row those of the documents that are moved one by one.
    """

    groups: Groups
    conflicts: tuple[str, ...] = ()
    split_of: dict[str, str] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    probabilities: dict[int, float] = field(default_factory=dict)

    def then(self, groups: Groups, *conflicts: str | None) -> "Edited":
        """After one more change."""
        new = tuple(conflict for conflict in conflicts if conflict)
        return replace(self, groups=groups, conflicts=(*self.conflicts, *new))


def apply_edits(
    groups: Groups,
    edits: ClusterEdits,
    documents: Documents,
    *,
    movable: Mask | None = None,
    check: Check = never,
) -> Edited:
    """Splits, merges, pins, links and excludes, in this order; ``check`` may raise to cancel.

    Where documents only join groups, ``movable`` (n,) marks those that may still move between
    them.  Groups stay as they were made then, split, merged and pinned by the run that made them.
    """
    done = Edited(groups=groups)
    if movable is None:
        done = _remade(done, edits, documents, check)
    made, homes = done.groups, documents.homes(done.groups)
    places = _Places.of(edits, documents.ids)
    for among in documents.clusterings:
        done = _link(done, edits, places, among=among, homes=homes, movable=movable)
    excluded = done.groups.moved(places.rows(edits.exclude), NOWHERE)
    done = done.then(excluded, *places.missing(edits))
    sure = dict(_probabilities(made, done.groups, homes if documents.spaces else None))
    return replace(done, groups=done.groups.living(), probabilities=sure)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Places:
    """The rows of the documents that edits name, one in each clustering; ``ids`` are of all."""

    ids: Sequence[str]
    named: Mapping[str, list[int]]

    @classmethod
    def of(cls, edits: ClusterEdits, ids: Sequence[str]) -> Self:
        """Looks through all ids once."""
        lists = [*edits.must_link, *edits.cannot_link, edits.exclude]
        named: dict[str, list[int]] = {name: [] for names in lists for name in names}
        for row, name in enumerate(ids):
            if name in named:
                named[name].append(row)
        return cls(ids=ids, named=named)

    def rows(self, names: Sequence[str], among: Mask | None = None) -> Rows:
        """Their rows, in the order they are named in."""
        places = [row for name in dict.fromkeys(names) for row in self.named[name]]
        rows = np.array(places, dtype=np.int64)
        return rows if among is None else rows[among[rows]]

    def missing(self, edits: ClusterEdits) -> Iterator[str]:
        """What is told of documents that are not there."""
        lists = {
            "exclude": [edits.exclude],
            "must_link": edits.must_link,
            "cannot_link": edits.cannot_link,
        }
        for kind, ids in lists.items():
            if gone := sorted({name for names in ids for name in names if not self.named[name]}):
                yield f"{kind}: {len(gone)} documents are not there, {gone[0]!r} among them"


def _remade(done: Edited, edits: ClusterEdits, documents: Documents, check: Check) -> Edited:
    for uid, parts in edits.split.items():
        done = _split(done, uid, parts, documents, check)
    for uids in edits.merge:
        done = _merge(done, uids, documents)
    for uid in edits.pin:
        done = _pin(done, uid, documents)
    return done


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
            yield from zip(rows.tolist(), sure.tolist(), strict=True)


def _split(done: Edited, uid: str, count: int, documents: Documents, check: Check) -> Edited:
    problem = _indivisible(done.groups, uid, count, documents)
    if problem:
        return done.then(done.groups, f"split: {problem}")
    rows = np.flatnonzero(done.groups.within(uid))
    fitted = engine.fit_interruptibly(
        documents.vectors(rows), algorithm="kmeans", params={"n_clusters": count}, check=check
    )
    names = _part_uids(uid, _part(documents, rows, fitted.labels), documents.before)
    parts = {
        name: _marked(len(documents), rows[fitted.labels == number])
        for number, name in enumerate(names)
    }
    return replace(
        done,
        groups=divided(done.groups, uid, parts),
        split_of={**done.split_of, **dict.fromkeys(names, uid)},
    )


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
    return tuple(uid if number == largest else name for number, name in enumerate(fresh))


def _parts_before(uid: str, before: Published | None) -> Generation | None:
    parts = {part for part, whole in before.split_of.items() if whole == uid} if before else set()
    if before is None or not parts:
        return None
    shown = before.generation
    left = [place for place, name in enumerate(shown.uids) if name in parts]
    places = np.full(shown.k + 1, -1, dtype=np.int64)
    places[left] = np.arange(len(left))
    return Generation(
        documents=shown.documents,
        deepest=places[shown.deepest],
        paths=tuple((number,) for number in range(len(left))),
        uids=tuple(shown.uids[place] for place in left),
    )


def _merge(done: Edited, uids: Sequence[str], documents: Documents) -> Edited:
    clusterings = {
        number
        for number, among in enumerate(documents.clusterings)
        for uid in uids
        if uid in done.groups and (done.groups.within(uid) & among).any()
    }
    if len(clusterings) > 1:
        return done.then(done.groups, f"merge: {', '.join(uids)} are of different features")
    edited = documents.before is not None and documents.before.edited
    formerly = _formerly(uids[0], documents) if edited else None
    groups, problem = merged(done.groups, uids, formerly)
    gone = {} if problem else dict.fromkeys(uids[1:], uids[0])
    return replace(done.then(groups, problem), merged={**done.merged, **gone})


def _pin(done: Edited, uid: str, documents: Documents) -> Edited:
    held = _formerly(uid, documents)
    if held is None:
        known = uid in done.groups
        return done.then(done.groups, None if known else f"pin: {uid} is not there")
    if not held.any():
        return done.then(done.groups, f"pin: no document of {uid} is left")
    return done.then(pinned(done.groups, uid, held))


def _formerly(uid: str, documents: Documents) -> Mask | None:
    """(n,) the documents that the group of the run before held; None where there was none."""
    if documents.before is None or uid not in documents.before.generation.uids:
        return None
    shown = documents.before.generation
    inside = shown.around[:, [shown.uids.index(uid)]].toarray()[:, 0].astype(np.bool_)
    held = set(compress(shown.documents, np.append(inside, False)[shown.deepest].tolist()))
    return np.array([key in held for key in documents.keys], dtype=np.bool_)


def _link(
    done: Edited,
    edits: ClusterEdits,
    places: _Places,
    *,
    among: Mask,
    homes: Homes,
    movable: Mask | None,
) -> Edited:
    links, names = edits.links, places.ids
    for ids in links.must:
        rows = places.rows(ids, among)
        if len(rows):
            done = done.then(*linked(done.groups, rows, movable))
    for ids in links.cannot:
        groups, alone = parted(done.groups, places.rows(ids, among), homes.next_of, movable)
        conflicts = [
            f"{stays_apart(names[row])}{names[first]!r}, and is in none" for row, first in alone
        ]
        done = done.then(groups, *conflicts)
    return done


def _marked(count: int, rows: Rows | slice) -> Mask:
    marked = np.zeros(count, dtype=np.bool_)
    marked[rows] = True
    return marked


def stays_apart(name: str) -> str:
    """What a conflict begins with that tells of a document whom no other group would have: the
    group is that of another document.
    """
    return f"cannot_link: {name!r} would be in the group of "
