import numpy as np
import pytest

from clustering_pipeline.labeling.agreement import agreement

LABELS = np.arange(60) % 3
SUBJECTS = ("wheat", "solar", "school")


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        pytest.param([], [], id="no-text"),
        pytest.param(["wheat"] * 4, [0] * 4, id="too-few"),
        pytest.param(["wheat"] * 9, [-1] * 9, id="all-noise"),
        pytest.param(["the of"] * 9, [0] * 9, id="no-word"),
    ],
)
def test_nothing_tells_without_words_in_groups(texts, labels):
    assert agreement(texts, np.array(labels, dtype=np.int64)) is None


def test_words_that_keep_to_their_group_agree_with_it():
    assert agreement([SUBJECTS[label] for label in LABELS], LABELS) == pytest.approx(1.0)


def test_words_without_regard_to_groups_do_not():
    texts = [SUBJECTS[row // 20] for row in range(60)]
    assert agreement(texts, LABELS) == pytest.approx(0.0, abs=0.1)
