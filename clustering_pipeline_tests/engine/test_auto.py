"""What is found without being told how."""

from functools import cache

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from clustering_pipeline.engine import cluster, fit, fit_in_child, reduce
from clustering_pipeline.engine.auto.budget import BUDGET, planned
from clustering_pipeline.engine.auto.candidates import settle
from clustering_pipeline.engine.auto.search import FINALISTS, search
from clustering_pipeline.engine.metrics.silhouette import cosine_silhouettes
from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.vectors import never, unit_rows
from clustering_pipeline_tests.engine.data import blobs, passages
from clustering_pipeline_tests.sizes import size

COUNTS = [300, 2_000, 8_000, 50_000, 1_000_000]


def recipe(vectors, seed):
    """UMAP to 5 dimensions, then HDBSCAN, as BERTopic does."""
    step = {"method": "umap", "n_components": 5, "n_neighbors": 15, "random_state": seed}
    reduced = reduce(vectors, [step]).vectors
    return fit(reduced, algorithm="hdbscan", params={"min_cluster_size": 10}).labels


@pytest.mark.parametrize("groups", [2, 3, 7])
def test_groups_that_are_there_are_found(groups):
    points, truth = blobs(200, groups=groups, dimensions=12, spread=0.1)
    result = cluster(points, algorithm="auto")
    inside = result.labels >= 0
    assert adjusted_rand_score(truth[inside], result.labels[inside]) > 0.95
    assert inside.mean() > 0.85


def test_every_trial_is_recorded_and_one_is_chosen():
    trials = fit(passages(400), algorithm="auto").record["trials"]
    assert [trial["is_chosen"] for trial in trials].count(True) == 1
    assert trials[0]["is_chosen"]
    resampled = [trial for trial in trials if trial["score"] is not None]
    assert len(resampled) == FINALISTS
    assert all(trial["stability"] is not None for trial in resampled)
    assert {trial["candidate"]["algorithm"] for trial in trials} == {"agglomerative", "hdbscan"}


def test_a_plan_is_made_by_size_alone():
    plans = [planned(Job(count=count, dimensions=384, itemsize=4)) for count in COUNTS]
    assert all(plan.seconds <= BUDGET for plan in plans)
    assert [plan.sample for plan in plans[:2]] == COUNTS[:2]
    assert plans[-1] == plans[-2]  # beyond some size everything is tried on a sample
    small = planned(Job(count=50_000, dimensions=384, itemsize=4), budget=1)
    assert (small.sample, small.resamples) == (1_000, 1)


def test_trials_are_told_as_they_come_and_the_choice_with_its_reason():
    sentences = []
    points = passages(120)
    record = fit(points, algorithm="auto", tell=sentences.append).record
    plan, *trials, choice = sentences
    assert plan.startswith("up to 22 trials on 120 documents, ")
    assert [line.partition(":")[0] for line in trials] == [
        f"trial {number} of {len(trials)}" for number in range(1, len(trials) + 1)
    ]
    assert choice == record["choice"]
    assert choice.startswith(f"{record['trials'][0]['name']} was chosen from {len(trials)} trials")
    in_child = []
    other = fit_in_child(points, algorithm="auto", tell=in_child.append)
    assert other.record["trials"] == record["trials"]
    assert (in_child[0], in_child[-1], len(in_child)) == (plan, choice, len(sentences))


def test_the_same_seed_finds_the_same():
    first, second = (fit(passages(300), algorithm="auto") for _ in range(2))
    assert first.labels.tolist() == second.labels.tolist()
    assert first.record == second.record


def test_documents_beyond_the_sample_join_the_groups():
    points, truth = blobs(400, groups=3, dimensions=12, spread=0.1)
    found = search(
        points, random_state=1, neighborhood=Neighborhood(points), check=never, sample=150
    )
    inside = found.labels >= 0
    assert found.fitted == 150
    assert inside.mean() > 0.8
    assert adjusted_rand_score(truth[inside], found.labels[inside]) > 0.95


def test_settling_never_worsens_and_leaves_noise_alone():
    units = unit_rows(passages(300).astype(np.float64))
    start = np.random.default_rng(0).integers(-1, 8, 300)
    settled = settle(units, start)
    assert ((settled < 0) == (start < 0)).all()
    before, after = (cosine_silhouettes(units, labels).mean() for labels in (start, settled))
    assert after > before


PASSAGES = size(ci=1_000, full=5_202)
SEEDS = range(size(ci=2, full=3))


@cache
def grouped(by, seed):
    """The passages' groups, made once for the tests that look at them."""
    vectors = passages(PASSAGES)
    if by == "recipe":
        return recipe(vectors, seed)
    return cluster(vectors, algorithm="auto", random_state=seed).labels


@pytest.mark.parametrize("seed", SEEDS)
def test_groups_are_as_many_and_as_small_as_people_read(seed):
    labels = grouped("auto", seed)
    assert size(ci=9, full=20) <= labels.max() + 1 <= 100
    assert np.bincount(labels[labels >= 0]).max() <= 0.15 * PASSAGES


@pytest.mark.parametrize("seed", SEEDS)
def test_more_noise_is_left_by_the_usual_recipe(seed):
    assert noise(grouped("auto", seed)) < noise(grouped("recipe", seed))


def test_it_beats_the_usual_recipe_on_passages():
    vectors = passages(PASSAGES)
    ours, theirs = ([grouped(by, seed) for seed in SEEDS] for by in ("auto", "recipe"))
    assert max(map(noise, ours)) < min(map(noise, theirs))
    assert min(silhouette(vectors, labels) for labels in ours) > max(
        silhouette(vectors, labels) for labels in theirs
    )
    assert between_seeds(ours) > between_seeds(theirs)


def test_planted_noise_is_still_noise():
    vectors = passages(size(ci=600, full=5_202))
    planted = unit_rows(np.random.default_rng(5).normal(size=(len(vectors) // 10, 384)))
    mixed = np.vstack([vectors, planted.astype(np.float32)])
    labels = cluster(mixed, algorithm="auto").labels
    assert (labels[len(vectors) :] < 0).mean() > 0.95
    assert (labels[: len(vectors)] < 0).mean() < 0.15


def noise(labels):
    return float((labels < 0).mean())


def silhouette(vectors, labels):
    return float(cosine_silhouettes(vectors, labels).mean())


def between_seeds(labels):
    pairs = [(one, other) for i, one in enumerate(labels) for other in labels[i + 1 :]]
    return np.mean([adjusted_rand_score(one, other) for one, other in pairs])
