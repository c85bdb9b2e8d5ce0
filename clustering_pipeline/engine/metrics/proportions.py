"""Shares of counts and means of numbers with their intervals, and values that stand out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_RESAMPLED = 5_000
RESAMPLES = 1_000
_Z = 1.959963984540054  # of a normal distribution, 95 % lie within so many standard deviations
_SIGNIFICANT = 10.83  # of chi-squared with one degree of freedom, 0.1 % lie beyond
_LEAST_DIFFERENCE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def share(count: int, total: int) -> Interval:
    """``count`` of ``total`` with Wilson's score interval (1927); total must not be 0."""
    from scipy.stats import binomtest  # noqa: PLC0415 - heavy

    ends = binomtest(count, total).proportion_ci(0.95, method="wilson")
    return Interval(value=count / total, low=float(ends.low), high=float(ends.high))


def difference(one: tuple[int, int], other: tuple[int, int]) -> Interval:
    """Share of the first less share of the second, each (count, total).

    The interval is Newcombe's hybrid score interval (1998, method 10), made of both Wilson's.
    """
    first, second = share(*one), share(*other)
    value = first.value - second.value
    below = np.hypot(first.value - first.low, second.high - second.value)
    above = np.hypot(first.high - first.value, second.value - second.low)
    return Interval(value=value, low=float(value - below), high=float(value + above))


def mean(numbers: NDArray[np.float64], *, seed: int = 42) -> Interval:
    """The mean of (n,) numbers, n at least 1, with a percentile bootstrap interval.

    Beyond :data:`MOST_RESAMPLED` numbers the interval is the normal one, which is then the same to
    the eye and needs no resamples.
    """
    value = float(numbers.mean())
    if len(numbers) > MOST_RESAMPLED:
        half = float(_Z * numbers.std(ddof=1) / np.sqrt(len(numbers)))
        return Interval(value=value, low=value - half, high=value + half)
    if np.ptp(numbers) == 0:
        return Interval(value=value, low=value, high=value)
    from scipy.stats import bootstrap  # noqa: PLC0415 - heavy

    ends = bootstrap(
        (numbers,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=seed, batch=100
    ).confidence_interval
    return Interval(value=value, low=float(ends.low), high=float(ends.high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outstanding:
    """A value that is more frequent inside than outside; shares of documents."""

    value: Any
    inside: float
    outside: float
    score: float
    """Dunning's log-likelihood ratio (1993)."""


def outstanding(inside: NDArray[np.bool_], values: Sequence[Sequence[Any]]) -> list[Outstanding]:
    """Of the values of a field, those that stand out among the documents inside, best first.

    ``values`` holds for each document its distinct values, hashable.  A value is told where its
    share inside is larger by a tenth at least and chance makes such a difference in less than one
    of a thousand cases.
    """
    counts: dict[tuple[type, Any], list[int]] = {}
    for is_inside, own in zip(inside.tolist(), values, strict=True):
        for value in own:
            counts.setdefault((type(value), value), [0, 0])[is_inside] += 1
    within = int(inside.sum())
    without = len(inside) - within
    if not within or not without:
        return []
    telling = [
        Outstanding(
            value=value,
            inside=present / within,
            outside=absent / without,
            score=_log_likelihood(present, within, absent, without),
        )
        for (_, value), (absent, present) in counts.items()
        if present / within - absent / without >= _LEAST_DIFFERENCE
    ]
    telling = [row for row in telling if row.score >= _SIGNIFICANT]
    return sorted(telling, key=lambda row: (-row.score, str(row.value)))


def _log_likelihood(present: int, within: int, absent: int, without: int) -> float:
    if present == within and absent == without:
        return 0.0
    from scipy.stats import chi2_contingency  # noqa: PLC0415 - heavy

    table = [[present, within - present], [absent, without - absent]]
    return float(chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic)
