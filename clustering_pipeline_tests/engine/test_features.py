import numpy as np
import pytest

from clustering_pipeline.engine import (
    complete_rows,
    concatenate,
    fit,
    learn_weights,
    overlap_relations,
)
from clustering_pipeline.model.definitions.vector_config import WeightLearningConfig
from clustering_pipeline.model.errors import InvalidParameters, WrongDimension
from clustering_pipeline_tests.engine.data import blobs


def test_features_stand_side_by_side_each_of_length_one():
    joined = concatenate({"text": [[3.0, 4.0]], "image": [[0.0, 2.0]]})
    np.testing.assert_allclose(joined, [[0.6, 0.8, 0, 1]])


def test_weights_scale_and_lengths_stay_when_asked():
    features = {"text": [[3.0, 4.0]], "image": [[0.0, 2.0]]}
    joined = concatenate(features, weights={"image": 0.5}, normalize=False)
    np.testing.assert_allclose(joined, [[3, 4, 0, 1]])


def test_features_of_different_lengths_are_refused():
    with pytest.raises(WrongDimension, match="text 3, image 2"):
        concatenate({"text": np.ones((3, 2)), "image": np.ones((2, 2))})


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        pytest.param({"sound": 1.0}, "the features are: text", id="unknown"),
        pytest.param({"text": 0.0}, "at least one", id="all-zero"),
    ],
)
def test_weights_that_mean_nothing_are_refused(weights, message):
    with pytest.raises(InvalidParameters, match=message):
        concatenate({"text": np.ones((3, 2))}, weights=weights)


def test_rows_that_have_every_feature():
    assert complete_rows({"a": [1, 1, 0], "b": [0, 1, 1]}).tolist() == [1]


def test_a_group_within_a_group_of_another_feature_is_its_child():
    labels = {
        "text": np.array([0] * 10 + [1] * 6),
        "image": np.array([1] * 4 + [0] * 6 + [2] * 3 + [-1] * 3),
    }
    relations = overlap_relations(labels)
    assert [(found.parent_feature, found.parent, found.child) for found in relations] == [
        ("text", 0, 0),
        ("text", 0, 1),
        ("text", 1, 2),
    ]
    assert [found.overlap for found in relations] == [1.0, 1.0, 1.0]
    assert [found.child_size for found in relations] == [6, 4, 3]


def test_overlap_below_the_threshold_is_no_relation():
    labels = {
        "a": np.array([0] * 10 + [1] * 10),
        "b": np.array([0] * 6 + [-1] * 4 + [0] * 3 + [-1] * 7),
    }
    assert overlap_relations(labels) == ()
    (found,) = overlap_relations(labels, threshold=0.6)
    assert (found.parent_feature, found.parent, found.child, found.overlap) == ("a", 0, 0, 6 / 9)


def test_of_equal_groups_the_earlier_feature_is_the_parent():
    labels = {"b": np.array([0, 0, 0]), "a": np.array([0, 0, 0])}
    (found,) = overlap_relations(labels)
    assert (found.parent_feature, found.child_feature) == ("b", "a")


def three_groups(vectors):
    return fit(vectors, algorithm="kmeans", params={"n_clusters": 3, "n_init": 2}).labels


@pytest.mark.parametrize("method", ["bayesian", "grid_search"])
def test_the_feature_that_tells_groups_apart_gets_the_weight(method):
    useful, _ = blobs(150, spread=0.3)
    noise = np.random.default_rng(9).normal(size=(150, 8)).astype(np.float32)
    config = WeightLearningConfig(method=method, max_iterations=8)
    learned = learn_weights({"noise": noise, "useful": useful}, three_groups, config)
    equal = learned.trials[0]
    assert equal.weights == {"noise": 1.0, "useful": 1.0}
    assert learned.metric >= equal.metric
    assert learned.weights["useful"] >= learned.weights["noise"]
    assert sum(learned.weights.values()) == pytest.approx(2)
    assert len(learned.trials) <= 8
    assert learned == learn_weights({"noise": noise, "useful": useful}, three_groups, config)


@pytest.mark.parametrize("metric", ["silhouette", "davies_bouldin", "calinski_harabasz"])
def test_every_metric_leads_to_weights(metric):
    useful, _ = blobs(90, spread=0.3)
    noise = np.random.default_rng(9).normal(size=(90, 8)).astype(np.float32)
    config = WeightLearningConfig(method="grid_search", max_iterations=5, metric=metric)
    learned = learn_weights({"noise": noise, "useful": useful}, three_groups, config)
    found = [trial.metric for trial in learned.trials]
    assert learned.metric == (min(found) if metric == "davies_bouldin" else max(found))
    assert learned.record["documents"] == 90


def test_learning_survives_trials_without_groups():
    points, _ = blobs(40)
    learned = learn_weights(
        {"a": points, "b": points},
        lambda vectors: np.full(len(vectors), -1),
        WeightLearningConfig(max_iterations=5),
    )
    assert learned.metric is None
    assert learned.weights == {"a": 1.0, "b": 1.0}
