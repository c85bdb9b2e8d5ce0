import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from clustering_pipeline.engine import agreement, explained_shares

LABELS = np.repeat(np.arange(4), 50)
LANGUAGE = ["en"] * 100 + ["de"] * 100


def test_agreement_with_a_field_equals_scikit_learns():
    found = agreement(LABELS, LANGUAGE)
    assert found.adjusted_rand_index == pytest.approx(adjusted_rand_score(LANGUAGE, LABELS))
    assert found.normalized_mutual_information == pytest.approx(
        normalized_mutual_info_score(LANGUAGE, LABELS)
    )
    assert found.documents == 200


def test_noise_and_missing_values_do_not_count():
    labels = np.array([0, 0, 1, 1, -1, 0])
    found = agreement(labels, ["a", "a", "b", "b", "a", None])
    assert found.documents == 4
    assert found.adjusted_rand_index == 1


def test_no_agreement_without_a_document_that_has_both():
    assert agreement(np.array([-1, 0]), ["a", None]) is None


def test_a_language_split_is_found_out():
    rng = np.random.default_rng(0)
    shares = explained_shares(
        LABELS,
        {
            "chance": rng.integers(0, 5, 200).tolist(),
            "language": LANGUAGE,
            "group": LABELS.tolist(),
            "id": list(range(200)),
            "constant": ["x"] * 200,
        },
    )
    assert list(shares) == ["group", "language", "chance"]
    assert shares["group"] == pytest.approx(1)
    assert shares["language"] == pytest.approx(0.5, abs=0.02)
    assert shares["chance"] < 0.02


def test_values_of_different_types_differ():
    shares = explained_shares(np.array([0, 0, 1, 1] * 5), {"flag": [1, 1, "1", "1"] * 5})
    assert shares == {"flag": pytest.approx(1)}
