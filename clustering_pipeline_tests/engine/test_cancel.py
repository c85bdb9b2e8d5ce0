"""A cancel is noticed between blocks of work, and nothing goes on after it."""

from collections.abc import Callable

import numpy as np
import pytest

from clustering_pipeline.engine import (
    Neighborhood,
    divide,
    fit,
    layout,
    learn_weights,
    outlier_scores,
    quality,
    reduce,
)
from clustering_pipeline.model.errors import RunCanceled
from clustering_pipeline_tests.engine.data import blobs, passages

Work = Callable[[Callable[[], None]], object]
UMAP = {"method": "umap", "n_components": 3, "n_neighbors": 10}


def asked_by(work: Work) -> int:
    """How often the work asks whether to go on."""
    calls = []
    work(lambda: calls.append(1))
    return len(calls)


def canceled(work: Work, *, at: int) -> int:
    """How often it asked when the answer was no from ``at`` on."""
    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) >= at:
            message = "canceled"
            raise RunCanceled(message)

    with pytest.raises(RunCanceled):
        work(check)
    return len(calls)


def weights(check: Callable[[], None]) -> object:
    points, _ = blobs(120)
    features = {"one": points, "two": points[:, ::-1]}
    return learn_weights(
        features, lambda vectors: fit(vectors, algorithm="kmeans", check=check).labels, check=check
    )


def both_metrics(check: Callable[[], None]) -> object:
    hood = Neighborhood(passages(300), check)
    return hood.nearest(9), hood.nearest(5, "cosine")


WORK: dict[str, Work] = {
    "auto": lambda check: fit(passages(300), algorithm="auto", check=check),
    "hdbscan": lambda check: fit(passages(900), algorithm="hdbscan", check=check),
    "kmeans": lambda check: fit(passages(300), algorithm="kmeans", check=check),
    "leiden": lambda check: fit(passages(600), algorithm="leiden", check=check),
    "umap": lambda check: reduce(passages(300), [UMAP], check=check),
    "layout": lambda check: layout(passages(300), check=check),
    "outliers": lambda check: outlier_scores(passages(900), check=check),
    "division": lambda check: divide(
        *blobs(120), algorithm="kmeans", params={"n_clusters": 2}, check=check
    ),
    "weights": weights,
    "quality": lambda check: quality(*blobs(120), clustered=blobs(120)[0], check=check),
    "neighbours by city blocks": lambda check: Neighborhood(passages(200), check).nearest(
        5, "manhattan"
    ),
    "one metric from another": both_metrics,
}


@pytest.mark.parametrize("name", WORK)
def test_nothing_goes_on_after_a_cancel(name: str) -> None:
    work = WORK[name]
    asked = asked_by(work)
    assert asked > 1
    for at in sorted({1, (asked + 1) // 2, asked}):
        assert canceled(work, at=at) == at


def test_the_larger_the_work_the_more_often_it_asks() -> None:
    """Blocks are of bounded size, so that no cancel waits for a large one."""
    vectors = np.random.default_rng(0).normal(size=(6_000, 24)).astype(np.float32)

    def asked(count: int) -> int:
        return asked_by(lambda check: fit(vectors[:count], algorithm="hdbscan", check=check))

    assert asked(6_000) > 2 * asked(1_500)
