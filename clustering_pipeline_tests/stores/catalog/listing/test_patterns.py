"""MongoDB's patterns and the filters' are two engines; what is handed on must be one to both."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clustering_pipeline.model.errors import InvalidFilter
from clustering_pipeline.model.filters.text import compile_pattern
from clustering_pipeline.stores.catalog.listing.patterns import LARGEST, asked_of_mongodb
from clustering_pipeline_tests.sizes import size

# Letters that fold beyond ASCII, line ends of every kind, digits that are none in ASCII, no case.
LETTERS = "aAbkKsSzZ019_ .-/\u212a\u017fßéÉ٣字\n\r\u0085\u2028\t"
TEXTS = st.text(LETTERS, max_size=6)
CLASSES = ["[a-k]", "[^s]", "[KS9]", "[^a-z]", "[ .:/=]", "[é字]", "[[:alpha:]]"]
ESCAPES = [r"\.", r"\/", r"\d", r"\w", r"\s", r"\b", r"\pL"]
ATOMS = st.sampled_from([*"abkKszZ0_ é字ß\u212a-/.\n", "(?:a|)", *CLASSES, *ESCAPES])
REPEATS = st.sampled_from([""] * 6 + [*"*+?", "*?", "{2}", "{1,}", "{0,2}", "{3,16}", "{0}"])
PIECES = st.tuples(ATOMS, REPEATS).map("".join)
GROUPS = st.tuples(
    st.lists(PIECES, min_size=1, max_size=3).map(lambda found: f"({'|'.join(found)})"), REPEATS
).map("".join)
BRANCHES = st.tuples(
    st.sampled_from(["", "", "^", r"\A", "(?i)"]),
    st.lists(PIECES | GROUPS, max_size=5).map("".join),
    st.sampled_from(["", "", "$", r"\z"]),
).map("".join)
PATTERNS = st.lists(BRANCHES, min_size=1, max_size=2).map("|".join)


def compiled(pattern, *, case_sensitive):
    try:
        return compile_pattern(pattern, case_sensitive=case_sensitive)
    except InvalidFilter:
        return None


def found_by_mongodb(collection, regex):
    return {one["_id"] for one in collection.find({"text": {"$regex": regex}})}


@settings(
    max_examples=size(ci=100, full=5000),
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    patterns=st.lists(PATTERNS, min_size=1, max_size=8),
    texts=st.lists(TEXTS, min_size=1, max_size=30, unique=True),
    case_sensitive=st.booleans(),
)
def test_mongodb_finds_what_python_does(mongo_database, patterns, texts, case_sensitive):
    collection = mongo_database["texts"]
    collection.delete_many({})
    collection.insert_many({"_id": number, "text": text} for number, text in enumerate(texts))
    for pattern in patterns:
        holds = compiled(pattern, case_sensitive=case_sensitive)
        asked = holds and asked_of_mongodb(pattern, case_sensitive=case_sensitive)
        if not asked:
            continue
        expected = {number for number, text in enumerate(texts) if holds(text)}
        found = found_by_mongodb(collection, asked.regex)
        assert found == expected if asked.exact else found >= expected
        begun = {n for n, text in enumerate(texts) if text.casefold().startswith(asked.prefix)}
        assert begun >= expected


def test_every_character_there_is_means_the_same(mongo_database):
    collection = mongo_database["texts"]
    codes = range(size(ci=0x2200, full=0x30000))
    everything = [chr(code) for code in codes if not 0xD800 <= code < 0xE000]
    collection.insert_many({"_id": text, "text": text} for text in everything)
    for pattern in ["k", "S", "[a-k]", "[^s]", "[^K-S]", ".", "[0-9_]", "字"]:
        for case_sensitive in (True, False):
            holds = compile_pattern(pattern, case_sensitive=case_sensitive)
            asked = asked_of_mongodb(pattern, case_sensitive=case_sensitive)
            assert asked.exact
            assert found_by_mongodb(collection, asked.regex) == set(filter(holds, everything))


@pytest.mark.parametrize(
    ("pattern", "regex"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("^tax$", r"\A[tT][aA][xX]\z", id="both-ends"),
        pytest.param("K", "[Kk\u212a]", id="kelvin"),
        pytest.param(".*7$", r"[^\n]{0,0}7\z", id="anything-before"),
        pytest.param("7+", "7{1,1}", id="repeated-at-the-end"),
        pytest.param("(?:1|2)+7", "(?:1|2){1,1}7", id="group-repeated-at-the-beginning"),
        pytest.param("(1|2){2}7", "(?:1|2){2,2}7", id="group-repeated"),
        pytest.param("^a.*b", r"\A[aA][^\n]{0,}[bB]", id="one-loop-from-the-beginning"),
        pytest.param("(a|b)c", "(?:[aA]|[bB])[cC]", id="alternatives"),
        pytest.param("[.=]x", r"[\.\=\.\=][xX]", id="punctuation-is-no-collation"),
    ],
)
def test_what_is_handed_on_whole(pattern, regex):
    asked = asked_of_mongodb(pattern, case_sensitive=False)
    assert (asked.regex, asked.exact) == (regex, True)


@pytest.mark.parametrize(
    ("pattern", "regex"),
    [
        pytest.param("ab.*c", "ab", id="loop-from-anywhere"),
        pytest.param("^a.*b.*c", r"\Aa[^\n]{0,}b", id="two-loops"),
        pytest.param("a(b+)+$", "a", id="loop-in-a-loop"),
        pytest.param("^a(b|c)*d", r"\Aa", id="group-without-end"),
        pytest.param("a(b|c){5}d", "a", id="group-often"),
        pytest.param("a(?P<x>b)", "a", id="named"),
        pytest.param("a(?i)b", "a", id="flag"),
        pytest.param("ab{1000}", "a", id="large"),
        pytest.param(r"a\b", "a", id="edge-of-a-word"),
        pytest.param("a[[:alpha:]]", "a", id="class-in-a-class"),
        pytest.param("aa?b?c?d?e?", "aa{0,1}b{0,1}c{0,1}d{0,1}", id="many-ways"),
        pytest.param(r"a\d", r"a(?:[0-9]|[^\x00-\x7f])", id="digits-of-any-script"),
        pytest.param("a|b(c)*d", "a|b", id="last-of-two"),
    ],
)
def test_what_is_handed_on_in_part(pattern, regex):
    asked = asked_of_mongodb(pattern, case_sensitive=True)
    assert (asked.regex, asked.exact) == (regex, False)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "a(b)*c|d", r"\bx", "(?x) a", "a\0b", "(" * 30 + "a" + ")" * 30]
)
def test_what_is_not_handed_on(pattern):
    assert asked_of_mongodb(pattern, case_sensitive=True) is None


def test_the_largest_pattern_is_one_that_mongodb_takes(mongo_database):
    pattern = "^" + "[^ks]" * 20 + f"(k|s{{{LARGEST - 60}}})" + "k" * 35 + "[a-z]*$"
    asked = asked_of_mongodb(pattern, case_sensitive=False)
    assert asked.exact
    assert found_by_mongodb(mongo_database["texts"], asked.regex) == set()
