import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering_pipeline.labeling import keyphrases
from clustering_pipeline_tests.labeling.scripts import TEXTS

SCHOOL = ["Students love the new school library.", "The school library teaches students."]
ENERGY = ["Natural gas and solar energy heat homes.", "Solar energy is cheaper than natural gas."]


def found(texts, labels, **options) -> dict[int, list[str]]:
    return keyphrases(texts, np.asarray(labels, dtype=np.int64), **options)


@pytest.mark.parametrize(
    ("texts", "labels", "expected"),
    [
        pytest.param([], [], {}, id="no-text"),
        pytest.param(["a storm"], [-1], {}, id="all-noise"),
        pytest.param(["", "  ", "\n"], [0, 0, 0], {0: []}, id="empty-texts"),
        pytest.param(["the of and", "12 %"], [0, 1], {0: [], 1: []}, id="nothing-said"),
        pytest.param(["storm"], [0], {0: ["storm"]}, id="one-word"),
        pytest.param(["storm", "storm"], [0, 2], {0: ["storm"], 2: ["storm"]}, id="a-gap"),
    ],
)
def test_degenerate_texts_have_an_entry_all_the_same(texts, labels, expected):
    assert found(texts, labels) == expected


def test_phrases_tell_groups_apart():
    phrases = found(SCHOOL + ENERGY, [0, 0, 1, 1])
    assert phrases[0][:2] == ["school library", "students"]
    assert phrases[1][:2] == ["natural gas", "solar energy"]


def test_a_repeating_text_does_not_name_the_group():
    phrases = found([*SCHOOL, "parking " * 500, *ENERGY], [0, 0, 0, 1, 1])
    assert phrases[0][0] == "school library"


def test_noise_tells_what_is_common():
    texts = ["storm harvest"] * 3 + ["bridge harvest"] * 3 + ["harvest"] * 20
    phrases = found(texts, [0] * 3 + [1] * 3 + [-1] * 20)
    assert [listed[0] for listed in phrases.values()] == ["storm harvest", "bridge harvest"]


def test_the_order_of_documents_changes_nothing():
    texts, labels = SCHOOL + ENERGY, [0, 0, 1, 1]
    rows = (2, 0, 3, 1)
    assert found([texts[row] for row in rows], [labels[row] for row in rows]) == found(
        texts, labels
    )


@pytest.mark.parametrize("language", TEXTS)
def test_phrases_are_words_of_the_language(language):
    sides = TEXTS[language]
    phrases = found([*sides[0], *sides[1]], [0] * 4 + [1] * 4, top=4)
    for side, listed in phrases.items():
        text = "\n".join(sides[side]).casefold()
        assert len(listed) == 4
        assert all(phrase.casefold() in text for phrase in listed)
        assert all(len(phrase) > 1 for phrase in listed)
        assert all(len(phrase.split()) <= 3 and len(phrase) <= 24 for phrase in listed)


SUBJECTS = {
    "de": ("Endspiel", "Rezept"),
    "es": ("copa del mundo", "receta"),
    "ru": ("пенальти", "рецепт"),
    "zh": ("世界杯", "食谱"),
    "ja": ("ワールドカップ", "レシピ"),
    "th": ("ฟุตบอลโลก", "สูตรอาหาร"),
    "ar": ("نهائي كأس العالم", "وصفة"),
    "hi": ("विश्व कप", "रेसिपी"),
}


def test_eight_languages_in_one_corpus_keep_their_subjects():
    texts = [text for sides in TEXTS.values() for texts in sides for text in texts]
    phrases = list(found(texts, np.repeat(np.arange(16), 4)).values())
    for at, language in enumerate(TEXTS):
        for side, subject in enumerate(SUBJECTS[language]):
            assert subject in phrases[2 * at + side][:6], language


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.text(max_size=80), st.integers(-1, 3)), max_size=12))
def test_any_text_gives_phrases_without_breaks_or_markup(rows):
    phrases = found([text for text, _ in rows], [label for _, label in rows])
    assert set(phrases) == {label for _, label in rows if label >= 0}
    for listed in phrases.values():
        assert len(listed) == len(set(listed)) <= 10
        assert all(
            phrase.strip() == phrase and not re.search(r"[\n<>{}]", phrase) for phrase in listed
        )
