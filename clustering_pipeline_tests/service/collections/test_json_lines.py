"""JSON Lines: no line of a file changes what is stored of another."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clustering_pipeline.model.errors import InvalidRequest, InvalidVectors
from clustering_pipeline.service.collections.files.block import Source
from clustering_pipeline.service.collections.files.documents import Document, FileDocuments

VECTOR = {"embedding": [1.0, 2.0]}
KEYS = st.sampled_from(["a", "b", "c.d", "", "é", "long" * 20])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
FILES = st.lists(st.dictionaries(KEYS, VALUES, max_size=4), min_size=1, max_size=12)


def stored(file: Path, **options: Any) -> list[dict[str, Any]]:
    """What is stored of each row."""
    return [document.payload for document in documents(file, **options)]


def documents(file: Path, **options: Any) -> list[Document]:
    """The documents of a file."""
    with closing(FileDocuments(Source(file=file, **options))) as found:
        return [document for part in found.parts() for document in part]


def written(file: Path, *rows: object) -> Path:
    """A file of these rows, text as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    text = "".join(f"{line}\n" for line in lines)
    file.write_bytes(text.encode(errors="surrogatepass"))
    return file


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=FILES)
def test_what_is_stored_is_what_each_line_says(tmp_path, rows):
    lines = [json.dumps({**row, "document_id": str(at)} | VECTOR) for at, row in enumerate(rows)]
    expected = [json.loads(line) for line in lines]
    for row in expected:
        del row["embedding"]
    found = stored(written(tmp_path / "any.jsonl", *lines))
    # As text, so that 1, 1.0 and true differ.
    assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        pytest.param({}, {"late": "x"}, id="a-key-that-comes-late"),
        pytest.param({"a": 1}, {"a": "x"}, id="number-and-text"),
        pytest.param({"a": True}, {"a": "yes"}, id="flag-and-text"),
        pytest.param({"a": {}}, {"a": {"b": 1}}, id="empty-object"),
        pytest.param({"a": {"b": 1}}, {"a": {"c": 1}}, id="objects-of-other-keys"),
        pytest.param({"a": [1]}, {"a": 1}, id="list-and-number"),
        pytest.param({"a": None}, {"a": 2**62}, id="null-and-number"),
        pytest.param({"a": 1}, {"a": 1.5}, id="whole-and-fraction"),
        pytest.param({"a": "2026-01-02"}, {"a": "soon"}, id="date-and-text"),
    ],
)
def test_a_late_line_changes_nothing_of_the_first(tmp_path, first, later):
    rows = [{"document_id": f"d{at}", **first} | VECTOR for at in range(2_500)]
    rows.append({"document_id": "last", **later} | VECTOR)
    found = stored(written(tmp_path / "late.jsonl", *rows))
    assert found[0] == {"document_id": "d0", **first}
    assert found[-2] == {"document_id": "d2499", **first}
    assert found[-1] == {"document_id": "last", **later}


def test_a_vector_may_come_late_and_blank_lines_count(tmp_path):
    rows = [*({"document_id": f"d{at}"} for at in range(1_500)), "", "  "]
    file = written(tmp_path / "late.jsonl", *rows, {"document_id": "last"} | VECTOR)
    every = documents(file)
    last = every[-1]
    assert len(every) == 1501
    assert (last.id, last.vectors["embedding"].tolist()) == ("last", [1.0, 2.0])


def test_a_byte_order_mark_and_other_line_ends_are_read_over(tmp_path):
    file = tmp_path / "marked.jsonl"
    line = json.dumps({"document_id": "a\u2028b", "t": "x"} | VECTOR, ensure_ascii=False)
    file.write_bytes(b"\xef\xbb\xbf" + line.encode() + b"\r\n")
    assert stored(file) == [{"document_id": "a\u2028b", "t": "x"}]


def test_nan_is_null(tmp_path):
    file = written(tmp_path / "a.jsonl", '{"document_id": "a", "x": NaN, "embedding": [1, 2]}')
    assert stored(file) == [{"document_id": "a", "x": None}]


GOOD = {"document_id": "good"} | VECTOR


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        pytest.param('{"document_id": "a", ', "line 2 of {} is no JSON: ", id="cut-short"),
        pytest.param("[1]", "line 2 of {} is no object", id="a-list"),
        pytest.param('{"document_id": "a"} {}', "line 2 of {} is no JSON", id="two-objects"),
        pytest.param('{"a": "\\ud800"}', "line 2 of {} is no JSON", id="half-a-pair"),
        pytest.param('{"document_id": "a", "x": Infinity}', "field 'x' in line 2 of {} is inf"),
        pytest.param('{"document_id": "a", "x": 1e999}', "field 'x' in line 2 of {} is infinite"),
        pytest.param(f'{{"document_id": "a", "x": {2**63}}}', "field 'x' in line 2 of {} holds"),
        pytest.param(
            f'{{"document_id": "a", "x": {"[" * 40}{"]" * 40}}}', "field 'x' in line 2 of {} is ne"
        ),
        pytest.param('{"document_id": "a", "x": {"\\u0000": 1}}', "field 'x' in line 2 of {} has"),
        pytest.param(
            '{"document_id": "a", "t": "\ud800"}', "line 2 of {} is no JSON", id="lone-surrogate"
        ),
        pytest.param('{"document_id": "\udcff"}', "line 2 of {} is no JSON", id="no-utf-8"),
        pytest.param("{'document_id': 'a'}", "line 2 of {} is no JSON", id="other-quotes"),
        pytest.param('{"document_id": "a"},', "line 2 of {} is no JSON", id="comma-at-the-end"),
        pytest.param("\u00a0", "line 2 of {} is no JSON", id="no-blank-line"),
        pytest.param(
            f'{{"x": {"[" * 100_000}{"]" * 100_000}}}', "line 2 of {} is no JSON: rec", id="depth"
        ),
        pytest.param('{"document_id": 1.0}', "'document_id' in line 2 of {} holds 1.0: ids are"),
        pytest.param('{"document_id": 1e20}', "'document_id' in line 2 of {} holds 1e+20: ids are"),
        pytest.param(
            '{"document_id": 100000000000000000000}', "field 'document_id' in line 2 of {} holds 1"
        ),
        pytest.param('{"document_id": 1.5}', "column 'document_id' in line 2 of {} holds 1.5"),
        pytest.param('{"document_id": true}', "column 'document_id' in line 2 of {} holds True"),
        pytest.param('{"document_id": ["a"]}', "column 'document_id' in line 2 of {} holds ['a']"),
        pytest.param('{"document_id": ""}', "1 rows of {} have no 'document_id'", id="empty-id"),
        pytest.param(
            f'{{"document_id": "{"a" * 501}"}}', "in line 2 of {} holds an id of more than 500"
        ),
        pytest.param('{"document_id": "good"}', "1 rows of {} repeat a 'document_id'", id="again"),
    ],
)
def test_a_line_that_cannot_be_kept_is_refused_with_its_number(tmp_path, line, sentence):
    file = written(tmp_path / "bad.jsonl", GOOD, line)
    with pytest.raises(InvalidRequest) as refused:
        stored(file)
    assert sentence.format(file) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("vector", "sentence"),
    [
        ("[1, NaN]", "have a vector with NaN, infinity or a missing number: 'a'; mend them"),
        ("[1, Infinity]", "missing number: 'a'"),
        ("[1, null]", "missing number: 'a'"),
        ("[1, 1e39]", "missing number: 'a'"),
        ("[1]", "holds vectors of lengths 1, 2"),
        ("[]", "holds vectors of lengths 0, 2"),
        ('"words"', "holds no vectors: the value in line 2"),
        ('["1", "2"]', "holds no vectors: the value in line 2"),
        ("[true, false]", "holds no vectors: the value in line 2"),
        ("1", "holds no vectors: the value in line 2"),
        ("[[1, 2], [3, 4]]", "holds no vectors: the value in line 2"),
    ],
)
def test_a_vector_that_is_none_is_refused(tmp_path, vector, sentence):
    line = f'{{"document_id": "a", "embedding": {vector}}}'
    with pytest.raises(InvalidVectors) as refused:
        stored(written(tmp_path / "bad.jsonl", GOOD, line))
    assert sentence in str(refused.value)


def test_documents_are_kept_without_a_broken_vector_when_asked(tmp_path):
    line = '{"document_id": "a", "embedding": [1, NaN]}'
    file = written(tmp_path / "a.jsonl", line, GOOD)
    part = documents(file, keep_without_vector=True)
    assert [(one.id, list(one.vectors)) for one in part] == [("a", []), ("good", ["embedding"])]


@pytest.mark.parametrize(
    ("document_id", "shown"),
    [
        ('" a b "', " a b "),
        ('"a/b//c"', "a/b//c"),
        ('"a\\nb"', "a\nb"),
        ("-5", -5),
        ('"\\ud83d\\ude00"', "😀"),
    ],
)
def test_an_id_is_what_it_says(tmp_path, document_id, shown):
    file = written(tmp_path / "a.jsonl", f'{{"document_id": {document_id}, "embedding": [0, 0]}}')
    (document,) = documents(file)
    assert (document.id, document.vectors["embedding"].tolist()) == (shown, [0.0, 0.0])


def test_what_langchain_writes_is_loaded(tmp_path):
    row = {"page_content": "x", "metadata": {"source": "a.pdf", "page": 1}, "type": "Document"}
    file = written(tmp_path / "a.jsonl", row | {"id": "u1"} | VECTOR)
    assert stored(file, id_column="id") == [row | {"id": "u1", "document_id": "u1"}]
    assert documents(file, id_column="metadata.source")[0].id == "a.pdf"
    assert documents(file, id_from="page_content")[0].payload["metadata"] == row["metadata"]


@pytest.mark.parametrize("text", ["", "\n\n", " \r\n\t\n"])
def test_a_file_of_nothing(tmp_path, text):
    file = tmp_path / "empty.jsonl"
    file.write_text(text)
    with pytest.raises(InvalidRequest, match=r"cannot read .*: it is empty|holds no documents"):
        stored(file)


def test_utf_16_is_told(tmp_path):
    file = tmp_path / "wide.jsonl"
    file.write_text(json.dumps(GOOD), encoding="utf-16")
    with pytest.raises(InvalidRequest, match="is UTF-16: save it as UTF-8"):
        stored(file)
