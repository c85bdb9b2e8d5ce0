"""Whether a label tells its own documents from those of the nearest groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clustering_pipeline.labeling.judges import Judge, tf_idf_judge
from clustering_pipeline.labeling.prepare import Prepared

_DRAWS = 40
_LOW = 0.25


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """How often a judge that knows the label alone picks the group's own document.

    Each time it chooses among one document of the group and one of each of the nearest groups,
    none of which the labeller was shown.
    """

    score: float
    chance: float
    """What blind picking would score."""

    @property
    def is_low(self) -> bool:
        """Whether the label says little more than nothing."""
        return self.score < self.chance + _LOW * (1.0 - self.chance)


def fidelity(
    names: Mapping[int, str],
    prepared: Prepared,
    labels: np.ndarray,
    *,
    judge: Judge = tf_idf_judge,
    seed: int = 0,
    least: int = 0,
) -> dict[int, Fidelity]:
    """The fidelity of each group's name; groups without neighbours or texts have none.

    ``labels`` (n,) gives the group of each document of ``prepared``; the same seed draws the same
    documents, so two sets of names can be compared.  Groups smaller than ``least`` take no part.
    """
    drawn = _drawn(prepared, np.asarray(labels), seed, least)
    rows = _rows(drawn)
    numbers = [number for number in drawn if number in names]
    if not len(rows) or not numbers:
        return {}
    fits = judge([names[number] for number in numbers], [prepared.texts[row] for row in rows])
    places = {group: np.searchsorted(rows, listed) for group, listed in drawn.items()}
    nearest = {group.number: group.nearest for group in prepared.groups}
    scores = {
        number: _picked(
            fits[at], [places[near] for near in (number, *nearest[number]) if near in places]
        )
        for at, number in enumerate(numbers)
    }
    return {number: score for number, score in scores.items() if score is not None}


def judged_texts(
    prepared: Prepared, labels: np.ndarray, *, seed: int = 0, least: int = 0
) -> list[str]:
    """The documents that a judge of :func:`fidelity` reads."""
    drawn = _drawn(prepared, np.asarray(labels), seed, least)
    return [prepared.texts[row] for row in _rows(drawn)]


def _rows(drawn: Mapping[int, Sequence[int]]) -> np.ndarray:
    return np.array(sorted({row for listed in drawn.values() for row in listed}), dtype=np.int64)


def _drawn(prepared: Prepared, labels: np.ndarray, seed: int, least: int) -> dict[int, list[int]]:
    """Documents of each group that have text, the ones the labeller saw last of all."""
    generator = np.random.default_rng(seed)
    drawn: dict[int, list[int]] = {}
    for group in prepared.groups:
        if group.size < least:
            continue
        shown = {example.row for example in group.examples}
        members = generator.permutation(np.flatnonzero(labels == group.number)).tolist()
        written = [row for row in members if prepared.texts[row].strip()]
        drawn[group.number] = sorted(written, key=lambda row: row in shown)[:_DRAWS]
    return drawn


def _picked(fits: np.ndarray, places: Sequence[np.ndarray]) -> Fidelity | None:
    """``places[0]`` are the group's own documents; ties are shared."""
    own, *others = [rows for rows in places if len(rows)] or [np.zeros(0, dtype=np.int64)]
    if not others or not len(places[0]):
        return None
    draws = max(map(len, (own, *others)))
    choice = np.stack([fits[np.resize(rows, draws)] for rows in (own, *others)])
    best = choice == choice.max(axis=0)
    return Fidelity(
        score=float((best[0] / best.sum(axis=0)).mean()), chance=1.0 / (len(others) + 1)
    )
