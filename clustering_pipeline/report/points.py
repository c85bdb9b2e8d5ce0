"""What both maps draw, and in which colours."""

import math
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
        rows = np.sort(order[np.linspace(0, len(order) - 1, most).astype(np.int64)])
        return MapPoints(
            positions=self.positions[rows],
            labels=self.labels[rows],
            names=self.names,
            texts=[self.texts[row] for row in rows] if len(self.texts) else (),
        )


def shortened(text: str, most: int) -> str:
    """One line of at most ``most`` characters; a label of several phrases loses whole ones."""
    line = " ".join(text.split())
    while len(line) > most and SEPARATOR in line:
        line = line.rsplit(SEPARATOR, 1)[0]
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


NOISE = "#c4c8cf"
_GOLDEN_ANGLE = 137.508
# Lightness and chroma in OKLCH; neighbours in the sequence differ in both hue and lightness.
_TONES = ((0.62, 0.17), (0.48, 0.13), (0.72, 0.13))


def group_color(group: int) -> str:
    """``#rrggbb`` of a group; the same number always has the same colour."""
    lightness, chroma = _TONES[group % len(_TONES)]
    hue = math.radians(25.0 + group * _GOLDEN_ANGLE)
    linear = _linear_rgb(lightness, chroma * math.cos(hue), chroma * math.sin(hue))
    return "#" + "".join(f"{round(255 * _gamma(value)):02x}" for value in linear)


def _linear_rgb(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    """OKLab to linear sRGB (Ottosson 2020)."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _gamma(value: float) -> float:
    clipped = min(max(value, 0.0), 1.0)
    return 12.92 * clipped if clipped <= 0.0031308 else 1.055 * math.pow(clipped, 1 / 2.4) - 0.055
