import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering_pipeline.model.filters.text import case_variants, tokens
from clustering_pipeline_tests.sizes import FULL


@pytest.mark.parametrize(
    ("text", "variants"),
    [
        ("", {""}),
        ("2024-05", {"2024-05"}),
        ("ab", {"ab", "aB", "Ab", "AB"}),
        ("社会", {"社会"}),
        ("k", {"k", "K", "\u212a"}),
        ("ß", {"ß", "ẞ", "ss", "sS", "Ss", "SS", "ſs", "sſ", "ſS", "Sſ", "ſſ"}),
    ],
)
def test_every_spelling_of_a_string(text, variants):
    assert set(case_variants(text, limit=64)) == variants


def test_too_many_spellings_are_not_listed():
    assert case_variants("a" * 40, limit=256) is None


@settings(deadline=None, derandomize=not FULL)
@given(st.text(alphabet="aksßſİiΣσς1ŉ社ﬁ", max_size=6), st.text(max_size=6))
def test_the_spellings_are_those_that_fold_alike(text, other):
    variants = case_variants(text, limit=100_000)
    assert len(set(variants)) == len(variants)
    assert all(variant.casefold() == text.casefold() for variant in variants)
    assert text in variants
    assert (other in variants) is (other.casefold() == text.casefold())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("...", []),
        ("It's 2024, café", ["It", "s", "2024", "café"]),
        ("東京タワー go", ["東", "京", "タ", "ワ", "ー", "go"]),
        ("हिन्दी", ["हिन्दी"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
    ],
)
def test_words_are_letters_digits_and_their_marks(text, words):
    assert tokens(text) == words
