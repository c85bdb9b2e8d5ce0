import pytest

from clustering_pipeline.labeling import names_of
from clustering_pipeline.labeling.names import contains


@pytest.mark.parametrize(
    ("phrases", "names"),
    [
        pytest.param({}, {}, id="no-group"),
        pytest.param({3: []}, {3: "Cluster 3"}, id="no-phrase"),
        pytest.param({0: ["storm"]}, {0: "storm"}, id="one-phrase"),
        pytest.param(
            {0: ["social security", "medicare", "retirement", "benefits"]},
            {0: "social security · medicare · retirement"},
            id="three-phrases",
        ),
        pytest.param(
            {0: ["health care", "health", "care", "doctors", "hospitals"]},
            {0: "health care · doctors · hospitals"},
            id="none-inside-another",
        ),
        pytest.param(
            {0: ["a" * 30, "b" * 30, "c" * 30]}, {0: f"{'a' * 30} · {'b' * 30}"}, id="not-too-long"
        ),
        pytest.param(
            {0: ["oil", "gas", "coal"], 1: ["oil", "gas", "coal", "wind"]},
            {0: "oil · gas · coal", 1: "oil · gas · wind"},
            id="a-later-phrase-tells-apart",
        ),
        pytest.param({0: ["oil"], 1: ["oil"]}, {0: "oil", 1: "oil (1)"}, id="nothing-tells-apart"),
    ],
)
def test_labels_are_made_of_the_best_phrases(phrases, names):
    assert names_of(phrases) == names


@pytest.mark.parametrize(
    ("one", "other", "inside"),
    [
        pytest.param("tax", "income tax", True, id="word"),
        pytest.param("income taxes", "income tax", True, id="ending"),
        pytest.param("arm", "farm", False, id="letters-are-not-words"),
        pytest.param("社会", "社会保障", True, id="unspaced"),
    ],
)
def test_a_phrase_is_part_of_another_by_words(one, other, inside):
    assert contains(one, other) is inside
    assert contains(other, one) is inside
