import numpy as np
import pytest

from clustering_pipeline.labeling import tf_idf_judge

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
