"""Intervals that hold what they promise, and values that stand out."""

import numpy as np
import pytest

from clustering_pipeline.engine.metrics.proportions import (
    MOST_RESAMPLED,
    difference,
    mean,
    outstanding,
    share,
)

SEEDS = range(100)


# Newcombe's own examples (1998): of one share, and of a difference by method 10.
@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_the_published_one(count, total, low, high):
    interval = share(count, total)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 10), 0.6075, 1.0),
        ((0, 10), (0, 10), -0.2775, 0.2775),
    ],
)
def test_newcombes_interval_is_the_published_one(one, other, low, high):
    interval = difference(one, other)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize("total", [1, 7])
def test_a_share_of_nothing_and_of_all_stays_within_its_bounds(total):
    assert share(0, total).low == 0.0
    assert share(total, total).high == 1.0


@pytest.mark.parametrize(("rate", "total"), [(0.05, 80), (0.5, 30), (0.9, 200)])
def test_the_interval_of_a_share_covers_it(rate, total):
    drawn = [int(np.random.default_rng(seed).binomial(total, rate)) for seed in SEEDS]
    assert sum(share(count, total).low <= rate <= share(count, total).high for count in drawn) >= 90


def test_the_interval_of_a_difference_covers_it():
    covered = 0
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        apart = difference((random.binomial(90, 0.3), 90), (random.binomial(150, 0.2), 150))
        covered += apart.low <= 0.1 <= apart.high
    assert covered >= 90


@pytest.mark.parametrize("size", [60, MOST_RESAMPLED + 1])
def test_the_interval_of_a_mean_covers_it(size):
    covered = 0
    for seed in SEEDS:
        interval = mean(np.random.default_rng(seed).gamma(2.0, 3.0, size=size))
        covered += interval.low <= 6.0 <= interval.high
    assert covered >= 90


def test_the_mean_of_one_number_is_that_number():
    interval = mean(np.array([4.0]))
    assert (interval.low, interval.value, interval.high) == (4.0, 4.0, 4.0)


def test_a_value_that_is_frequent_inside_stands_out():
    inside = np.array([True] * 40 + [False] * 60)
    values = [("de",)] * 30 + [("en",)] * 10 + [("en",)] * 54 + [("de",)] * 6
    (telling,) = outstanding(inside, values)
    assert (telling.value, telling.inside, telling.outside) == ("de", 0.75, 0.1)


@pytest.mark.parametrize(
    ("inside", "values"),
    [
        ([True] * 10, [("de",)] * 10),
        ([False] * 10, [("de",)] * 10),
        ([True, False] * 50, [("de",)] * 100),
        ([True, False] * 3, [("de",), ("en",)] * 3),
        ([True, False] * 3, [()] * 6),
    ],
    ids=["all-inside", "none-inside", "everywhere", "by-chance", "no-values"],
)
def test_nothing_stands_out_where_nothing_does(inside, values):
    assert outstanding(np.array(inside), values) == []
