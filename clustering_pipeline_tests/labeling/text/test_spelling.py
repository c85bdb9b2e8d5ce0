import numpy as np

from clustering_pipeline.labeling.text.spelling import spelled


def respelled(phrase: str, *texts: str) -> str:
    return spelled({0: [phrase]}, texts, np.zeros(len(texts), np.int64))[0][0]


def test_acronyms_keep_their_capitals():
    assert respelled("nato allies", "The allies of NATO met.", "NATO met again.") == "NATO allies"


def test_names_stay_small_in_english():
    assert respelled("soviet union", "The Soviet Union and the Soviet Union met.") == "soviet union"


def test_german_nouns_have_a_capital():
    assert respelled("endspiel", "Das ist ein Endspiel, und das Endspiel ist aus.") == "Endspiel"


def test_a_shouted_corpus_has_no_acronyms():
    assert respelled("sale", "BIG SALE TODAY", "SALE ENDS SOON") == "sale"
