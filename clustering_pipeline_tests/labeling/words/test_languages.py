import pytest

from clustering_pipeline.labeling.words import tokens
from clustering_pipeline.labeling.words.languages import language_of, main_languages, stop_words
from clustering_pipeline_tests.labeling.scripts import TEXTS


@pytest.mark.parametrize("language", TEXTS)
def test_the_language_of_a_corpus_is_told(language):
    sides = TEXTS[language]
    found = main_languages(tokens.words(text) for texts in sides for text in texts)
    assert found[0] == language


@pytest.mark.parametrize("text", ["", "12 34", "xqzzy"])
def test_nothing_tells_the_language_of_no_words(text):
    assert language_of(tokens.words(text)) is None


def test_a_corpus_of_nothing_counts_as_english():
    assert main_languages([]) == ("en",)


def test_topics_are_no_stop_words_in_english():
    topics = {"world", "fire", "bill", "system", "research", "states", "home", "test"}
    assert not topics & stop_words("en")
    assert {"the", "of", "we're", "would", "nothing"} <= stop_words("en")


def test_a_language_without_a_list_has_no_stop_words():
    assert stop_words("xx") == frozenset()
