"""Several vectors per document, brought into one space, and how much each should weigh there."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.metrics.quality import Quality, quality
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.sampling import sample_rows
from clustering_pipeline.engine.vectors import Labels, Vectors, as_vectors, never, unit_rows
from clustering_pipeline.model.definitions.vector_config import WeightLearningConfig
from clustering_pipeline.model.errors import InvalidParameters, WrongDimension
from clustering_pipeline.model.progress import Check


def concatenate(
    features: Mapping[str, ArrayLike],
    *,
    weights: Mapping[str, float] | None = None,
    normalize: bool = True,
) -> Vectors:
    """(n, sum of d) vectors: the features side by side, in order.

    ``normalize`` brings each document's part of each feature to length one; ``weights`` scale the
    parts, one where none is given.  Raises ``WrongDimension`` when the features have different
    numbers of documents and ``InvalidParameters`` for a weight of no feature.
    """
    blocks = as_blocks(features)
    scales = checked_weights(tuple(blocks), weights)
    parts = [
        (unit_rows(block) if normalize else block) * np.float32(scales[name])
        for name, block in blocks.items()
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def as_blocks(features: Mapping[str, ArrayLike]) -> dict[str, Vectors]:
    """The features as matrices of equally many rows."""
    blocks = {name: as_vectors(vectors) for name, vectors in features.items()}
    counts = {name: len(block) for name, block in blocks.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        message = (
            f"features have different numbers of documents ({listed}); "
            "keep the documents that have all of them"
        )
        raise WrongDimension(message)
    return blocks


def checked_weights(
    names: tuple[str, ...], weights: Mapping[str, float] | None
) -> dict[str, float]:
    """A weight per feature; raises ``InvalidParameters`` for unknown names and all zeros."""
    given = dict(weights or {})
    strange = [name for name in given if name not in names]
    if strange:
        message = f"feature_weights names {strange[0]!r}; the features are: {', '.join(names)}"
        raise InvalidParameters(message)
    scales = {name: float(given.get(name, 1.0)) for name in names}
    if not any(scales.values()):
        message = "feature_weights are all zero; give at least one feature a weight"
        raise InvalidParameters(message)
    return scales


def complete_rows(present: Mapping[str, ArrayLike]) -> NDArray[np.int64]:
    """The rows that have every feature; ``present`` tells for each feature which rows do."""
    masks = [np.asarray(mask, dtype=bool) for mask in present.values()]
    return np.flatnonzero(np.logical_and.reduce(masks))


SAMPLE = 2_000
CANDIDATES = 512
BETTER_BY = 0.01  # expected improvement that is worth exploring for

Group: TypeAlias = Callable[[Vectors], Labels]
Shares: TypeAlias = tuple[float, ...]

# How a metric is read off a measured grouping, and whether more of it is better.
METRICS: Mapping[str, tuple[Callable[[Quality], float | None], float]] = {
    "silhouette": (lambda quality: quality.silhouette_score, 1.0),
    "davies_bouldin": (lambda quality: quality.davies_bouldin_index, -1.0),
    "calinski_harabasz": (lambda quality: quality.calinski_harabasz_score, 1.0),
}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Weights that were tried and the metric they reached; None when it was not defined."""

    weights: Mapping[str, float]
    metric: float | None


@dataclass(frozen=True, kw_only=True)
class LearnedWeights:
    """The best of ``trials``: weights that add up to the number of features, so that equal weights
    are all one, and the metric they reached over all features weighed equally.
    """

    weights: Mapping[str, float]
    metric: float | None
    trials: tuple[Trial, ...]
    record: dict[str, object]


def learn_weights(
    features: Mapping[str, ArrayLike],
    group: Group,
    config: WeightLearningConfig | None = None,
    *,
    normalize: bool = True,
    check: Check = never,
) -> LearnedWeights:
    """Search weights for ``features`` so that ``group``, which clusters vectors, does best.

    Every trial clusters a seeded sample of the weighed features and is measured on the same sample
    of the features weighed equally, so that no weight improves its own yardstick.  ``bayesian``
    follows the expected improvement of a Gaussian process over the shares of the features;
    ``grid_search`` spreads its trials evenly.
    """
    config = config or WeightLearningConfig()
    blocks = as_blocks(features)
    names, count = tuple(blocks), len(next(iter(blocks.values())))
    rows = sample_rows(count, config.sample_size or SAMPLE, random_state=config.random_state)
    sampled = {name: block[rows] for name, block in blocks.items()}
    yardstick = concatenate(sampled, normalize=normalize)
    read, sign = METRICS[config.metric]

    def measured(shares: Shares) -> float | None:
        check()
        weighed = concatenate(sampled, weights=_weights(names, shares), normalize=normalize)
        return read(quality(yardstick, group(weighed), check=check))

    tried: dict[Shares, float | None] = {}
    for shares in SEARCHES[config.method](len(names), config, tried, sign):
        tried[shares] = measured(shares)
    best = max(tried, key=lambda shares: _worth(tried[shares], sign))
    return LearnedWeights(
        weights=_weights(names, best),
        metric=tried[best],
        trials=tuple(
            Trial(weights=_weights(names, shares), metric=metric)
            for shares, metric in tried.items()
        ),
        record=config.model_dump() | {"documents": len(rows), "space": "features weighed equally"},
    )


def _weights(names: tuple[str, ...], shares: Shares) -> dict[str, float]:
    return {name: round(share * len(names), 6) for name, share in zip(names, shares, strict=True)}


def _worth(metric: float | None, sign: float) -> float:
    return -np.inf if metric is None else sign * metric


def _grid(
    features: int, config: WeightLearningConfig, _tried: Mapping[Shares, float | None], _sign: float
) -> Iterator[Shares]:
    """Equal shares, then the finest even grid that has no more points than trials."""
    equal = (1 / features,) * features
    yield equal
    steps = 1
    while len(_simplex(features, steps + 1)) < config.max_iterations:
        steps += 1
    for shares in _simplex(features, steps)[: config.max_iterations - 1]:
        if shares != equal:
            yield shares


def _simplex(features: int, steps: int) -> list[Shares]:
    """All shares in multiples of 1 / ``steps``."""
    return [
        tuple(part / steps for part in parts)
        for parts in product(range(steps + 1), repeat=features)
        if sum(parts) == steps
    ]


def _bayesian(
    features: int, config: WeightLearningConfig, tried: Mapping[Shares, float | None], sign: float
) -> Iterator[Shares]:
    """Equal shares, each feature alone, then where most improvement is expected."""
    rng = np.random.default_rng(config.random_state)
    corners = [tuple(float(k == j) for k in range(features)) for j in range(features)]
    opening = [(1 / features,) * features, *(corners if features > 1 else [])]
    yield from opening[: config.max_iterations]
    for _ in range(config.max_iterations - len(opening)):
        if features == 1:
            return
        candidates = rng.dirichlet(np.ones(features), size=CANDIDATES)
        known = {shares: metric for shares, metric in tried.items() if metric is not None}
        place = _most_promising(known, candidates, sign) if len(known) > 1 else 0
        yield tuple(float(share) for share in candidates[place])


def _most_promising(
    known: Mapping[Shares, float], candidates: NDArray[np.float64], sign: float
) -> int:
    """The candidate of largest expected improvement (Mockus, 1975)."""
    from scipy.stats import norm  # noqa: PLC0415 - heavy
    from sklearn.gaussian_process import GaussianProcessRegressor  # noqa: PLC0415 - heavy
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel  # noqa: PLC0415 - heavy

    values = sign * np.array(list(known.values()))
    scaled = (values - values.mean()) / (values.std() or 1)
    kernel = Matern(length_scale=0.3, length_scale_bounds="fixed", nu=2.5) + WhiteKernel(
        noise_level=0.05, noise_level_bounds="fixed"
    )
    with one_thread():
        model = GaussianProcessRegressor(kernel=kernel).fit(np.array(list(known)), scaled)
        mean, deviation = model.predict(candidates, return_std=True)
    gain = mean - scaled.max() - BETTER_BY
    ratio = gain / np.maximum(deviation, 1e-9)
    return int(np.argmax(gain * norm.cdf(ratio) + deviation * norm.pdf(ratio)))


SEARCHES: Mapping[str, Callable[..., Iterator[Shares]]] = {
    "grid_search": _grid,
    "bayesian": _bayesian,
}
