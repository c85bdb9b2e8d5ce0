import pytest

from clustering_pipeline.labeling.candidates import closest_candidate

LIST = {"Farming": "crops, wheat and harvests", "Energy": "oil, gas and solar power"}


def test_the_closest_candidate_shares_words():
    label, share = closest_candidate(["solar panels", "gas prices"], LIST)
    assert (label, share) == ("Energy", 1.0)


@pytest.mark.parametrize(
    ("phrases", "candidates"),
    [
        pytest.param([], LIST, id="no-phrase"),
        pytest.param(["wheat"], {}, id="no-list"),
        pytest.param(["teachers"], LIST, id="nothing-in-common"),
        pytest.param(["..."], {"!": ""}, id="no-words"),
    ],
)
def test_without_a_common_word_there_is_none(phrases, candidates):
    assert closest_candidate(phrases, candidates) is None
