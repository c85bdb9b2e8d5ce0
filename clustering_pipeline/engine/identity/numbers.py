"""The numbers in ``cl_N`` and ``cl_N_sub_M``: kept by groups that continue, never used twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.groups.hierarchy import Path

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
