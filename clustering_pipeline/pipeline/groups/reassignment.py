"""Which group would have a document that has to leave its own: what mode assign goes by decides.

That is the one measure of it, whether groups are made or joined (``engine.incremental``).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.incremental import Assigned, Reference, assign_to
from clustering_pipeline.pipeline.run.spaces import Space

Reached = tuple[Sequence[str], Reference]
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Homes:
    """The groups of all clusterings by name, and how far each reaches: looked up when needed.

    Without vectors no group has a document.
    """

    spaces: Callable[[], Sequence[Space]]
    reached: Callable[[Space], Reached]
    """The groups of one clustering."""
    threshold: float

    def next_of(self, row: int, taken: Collection[str]) -> str | None:
        """The group that the document joins where those are not open to it; None for none."""
        for number, space in enumerate(self._spaces):
            if space.rows.start <= row < space.rows.stop:
                free = [name for name in self._reached[number][0] if name not in taken]
                label = int(self._assigned(number, np.array([row]), free).labels[0])
                return free[label] if label >= 0 else None
        return None

    def probabilities(self, rows: Rows, name: str) -> NDArray[np.float64]:
        """(m,) how surely documents are members of that group; 0 from the end of its reach."""
        found = np.zeros(len(rows))
        for number, space in enumerate(self._spaces):
            inside = (rows >= space.rows.start) & (rows < space.rows.stop)
            if inside.any() and name in self._reached[number][0]:
                found[inside] = self._assigned(number, rows[inside], [name]).probabilities
        return found

    def _assigned(self, number: int, rows: Rows, names: Sequence[str]) -> Assigned:
        space, (known, reference) = self._spaces[number], self._reached[number]
        places = {name: place for place, name in enumerate(known)}
        only = reference.only([places[name] for name in names])
        return assign_to(only, space.vectors[rows - space.rows.start], threshold=self.threshold)

    @cached_property
    def _spaces(self) -> Sequence[Space]:
        return self.spaces()

    @cached_property
    def _reached(self) -> Sequence[Reached]:
        return [self.reached(space) for space in self._spaces]


def stays_apart(name: str) -> str:
    """What a conflict begins with that tells of a document whom no other group would have."""
    return f"cannot_link: {name!r} would be in the group of "


def homeless(name: str, other: str) -> str:
    """The whole of it: the group is that of the ``other`` document."""
    return f"{stays_apart(name)}{other!r}, and is in none"
