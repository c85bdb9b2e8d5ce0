"""``auto`` against BERTopic's recipe, UMAP-5 with 15 neighbours and HDBSCAN 10, on the sample."""

import json
from collections.abc import Iterator
from itertools import combinations

import numpy as np
from coherence import coherence
from numpy.typing import NDArray
from passages import stored, timed

from clustering_pipeline import engine
from clustering_pipeline.engine.auto.search import search
from clustering_pipeline.engine.metrics.silhouette import cosine_silhouettes
from clustering_pipeline.engine.vectors import never, unit_rows

# Whether more of it is better.
MEASURES = {"noise": -1, "silhouette": 1, "between seeds": 1, "coherence": 1}


def against_recipe(passages: int | None) -> Iterator[str]:
    """Three seeds of each over so many passages, None is all; then every trial of the first."""
    vectors = stored("embedding").to_numpy()[:passages]
    texts = [str(one) for one in stored("text")[:passages]]
    planted = unit_rows(np.random.default_rng(5).normal(size=(260, vectors.shape[1])))
    mixed = np.vstack([vectors, planted.astype(np.float32)])
    found = {}
    for name, group in (("recipe", recipe), ("auto", chosen)):
        runs = [timed(group, vectors, seed) for seed in range(3)]
        labels = [each for each, _ in runs]
        found[name] = {
            "noise": [float((each < 0).mean()) for each in labels],
            "silhouette": [float(cosine_silhouettes(vectors, each).mean()) for each in labels],
            "between seeds": [rand_index(*pair) for pair in combinations(labels, 2)],
            "coherence": [coherence(texts, each) for each in labels],
        }
        left_out = (group(mixed, 0)[len(vectors) :] < 0).mean()
        largest = max(np.bincount(each[each >= 0]).max() / len(vectors) for each in labels)
        yield (
            f"{name}: {each_seed(found[name])}, groups {[int(each.max()) + 1 for each in labels]}, "
            f"largest {largest:.1%}, planted noise found {left_out:.0%}, "
            f"{max(seconds for _, seconds in runs):.0f} s a run"
        )
    for measure, sign in MEASURES.items():
        pairs = zip(found["auto"][measure], found["recipe"][measure], strict=True)
        better = [bool(sign * (ours - theirs) >= 0) for ours, theirs in pairs]
        yield f"auto against recipe, {measure}: {'all three' if all(better) else better}"
    yield from trial_table(vectors)


def each_seed(measured: dict[str, list[float]]) -> str:
    """Every measure, seed by seed."""
    return ", ".join(
        f"{name} {' '.join(f'{value:.3f}' for value in values)}"
        for name, values in measured.items()
    )


def trial_table(vectors: NDArray[np.float32]) -> Iterator[str]:
    hood = engine.Neighborhood(vectors)
    yield "trial | groups noise largest silhouette validity stability noise-found score"
    for trial in search(vectors, random_state=0, neighborhood=hood, check=never).trials:
        described = trial.candidate
        values = (
            trial.noise,
            trial.largest,
            trial.silhouette,
            trial.density_validity,
            trial.stability,
            trial.noise_found,
            trial.score,
        )
        numbers = " ".join("-" if value is None else f"{value:.3f}" for value in values)
        settled = "settled" if described["settled"] else ""
        mark = " <- chosen" if trial.is_chosen else ""
        yield (
            f"{described['algorithm']} {json.dumps(described['params'])} {settled} | "
            f"{trial.groups} {numbers}{mark}"
        )


def recipe(vectors: NDArray[np.float32], seed: int) -> NDArray[np.int64]:
    import hdbscan  # noqa: PLC0415 - heavy
    import umap  # noqa: PLC0415 - heavy

    model = umap.UMAP(
        n_components=5, n_neighbors=15, min_dist=0.0, metric="cosine", random_state=seed, n_jobs=1
    )
    labels = hdbscan.HDBSCAN(min_cluster_size=10).fit_predict(model.fit_transform(vectors))
    return np.asarray(labels, dtype=np.int64)


def chosen(vectors: NDArray[np.float32], seed: int) -> NDArray[np.int64]:
    return engine.cluster(vectors, algorithm="auto", random_state=seed).labels


def rand_index(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    from sklearn.metrics import adjusted_rand_score  # noqa: PLC0415 - heavy

    return float(adjusted_rand_score(first, second))
