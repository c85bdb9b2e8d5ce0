"""The numbers in ``cl_N`` and ``cl_N_sub_M``: kept by groups that continue, never used twice."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.hierarchy import Path

TOP = ""
"""Stands for the uid of what lies around the groups on top."""


def numbered(
    paths: Sequence[Path],
    uids: Sequence[str],
    sizes: NDArray[np.int64],
    earlier: Mapping[str, tuple[str, int]],
    following: Mapping[str, int],
) -> tuple[tuple[Path, ...], dict[str, int]]:
    """New paths, and the next number below each group.

    ``earlier`` is what each continuing uid lay in and its number there; ``following`` the next free
    number below each group of the run before.  New groups are numbered by size, largest first.
    """
    places = {path: place for place, path in enumerate(paths)}
    following = dict(following)
    order = sorted(places, key=lambda path: (len(path), -int(sizes[places[path]]), path))
    numbers: dict[Path, int] = {}
    for path in order:
        uid, around = uids[places[path]], _around(path, places, uids)
        if uid in earlier and earlier[uid][0] == around:
            numbers[path] = earlier[uid][1]
            following[around] = max(following.get(around, 0), earlier[uid][1] + 1)
    for path in order:
        if path not in numbers:
            around = _around(path, places, uids)
            numbers[path] = following.get(around, 0)
            following[around] = numbers[path] + 1
    renamed = tuple(tuple(numbers[path[:end]] for end in range(1, len(path) + 1)) for path in paths)
    living = {TOP, *uids}
    return renamed, {uid: number for uid, number in following.items() if uid in living}


def _around(path: Path, places: Mapping[Path, int], uids: Sequence[str]) -> str:
    return uids[places[path[:-1]]] if len(path) > 1 else TOP
