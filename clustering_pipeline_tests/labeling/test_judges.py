import numpy as np
import pytest

from clustering_pipeline.labeling import tf_idf_judge
from clustering_pipeline.labeling.judges import closest_candidate

LABELS = ["wheat harvests", "solar energy"]
DOCUMENTS = ["The harvest of wheat.", "Energy of the sun and solar panels.", "Nothing of the sort."]


def test_common_stems_make_a_fit():
    fits = tf_idf_judge(LABELS, DOCUMENTS)
    assert fits.shape == (2, 3)
    assert fits.argmax(axis=1).tolist() == [0, 1]
    assert fits[:, 2].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("documents", [["", "..."], []])
def test_without_words_nothing_fits(documents):
    assert tf_idf_judge(LABELS, documents).tolist() == np.zeros((2, len(documents))).tolist()


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
