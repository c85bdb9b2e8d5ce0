import pytest

from clustering_pipeline.labeling.text import tokens
from clustering_pipeline.labeling.text.encoding import encode
from clustering_pipeline.labeling.text.languages import language_of, main_languages, stop_words
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


SHORT = (
    "the whale",
    "a reef in the sea",
    "to be or not",
    "die in the sea",
    "on trial",
    "come to me",
)
KURZ = ("der wal", "ein riff im meer", "das gericht", "ein urteil", "auf see", "er ist da")


@pytest.mark.parametrize(
    ("texts", "main"),
    [
        pytest.param(SHORT, ("en",), id="english"),
        pytest.param(KURZ, ("de",), id="german"),
        pytest.param((*SHORT, "the jury", *KURZ), ("en", "de"), id="both"),
        pytest.param(("whale", "on trial", "in court"), ("en",), id="nothing-clear"),
    ],
)
def test_texts_of_few_words_add_no_languages(texts, main):
    assert main_languages(tokens.words(text) for text in texts) == main


def test_what_does_not_tell_counts_to_the_commonest_language():
    corpus = encode([*SHORT, "tide, the reef"] * 5)
    passing = {corpus.words[number] for number in corpus.ids[corpus.content]}
    assert not passing & {"the", "a", "in", "to", "or", "on", "be"}
    assert {"whale", "reef", "tide"} <= passing
