"""Gives the groups of a run their lasting ids, and their numbers in ``cl_N`` and ``cl_N_sub_M``.

A number is kept by a group that continues, and never used twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.groups.hierarchy import Path
from clustering_pipeline.engine.identity.generation import Generation, fresh_uids, rehashed
from clustering_pipeline.engine.identity.lineage import Event, events_between
from clustering_pipeline.engine.identity.matching import (
    Evidence,
    Match,
    Terms,
    gather,
    match,
    match_at,
)

TOP = ""
"""Stands for the uid of what lies around the groups on top."""
Place: TypeAlias = tuple[str, int]
"""The uid of what lies around a group, and its number there."""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The numbers that groups have had, of whatever run."""

    given: Mapping[str, Place] = field(default_factory=dict)
    """Uid to its place; no two uids have the same."""
    following: Mapping[str, int] = field(default_factory=dict)
    """Uid to the number below that group from which on all are free; ``""`` for those on top."""

    def with_groups(self, paths: Sequence[Path], uids: Sequence[str]) -> "Numbers":
        """After these groups have got their numbers."""
        names = dict(zip(paths, uids, strict=True))
        return self.with_places(
            {uid: (names.get(path[:-1], TOP), path[-1]) for path, uid in names.items()}
        )

    def with_places(self, places: Mapping[str, Place]) -> "Numbers":
        """The same; where two groups have had one place, it is that of the later ones."""
        taken = set(places.values())
        given = {uid: place for uid, place in self.given.items() if place not in taken}
        following = dict(self.following)
        for around, number in taken:
            following[around] = max(following.get(around, 0), number + 1)
        return Numbers(given=given | dict(places), following=following)


def numbered(
    paths: Sequence[Path], uids: Sequence[str], sizes: NDArray[np.int64], known: Numbers
) -> tuple[Path, ...]:
    """The groups' paths with the numbers that they had, or that nobody had before.

    New groups are numbered by size, largest first.
    """
    names = dict(zip(paths, uids, strict=True))
    places = {path: place for place, path in enumerate(paths)}
    following = dict(known.following)
    numbers: dict[Path, int] = {}
    for path, uid in names.items():
        around, number = known.given.get(uid, (None, 0))
        if around == names.get(path[:-1], TOP):
            numbers[path] = number
            following[around] = max(following.get(around, 0), number + 1)
    new = [path for path in paths if path not in numbers]
    for path in sorted(new, key=lambda path: (len(path), -int(sizes[places[path]]), path)):
        around = names.get(path[:-1], TOP)
        numbers[path] = following.get(around, 0)
        following[around] = numbers[path] + 1
    return tuple(tuple(numbers[path[:end]] for end in range(1, len(path) + 1)) for path in paths)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What each group of a run is called, in the order of the generation's paths."""

    uids: tuple[str, ...]
    paths: tuple[Path, ...]
    """The numbers in ``cl_N_sub_M``."""
    matches: tuple[Match, ...] = ()
    events: tuple[Event, ...] = ()


def identify(
    after: Generation,
    before: Generation | None = None,
    *,
    known: Numbers | None = None,
    terms: Terms | None = None,
) -> Identity:
    """Matches the groups ``after`` with those ``before``; without any, all are born.

    Members decide: an optimal assignment on the Jaccard index (the Hungarian method), over the
    documents that both runs saw.  Where most documents of two groups are in one run only, their
    centroids do.  A group that continues keeps its number, as does one that comes back of those
    ``known`` from other runs; a number is never given to another one.  Where groups ``after`` have
    uids already, these tell which continue.
    """
    names, numbers = after.uids or fresh_uids(after), known or Numbers()
    if before is None:
        uids = after.uids or _uids(names, (), ())
        paths = numbered(after.paths, uids, after.sizes, numbers)
        born = tuple(Event(kind="born", new=new) for new in range(after.k))
        return Identity(uids=uids, paths=paths, events=born)
    evidence = gather(before, after)
    matches = _by_uid(evidence) if after.uids else match(evidence, names, terms or Terms())
    uids = after.uids or _uids(names, before.uids, matches)
    numbers = numbers.with_groups(before.paths, before.uids)
    return Identity(
        uids=uids,
        paths=numbered(after.paths, uids, after.sizes, numbers),
        matches=matches,
        events=events_between(evidence, matches),
    )


def _uids(names: Sequence[str], before: Sequence[str], matches: Sequence[Match]) -> tuple[str, ...]:
    continued = {match.new: before[match.old] for match in matches}
    taken = set(before)
    uids: list[str] = []
    for new, name in enumerate(names):
        uid = continued.get(new, name)
        while new not in continued and uid in taken:
            uid = rehashed(uid)
        taken.add(uid)
        uids.append(uid)
    return tuple(uids)


def compare(before: Generation, after: Generation) -> tuple[Event, ...]:
    """What became of the groups between two runs whose groups have their uids."""
    evidence = gather(before, after)
    return events_between(evidence, _by_uid(evidence))


def _by_uid(evidence: Evidence) -> tuple[Match, ...]:
    old = {uid: place for place, uid in enumerate(evidence.before.uids)}
    pairs = zip(evidence.old.tolist(), evidence.new.tolist(), strict=True)
    shared = {pair: place for place, pair in enumerate(pairs)}
    both = [(old[uid], new) for new, uid in enumerate(evidence.after.uids) if uid in old]
    return tuple(
        match_at(evidence, shared[pair])
        if pair in shared
        else Match(old=pair[0], new=pair[1], by="members", score=0.0)
        for pair in both
    )
