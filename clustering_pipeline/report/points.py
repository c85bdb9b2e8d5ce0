"""What both maps draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

NOISE_NAME = "noise"
SEPARATOR = " · "


@dataclass(frozen=True, kw_only=True, eq=False)
class MapPoints:
    """Documents on a plane or in space, with the group of each."""

    positions: np.ndarray
    """(n, 2) or (n, 3)."""
    labels: np.ndarray
    """(n,) group numbers, −1 for noise."""
    names: Mapping[int, str] = field(default_factory=dict)
    """Label of each group; a group without one reads ``Cluster 4``."""
    texts: Sequence[str] = ()
    """Hover text of each document, or none at all."""

    @property
    def groups(self) -> list[int]:
        """Group numbers, largest group first, noise left out."""
        numbers, sizes = np.unique(self.labels[self.labels >= 0], return_counts=True)
        return [int(number) for number in numbers[np.lexsort((numbers, -sizes))]]

    def name(self, group: int) -> str:
        """What readers call the group."""
        return NOISE_NAME if group < 0 else self.names.get(group) or f"Cluster {group}"

    def center(self, group: int) -> np.ndarray:
        """The member closest to the median, so that a label always stands on a point."""
        inside = self.positions[self.labels == group]
        gaps = np.linalg.norm(inside - np.median(inside, axis=0), axis=1)
        return inside[int(np.argmin(gaps))]

    def thinned(self, most: int) -> "MapPoints":
        """At most about ``most`` points, evenly from every group, the same ones every time."""
        if len(self.labels) <= most:
            return self
        order = np.argsort(self.labels, kind="stable")
        kept = np.sort(order[np.linspace(0, len(order) - 1, most).astype(np.int64)])
        return MapPoints(
            positions=self.positions[kept],
            labels=self.labels[kept],
            names=self.names,
            texts=[self.texts[row] for row in kept] if len(self.texts) else (),
        )


def shortened(text: str, most: int) -> str:
    """One line of at most ``most`` characters; a label of several phrases loses whole ones."""
    line = " ".join(text.split())
    while len(line) > most and SEPARATOR in line:
        line = line.rsplit(SEPARATOR, 1)[0]
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
