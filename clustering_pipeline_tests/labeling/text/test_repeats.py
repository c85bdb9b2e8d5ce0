"""What several texts repeat names no group, and words that nobody wants do not either."""

import numpy as np
import pytest

from clustering_pipeline.labeling import keyphrases

BODIES = [
    "The wheat harvest was late because of rain in the valley.",
    "Prices for wheat rose again, and farmers sold their grain early.",
    "A dry summer means little wheat; barns stay half empty.",
    "Mills buy wheat from abroad when the local crop fails.",
    "Farmers store their wheat until the price is right.",
    "New combines cut wheat in half the time.",
]
OTHERS = [
    "The court heard the case on Monday.",
    "A judge dismissed the appeal against the verdict.",
    "Lawyers argued over evidence for the court.",
    "The jury could not agree on a verdict.",
]
NEWSLETTER = (
    "Blue Ocean Cruises invites all passengers aboard for a summer of sunshine and music, "
    "with dinner on deck and dancing until midnight for everybody who books before {}"
)
SIGNATURE = "Joe Miller, Blue Ocean Cruises\nHarbour Street, Porto"
NAMES = ("Anna", "Bert", "Carla", "Doris", "Emil", "Frieda", "Gustav", "Hanna", "Ida", "Jakob")


def named(first: list[str], **options) -> list[str]:
    labels = np.repeat([0, 1], [len(first), len(OTHERS)])
    return keyphrases([*first, *OTHERS], labels, **options)[0]


REPEATED = {
    "signature": [f"{body}\n{SIGNATURE}" for body in BODIES],
    "signature-behind-dashes": [f"{body}\n-- \n{SIGNATURE}" for body in BODIES],
    "signature-before": [f"{SIGNATURE}\n{body}" for body in BODIES],
    "subject": [
        f"From: a@b.c\nSubject: {'Re: ' * (at > 0)}Blue Ocean Cruises\n\n{body}"
        for at, body in enumerate(BODIES)
    ],
    "title": [f"{'Re: ' * (at > 0)}Blue ocean cruises\n{body}" for at, body in enumerate(BODIES)],
    "title-with-a-number": [f"Blue ocean cruises {at}\n{body}" for at, body in enumerate(BODIES)],
    "footer-on-one-line": [
        f"{body} You get this because you are subscribed to the list of Blue Ocean Cruises"
        for body in BODIES
    ],
    "quotation-without-marks": [f"{body} {NEWSLETTER.format('May')}" for body in BODIES],
    "copies": [*BODIES, *([NEWSLETTER.format("May")] * 30)],
    "near-copies": [*BODIES, *(NEWSLETTER.format(name) for name in NAMES * 3)],
    "copies-greeting-by-name": [
        *BODIES,
        *(f"Dear {name}, {NEWSLETTER.format(name)}" for name in NAMES * 3),
    ],
    "copies-wrapped-otherwise": [
        *BODIES,
        *(NEWSLETTER.format("May").replace(" ", "\n", at) for at in range(12)),
    ],
}


@pytest.mark.parametrize("texts", REPEATED.values(), ids=REPEATED)
def test_what_texts_repeat_names_no_group(texts):
    phrases = named(texts)
    assert "wheat" in phrases[0]
    assert not re_found(phrases[:2], ("blue", "ocean", "cruises", "miller", "deck", "passengers"))


def re_found(phrases: list[str], said: tuple[str, ...]) -> list[str]:
    return [phrase for phrase in phrases if any(word in phrase for word in said)]


def test_a_thread_across_groups_names_neither():
    texts = [f"Blue ocean cruises\n{body}" for body in (*BODIES, *OTHERS)]
    phrases = keyphrases(texts, np.repeat([0, 1], [len(BODIES), len(OTHERS)]))
    assert not re_found([*phrases[0][:2], *phrases[1][:2]], ("blue", "ocean", "cruises"))


def test_a_group_of_nothing_but_copies_is_named_by_what_they_say():
    phrases = named([NEWSLETTER.format(name) for name in NAMES])
    assert re_found(phrases[:3], ("ocean", "cruises", "passengers", "deck", "dinner", "midnight"))
    assert not re_found(phrases[:3], tuple(map(str.lower, NAMES)))


def test_a_subject_that_all_write_of_in_their_own_words_names_them():
    assert named(BODIES)[0] == "wheat"


def test_the_order_of_texts_that_repeat_changes_nothing():
    texts = [f"{body}\n{SIGNATURE}" for body in BODIES]
    assert named(texts[::-1]) == named(texts)


@pytest.mark.parametrize(
    ("stop_words", "gone"),
    [
        pytest.param(["wheat"], ("wheat",), id="word"),
        pytest.param(["WHEAT", "Farmers"], ("wheat", "farmers"), id="in-any-case"),
        pytest.param(["wheat harvest", "grain"], ("wheat harvest", "grain"), id="side-by-side"),
        pytest.param(["<b>wh</b>eat"], ("wheat",), id="as-a-reader-sees-it"),
    ],
)
def test_stop_words_are_in_no_phrase(stop_words, gone):
    phrases = [phrase.lower() for phrase in named(BODIES, stop_words=stop_words, top=50)]
    assert phrases
    assert not re_found(phrases, gone)


def test_words_of_a_stop_phrase_still_stand_alone():
    phrases = named(BODIES, stop_words=["wheat harvest"], top=50)
    assert "wheat" in phrases


@pytest.mark.parametrize("stop_words", [[], ["unheard-of"], ["harvest unheard-of"]])
def test_stop_words_that_nobody_writes_change_nothing(stop_words):
    assert named(BODIES, stop_words=stop_words) == named(BODIES)
