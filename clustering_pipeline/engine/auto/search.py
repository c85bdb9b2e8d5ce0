"""Try candidates, resample the best of them, and keep the one that holds up."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.auto.budget import BUDGET, SAMPLE, planned
from clustering_pipeline.engine.auto.candidates import (
    Candidate,
    candidates,
    group_means,
    nearest_groups,
)
from clustering_pipeline.engine.auto.space import OUTLYING, Space
from clustering_pipeline.engine.auto.trial import (
    Trial,
    chosen,
    readable,
    reason,
    scored,
    tried,
    validated,
)
from clustering_pipeline.engine.groups.numbering import canonical
from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood
from clustering_pipeline.engine.neighbors.outliers import outlier_scores
from clustering_pipeline.engine.runtime.job import job_of
from clustering_pipeline.engine.sampling import sample_rows
from clustering_pipeline.engine.vectors import NOISE, Labels, Vectors, silent, unit_rows
from clustering_pipeline.model.progress import Check, Tell

FINALISTS = 6
KEPT = 0.8
PLANTED = 0.05
# The same for every run, so that a run's seed decides only what chance does inside a candidate.
RESAMPLE_SEED = 7
SMALLEST = 16


@dataclass(frozen=True, kw_only=True)
class Search:
    """The ``labels`` (n,) int64 of the chosen candidate, every trial, best first, the seconds that
    were predicted, and why it was chosen.
    """

    labels: Labels
    trials: tuple[Trial, ...]
    fitted: int
    predicted: float = 0.0
    choice: str = ""


def search(
    vectors: Vectors,
    *,
    random_state: int,
    neighborhood: Neighborhood,
    check: Check,
    tell: Tell = silent,
    budget: float = BUDGET,
    sample: int = SAMPLE,
) -> Search:
    """Group (n, d) vectors by whichever candidate does best on at most ``sample`` of them.

    What is tried is settled before, by the predicted seconds of ``budget``; ``tell`` hears of every
    trial, and how long it took.  Too few documents to compare anything are one group.
    """
    if len(vectors) < SMALLEST:
        return Search(labels=np.zeros(len(vectors), dtype=np.int64), trials=(), fitted=len(vectors))
    plan = planned(job_of(vectors), budget)
    rows = sample_rows(len(vectors), min(sample, plan.sample), random_state=random_state)
    space = Space(vectors=vectors[rows], random_state=random_state, check=check)
    if len(rows) == len(vectors):
        space.__dict__["neighborhood"] = neighborhood
    tell(plan.sentence)
    groupings, trials = _tried(candidates(len(rows), plan.cuts), space, tell)
    finalists = _finalists(trials, len(rows))
    for place in finalists:
        trials[place] = validated(trials[place], space, groupings[place][1])
    trials = _resampled(trials, finalists, groupings, space, plan.resamples)
    trials = scored(trials)
    best = chosen(trials)
    trials[best] = replace(trials[best], is_chosen=True)
    labels = _everywhere(vectors, rows, groupings[best][1], neighborhood)
    ordered = sorted(trials, key=lambda trial: (not trial.is_chosen, -(trial.score or 0.0)))
    choice = reason(ordered)
    tell(choice)
    return Search(
        labels=labels,
        trials=tuple(ordered),
        fitted=len(rows),
        predicted=plan.seconds,
        choice=choice,
    )


def _tried(
    ways: Sequence[Candidate], space: Space, tell: Tell
) -> tuple[list[tuple[Candidate, Labels]], list[Trial]]:
    groupings, trials = [], []
    for number, candidate in enumerate(ways, start=1):
        began = time.perf_counter()
        labels = candidate.labels(space)
        trial = tried(candidate, space, labels)
        groupings.append((candidate, labels))
        trials.append(trial)
        seconds = time.perf_counter() - began
        tell(f"trial {number} of {len(ways)}: {trial.sentence} ({seconds:.1f} s)")
    return groupings, trials


def _finalists(trials: Sequence[Trial], documents: int) -> list[int]:
    """The best by silhouette among those people can read, or among all when there is none."""
    eligible = [place for place, trial in enumerate(trials) if readable(trial, documents)]
    places = eligible or list(range(len(trials)))
    return sorted(places, key=lambda place: (-trials[place].silhouette, place))[:FINALISTS]


def _resampled(
    trials: Sequence[Trial],
    finalists: Sequence[int],
    groupings: Sequence[tuple[Candidate, Labels]],
    space: Space,
    resamples: int,
) -> list[Trial]:
    """The finalists with their stability and the planted noise they left out."""
    from sklearn.metrics import adjusted_rand_score  # noqa: PLC0415 - heavy

    agreed: dict[int, list[float]] = {place: [] for place in finalists}
    left_out: dict[int, list[float]] = {place: [] for place in finalists}
    for turn in range(resamples):
        rows, other = _disturbed(space, turn)
        for place in finalists:
            candidate, labels = groupings[place]
            again = candidate.labels(other)
            agreed[place].append(float(adjusted_rand_score(labels[rows], again[: len(rows)])))
            left_out[place].append(float((again[len(rows) :] < 0).mean()))
    return [
        replace(
            trial,
            stability=float(np.mean(agreed[place])),
            noise_found=float(np.mean(left_out[place])),
        )
        if place in agreed
        else trial
        for place, trial in enumerate(trials)
    ]


def _disturbed(space: Space, turn: int) -> tuple[NDArray[np.int64], Space]:
    """Some of the rows, and a space of them with noise planted behind: random directions as long
    as the documents' own.
    """
    seed = RESAMPLE_SEED + turn
    rng = np.random.default_rng(seed)
    count, dimensions = space.vectors.shape
    rows = np.sort(rng.choice(count, int(KEPT * count), replace=False))
    planted = max(1, int(PLANTED * count))
    noise = unit_rows(rng.normal(size=(planted, dimensions)))
    lengths = np.linalg.norm(space.vectors[rng.choice(count, planted)], axis=1)
    mixed = np.concatenate([space.vectors[rows], noise * lengths[:, None]])
    disturbed = Space(
        vectors=mixed.astype(space.vectors.dtype), random_state=seed, check=space.check
    )
    return rows, disturbed


def _everywhere(
    vectors: Vectors, rows: NDArray[np.int64], labels: Labels, neighborhood: Neighborhood
) -> Labels:
    """The groups of all documents: those that were not sampled join the nearest group, unless they
    stand apart.
    """
    if len(rows) == len(vectors) or labels.max() < 0:
        everywhere = np.full(len(vectors), NOISE, dtype=np.int64)
        everywhere[rows] = labels
        return everywhere
    units = unit_rows(vectors)
    everywhere = nearest_groups(units, group_means(units[rows], labels))
    scores = outlier_scores(vectors, neighbors=neighborhood, check=neighborhood.check)
    everywhere[scores >= OUTLYING] = NOISE
    everywhere[rows] = labels
    return canonical(everywhere)
