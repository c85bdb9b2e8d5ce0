"""One candidate, tried: what it found and how good that is."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from clustering_pipeline.engine.auto.candidates import FINE, Candidate
from clustering_pipeline.engine.auto.space import Space
from clustering_pipeline.engine.groups.numbering import group_count
from clustering_pipeline.engine.metrics.density_validity import density_validity
from clustering_pipeline.engine.metrics.silhouette import cosine_silhouettes
from clustering_pipeline.engine.vectors import Labels

DOMINANT = 0.15
CLEAR = 0.25  # from here a silhouette speaks of structure (Kaufman and Rousseeuw, 1990)
VALIDITY_SAMPLE = 2_000
# How much silhouette, stability, noise and density validity count.
SHARES = (0.4, 0.3, 0.15, 0.15)
NEUTRAL = 0.5  # for the density validity of groups that were not made by density
NEARLY = 0.03


@dataclass(frozen=True, kw_only=True)
class Trial:
    """``silhouette`` is over all documents, noise counted as 0; ``stability`` the mean adjusted
    Rand index against groups of resampled documents, and ``noise_found`` the share of the noise
    planted among those that was left out: None when it was not among the best by silhouette.
    """

    name: str
    candidate: dict[str, object]
    chance: bool
    groups: int
    noise: float
    largest: float
    silhouette: float
    density_validity: float | None = None
    stability: float | None = None
    noise_found: float | None = None
    score: float | None = None
    is_chosen: bool = False

    def row(self) -> dict[str, object]:
        """The trial for a table or a record."""
        return dict(asdict(self))

    @property
    def sentence(self) -> str:
        """What it has come to."""
        return (
            f"{self.name}: {self.groups} groups, silhouette {self.silhouette:.3f}, "
            f"noise {self.noise:.0%}, largest {self.largest:.0%}"
        )


def tried(candidate: Candidate, space: Space, labels: Labels) -> Trial:
    """Measure the ``labels`` a candidate made of ``space``."""
    space.check()
    sizes = np.bincount(labels[labels >= 0])
    return Trial(
        name=candidate.name,
        candidate=candidate.described(),
        chance=candidate.chance,
        groups=group_count(labels),
        noise=float((labels < 0).mean()),
        largest=float(sizes.max(initial=0)) / len(labels),
        silhouette=float(cosine_silhouettes(space.vectors, labels).mean()),
    )


def validated(trial: Trial, space: Space, labels: Labels) -> Trial:
    """``trial`` with the density validity of ``labels`` on the manifold, where that was grouped."""
    if not trial.candidate["preprocessing"]:
        return trial
    validity = density_validity(
        space.manifold,
        labels,
        sample=VALIDITY_SAMPLE,
        random_state=space.random_state,
        check=space.check,
    )
    return replace(trial, density_validity=validity)


def readable(trial: Trial, documents: int) -> bool:
    """Whether the groups are as many as people read, none of them outweighing the others, or so
    clearly apart that their number is a fact.
    """
    if trial.groups < 2:
        return False
    if trial.silhouette >= CLEAR:
        return True
    fewest, most = (share * documents**0.5 for share in FINE)
    return bool(fewest <= trial.groups <= most and trial.largest <= DOMINANT)


def scored(trials: Sequence[Trial]) -> list[Trial]:
    """The trials that were resampled, with a score that weighs all four measures."""
    best = max((trial.silhouette for trial in trials if not trial.chance), default=0.0)
    return [
        replace(trial, score=_score(trial, best)) if trial.stability is not None else trial
        for trial in trials
    ]


def chosen(trials: Sequence[Trial]) -> int:
    """The trial of the highest score; one without chance when it is nearly as good."""
    places = [place for place, trial in enumerate(trials) if trial.score is not None]
    best = max(places, key=lambda place: _merit(trials[place]))
    sure = [place for place in places if not trials[place].chance]
    surest = max(sure, key=lambda place: _merit(trials[place]), default=best)
    return surest if _merit(trials[surest]) >= _merit(trials[best]) - NEARLY else best


def reason(trials: Sequence[Trial]) -> str:
    """Which trial was chosen, and why; ``trials`` are in order, the chosen one first."""
    best, others = trials[0], [trial for trial in trials[1:] if trial.score is not None]
    why = (
        f"it scores {_merit(best):.2f} (silhouette {best.silhouette:.3f}, stability "
        f"{best.stability or 0:.2f}, {best.noise_found or 0:.0%} of planted noise left out)"
    )
    second = max(others, key=_merit, default=None)
    if second is None:
        return f"{best.name} was chosen from {len(trials)} trials: {why}"
    sure = " and depends on no seed" if _merit(second) > _merit(best) else ""
    rival = f"{second.name} scores {_merit(second):.2f}"
    return f"{best.name} was chosen from {len(trials)} trials: {why}{sure}; {rival}"


def _merit(trial: Trial) -> float:
    return trial.score if trial.score is not None else -1.0


def _score(trial: Trial, best: float) -> float:
    validity = trial.density_validity
    measures = (
        max(trial.silhouette, 0) / best if best > 0 else 0.0,
        max(trial.stability or 0.0, 0),
        trial.noise_found or 0.0,
        NEUTRAL if validity is None else (validity + 1) / 2,
    )
    return sum(share * measure for share, measure in zip(SHARES, measures, strict=True))
