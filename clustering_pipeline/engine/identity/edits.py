"""Changes that people want of groups, applied to what an algorithm found."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.groups.hierarchy import Path
from clustering_pipeline.engine.identity.generation import Generation
from clustering_pipeline.engine.identity.identify import TOP
from clustering_pipeline.engine.vectors import NOISE

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
NextOf = Callable[[int, Collection[str]], str | None]
"""The group that a document joins, other than those."""
NOWHERE = ""
MOSTLY = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class Groups:
    """``inner`` (n,) is the uid of each document's innermost group, ``""`` for noise.

    ``parents`` is uid to the uid of the group around it, ``""`` on top.
    """

    inner: NDArray[Any]
    parents: Mapping[str, str]

    def __contains__(self, uid: str) -> bool:
        return uid in self.parents

    def chain(self, uid: str) -> tuple[str, ...]:
        """The group and all around it, from the top down."""
        return () if uid == TOP else (*self.chain(self.parents[uid]), uid)

    def within(self, uid: str) -> Mask:
        """(n,) the documents of a group, those of its sub-groups included."""
        inside = [below for below in self.parents if uid in self.chain(below)]
        return np.isin(self.inner, inside)

    def living(self) -> "Groups":
        """The same without groups that hold no document."""
        held = {uid for inner in set(self.inner) - {NOWHERE} for uid in self.chain(inner)}
        return replace(self, parents={uid: up for uid, up in self.parents.items() if uid in held})

    def moved(self, documents: Mask | Rows, uid: str) -> "Groups":
        """The documents in that group, or in none."""
        if not len(self.inner[documents]):
            return self
        inner = self.inner.copy()
        inner[documents] = uid
        return replace(self, inner=inner)

    @classmethod
    def of(cls, generation: Generation, uids: Sequence[str]) -> Self:
        """The groups of a generation by those uids."""
        names = dict(zip(generation.paths, uids, strict=True))
        inner = np.array([*uids, NOWHERE], dtype=object)[generation.deepest]
        return cls(
            inner=inner, parents={uid: names.get(path[:-1], TOP) for path, uid in names.items()}
        )

    def generation(self, documents: Sequence[str], names: Sequence[str]) -> Generation:
        """The groups as identity compares them, uids included."""
        paths = self.paths()
        ordered = sorted(paths, key=lambda uid: (len(paths[uid]), paths[uid]))
        places = {uid: place for place, uid in enumerate(ordered)}
        return Generation(
            documents=documents,
            names=names,
            deepest=np.array([places.get(uid, NOISE) for uid in self.inner], dtype=np.int64),
            paths=tuple(paths[uid] for uid in ordered),
            uids=tuple(ordered),
        )

    def paths(self) -> dict[str, Path]:
        """Uid to a path: numbers of siblings in the order of their uids."""
        numbers: dict[str, int] = {}
        below: Counter[str] = Counter()
        for uid in sorted(self.parents):
            numbers[uid] = below[self.parents[uid]]
            below[self.parents[uid]] += 1
        return {uid: tuple(numbers[up] for up in self.chain(uid)) for uid in self.parents}


def merged(
    groups: Groups, uids: Sequence[str], formerly: Mask | None = None
) -> tuple[Groups, str | None]:
    """All of them as the first; or why not.

    Where they were one group before, ``formerly`` (n,) marks its documents: what the algorithm now
    makes of these belongs to it, whatever it is called.
    """
    present = [uid for uid in uids if uid in groups]
    if formerly is not None:
        present += [uid for uid in _mostly(groups, formerly) if uid not in present]
    if not present or (len(present) < 2 and formerly is None):
        return groups, f"merge: of {', '.join(uids)} only {', '.join(present) or 'none'} is there"
    if len({groups.parents[uid] for uid in present}) > 1:
        return groups, f"merge: {', '.join(present)} do not lie in the same group"
    first, others = present[0], set(present[1:])
    parents = {
        uid: first if up in others else up
        for uid, up in groups.parents.items()
        if uid not in others
    }
    inner = groups.inner.copy()
    inner[np.isin(inner, list(others))] = first
    # The first of the list names the result, also when the algorithm has lost that one.
    return _renamed(replace(groups, inner=inner, parents=parents), first, uids[0]), None


def divided(groups: Groups, uid: str, parts: Mapping[str, Mask]) -> Groups:
    """The group as its parts, which lie where it lay."""
    parents = {other: up for other, up in groups.parents.items() if other != uid}
    cut = replace(groups, parents={**parents, **dict.fromkeys(parts, groups.parents[uid])})
    for name, documents in parts.items():
        cut = cut.moved(documents, name)
    return cut


def pinned(groups: Groups, uid: str, documents: Mask) -> Groups:
    """The documents in the group of that uid, which is made anew where it is gone."""
    elsewhere = documents & ~groups.within(uid) if uid in groups else documents
    parents = groups.parents if uid in groups else {**groups.parents, uid: TOP}
    return replace(groups, parents=parents).moved(elsewhere, uid)


def linked(groups: Groups, rows: Rows, movable: Mask | None = None) -> tuple[Groups, str | None]:
    """The documents in the group that most of them are in; or why not.

    Of several such groups, that of the document named first.  Where only those that ``movable``
    (n,) marks leave a group, the groups of the others decide; who is in none always joins.
    """
    inner = groups.inner[rows]
    free = _may_move(rows, movable) | (inner == NOWHERE)
    among = inner[~free] if not free.all() else inner[inner != NOWHERE]
    if not len(among):
        return groups, "must_link: none of the documents is in a group"
    chosen, _ = Counter(among.tolist()).most_common(1)[0]
    return groups.moved(rows[free & (inner != chosen)], chosen), None


def parted(
    groups: Groups, rows: Rows, next_of: NextOf, movable: Mask | None = None
) -> tuple[Groups, list[tuple[int, int]]]:
    """Each of the documents in a group of its own: later ones leave, to where ``next_of`` says.

    Those that may not leave their group come first.  Also of those that are in no group now, each
    with the document that keeps it from its own.
    """
    alone: list[tuple[int, int]] = []
    taken: dict[str, int] = {}
    moves: dict[int, str] = {}
    leaves = _may_move(rows, movable)
    for place in np.argsort(leaves, kind="stable").tolist():
        row = int(rows[place])
        uid = str(groups.inner[row])
        if uid in taken and leaves[place]:
            first, uid = taken[uid], next_of(row, taken) or NOWHERE
            moves[row] = uid
            if uid == NOWHERE:
                alone.append((row, first))
        if uid != NOWHERE:
            taken.setdefault(uid, row)
    if not moves:
        return groups, alone
    inner = groups.inner.copy()
    inner[list(moves)] = list(moves.values())
    return replace(groups, inner=inner), alone


def _mostly(groups: Groups, documents: Mask) -> list[str]:
    """The groups on top of whose documents most are among these."""
    tops = sorted(uid for uid, up in groups.parents.items() if up == TOP)
    return [uid for uid in tops if documents[groups.within(uid)].mean() > MOSTLY]


def _renamed(groups: Groups, uid: str, name: str) -> Groups:
    if uid == name:
        return groups
    inner = np.where(groups.inner == uid, name, groups.inner)
    parents = {
        (name if other == uid else other): (name if up == uid else up)
        for other, up in groups.parents.items()
    }
    return replace(groups, inner=inner, parents=parents)


def _may_move(rows: Rows, movable: Mask | None) -> Mask:
    """(m,) of rows."""
    return np.ones(len(rows), dtype=np.bool_) if movable is None else movable[rows]
