import pytest

from clustering_pipeline.labeling.llm.duplicates import clashes, told_apart


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        pytest.param({}, {}, id="none"),
        pytest.param({0: "Tax policy", 1: "Trade policy"}, {}, id="apart"),
        pytest.param({0: "Tax policy", 1: "tax  policies"}, {1: ("Tax policy",)}, id="endings"),
        pytest.param({0: "Policy, tax", 1: "Tax policy"}, {1: ("Policy, tax",)}, id="order"),
        pytest.param(
            {5: "Health care reform", 2: "Healthcare reform"},
            {2: ("Health care reform",)},
            id="letters",
        ),
        pytest.param(
            {0: "Oil", 1: "Oil", 2: "oil"}, {1: ("Oil",), 2: ("Oil",)}, id="three-of-a-kind"
        ),
    ],
)
def test_the_first_group_keeps_a_contested_label(labels, found):
    assert clashes(labels, threshold=0.7) == found


def test_vectors_tell_meaning():
    labels = {0: "Cars", 1: "Automobiles", 2: "Trains"}
    vectors = {0: (1.0, 0.1), 1: (1.0, 0.0), 2: (0.0, 1.0)}
    assert clashes(labels, vectors=vectors, threshold=0.8) == {1: ("Cars",)}
    assert clashes(labels, vectors=vectors, threshold=None) == {}


def test_zero_vectors_mean_nothing_in_common():
    assert clashes({0: "A", 1: "B"}, vectors={0: (0.0,), 1: (0.0,)}) == {}


@pytest.mark.parametrize(
    ("phrases", "taken", "label"),
    [
        pytest.param(("tax", "trade"), ("Tax policy",), "Policy · trade", id="one-that-tells"),
        pytest.param((), ("Policy",), "Policy", id="no-phrase"),
        pytest.param(("x" * 90,), ("Policy",), "Policy", id="too-long"),
    ],
)
def test_the_last_resort_is_a_phrase_of_its_own(phrases, taken, label):
    assert told_apart("Policy", phrases, taken) == label
