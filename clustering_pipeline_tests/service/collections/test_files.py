"""Files of every kind: paths, folders, compression, ids made of rows, vectors as written."""

import csv
import gzip
import json
from base64 import b64encode
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl.worksheet.datavalidation import DataValidation

from clustering_pipeline.model.errors import InvalidRequest, InvalidVectors
from clustering_pipeline.service.collections.files.block import Source
from clustering_pipeline.service.collections.files.documents import FileDocuments

ROWS = [
    {"document_id": "a", "text": "first", "embedding": [1.0, 2.0]},
    {"document_id": "b", "text": "second", "embedding": [3.0, 4.0]},
]
STORED = [{"document_id": "a", "text": "first"}, {"document_id": "b", "text": "second"}]
VECTORS = [[1.0, 2.0], [3.0, 4.0]]
TALKS = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)


def documents(file: Path, **options: Any) -> list[Any]:
    with closing(FileDocuments(Source(file=file, **options))) as found:
        return [document for part in found.parts() for document in part]


def payloads(file: Path, **options: Any) -> list[dict[str, Any]]:
    return [document.payload for document in documents(file, **options)]


def vectors(file: Path, name: str = "embedding", **options: Any) -> list[list[float]]:
    return [document.vectors[name].tolist() for document in documents(file, **options)]


def zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


def table(file: Path, **columns: Any) -> Path:
    whole = {"document_id": ["a", "b"], "embedding": VECTORS, **columns}
    pq.write_table(pa.table({name: one for name, one in whole.items() if one is not None}), file)
    return file


@pytest.mark.parametrize(
    "name",
    ["a[1]*?.jsonl", "with space.jsonl", "ü{b}.JSONL", "*.jsonl", "two\nlines.jsonl", "~.jsonl"],
)
def test_a_path_is_a_path(tmp_path, name):
    (tmp_path / "other.jsonl").write_text("{}")
    (tmp_path / name).write_bytes(TALKS)
    assert payloads(tmp_path / name) == STORED
    parquet = table(tmp_path / f"{name}.parquet", text=["first", "second"])
    assert payloads(parquet) == STORED
    whole = pl.DataFrame({"document_id": ["a"], "x": [1]}, schema_overrides={"x": pl.Int128})
    with parquet.open("wb") as content:
        whole.write_parquet(content)
    with pytest.raises(InvalidRequest, match="is of the type Int128, which JSON has no form for"):
        payloads(parquet)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("talks.jsonl", TALKS),
        ("talks.jsonl.gz", gzip.compress(TALKS[:60]) + gzip.compress(TALKS[60:])),
        ("talks.ndjson.zst", zstd(TALKS)),
        ("talks.json", json.dumps(ROWS, indent=1).encode()),
        ("talks.json", b"\xef\xbb\xbf" + json.dumps(ROWS).encode()),
        ("talks.json.gz", gzip.compress(TALKS)),
        ("talks.csv", b'document_id,text,embedding\na,first,"[1, 2]"\nb,second,"[3, 4]"\n'),
        (
            "talks.csv",
            b'\xef\xbb\xbfdocument_id,text,embedding\r\na,first,"[1,2]"\r\nb,second,"[3,4]"',
        ),
        (
            "talks.csv.gz",
            gzip.compress(b'document_id,text,embedding\na,first,"[1, 2]"\nb,second,"[3, 4]"\n'),
        ),
        (
            "talks.tsv.zst",
            zstd(b"document_id\ttext\tembedding\na\tfirst\t[1, 2]\nb\tsecond\t[[3, 4]]\n"),
        ),
    ],
    ids=range(10),
)
def test_kinds_of_text(tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content)
    assert payloads(file) == STORED
    assert vectors(file) == VECTORS


@pytest.mark.parametrize(
    "name",
    ["talks.jsonl.gz", "talks.csv.zst", "talks.parquet", "talks.xlsx", "talks.arrow", "talks.json"],
)
@pytest.mark.parametrize(
    "content",
    [b"", b"nothing of that kind", gzip.compress(TALKS)[:-9], zstd(TALKS)[:40], b"PAR1PAR1"],
    ids=["empty", "text", "gzip-cut-short", "zstd-cut-short", "parquet-without-content"],
)
def test_what_is_broken_is_told_in_a_sentence(tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InvalidRequest) as refused:
        documents(file)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["talks.txt", "talks.parquet.gz", "talks", "talks.gz"])
def test_other_kinds_are_refused(tmp_path, name):
    (tmp_path / name).write_text("x")
    with pytest.raises(InvalidRequest, match="is not of a kind that can be loaded"):
        documents(tmp_path / name)


def test_a_folder_is_its_files(tmp_path):
    for name in ("part-1.jsonl", "part-0.jsonl", "_SUCCESS", ".part-0.jsonl.crc"):
        rows = [row | {"document_id": f"{row['document_id']}{name[5]}"} for row in ROWS]
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [one["document_id"] for one in payloads(tmp_path)] == ["a0", "b0", "a1", "b1"]
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InvalidRequest, match=r"notes\.txt is not of a kind"):
        documents(tmp_path)


def test_a_folder_repeats_no_id_and_holds_no_folders(tmp_path):
    table(tmp_path / "a.parquet")
    (tmp_path / "b.jsonl").write_bytes(TALKS)
    with pytest.raises(InvalidRequest, match=r"2 rows of .* repeat a 'document_id'"):
        documents(tmp_path)


def test_a_folder_is_all_that_is_below_it(tmp_path):
    lines = [f'{{"document_id": "{name}", "embedding": [1]}}\n'.encode() for name in "abcd"]
    for place, content in {
        "b[1]/inner/*.jsonl.gz": gzip.compress(lines[1]),
        "a.jsonl": lines[0],
        "c d/two\nlines.ndjson.zst": zstd(lines[2]),
        "ü/.hidden.jsonl": lines[3],
        ".cache/e.jsonl": lines[3],
        "_temporary/0/f.txt": b"",
    }.items():
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (tmp_path / "linked.jsonl").symlink_to(tmp_path / ".cache" / "e.jsonl")
    assert [one["document_id"] for one in payloads(tmp_path)] == ["a", "b", "c", "d"]
    (tmp_path / "c d" / "round").symlink_to(tmp_path)
    with pytest.raises(InvalidRequest, match="round is a link to a folder that it lies in"):
        documents(tmp_path)


def test_folders_of_columns_are_columns(tmp_path):
    for year, country in ((2025, "C%C3%B4te d'Ivoire"), (2026, "__HIVE_DEFAULT_PARTITION__")):
        folder = tmp_path / f"year={year}" / f"country={country}"
        folder.mkdir(parents=True)
        table(folder / "part-0.snappy.parquet", document_id=[f"a{year}", f"b{year}"])
    assert payloads(tmp_path, types={"year": "int"})[1:3] == [
        {"document_id": "b2025", "year": 2025, "country": "Côte d'Ivoire"},
        {"document_id": "a2026", "year": 2026, "country": None},
    ]
    table(folder / "part-1.parquet", document_id=["c", "d"], year=[2026, 2027])
    with pytest.raises(InvalidRequest, match=r"'year' in row 2 of .*part-1.* not what its folder"):
        documents(tmp_path)
    (tmp_path / "_delta_log").mkdir()
    with pytest.raises(InvalidRequest, match="is a Delta table"):
        documents(tmp_path)


def test_an_id_of_csv_may_be_stated_to_be_a_number(tmp_path):
    file = tmp_path / "talks.csv"
    file.write_text('document_id,embedding\n5,"[1]"\n')
    (document,) = documents(file, types={"document_id": "int"})
    assert (document.id, document.payload) == (5, {"document_id": 5})


def test_cells_of_csv_are_text_unless_stated(tmp_path):
    file = tmp_path / "talks.csv"
    file.write_text(
        "document_id,embedding,zip,n,f,flag,meta,none,quoted\n"
        '1,"[1,2]",007,5,1e3,TRUE,"{""a"": [1]}",,""\n'
        '02,"[3,4]",NA,-3,0.5,0,null,,"x\ny"\n'
    )
    types = {"n": "int", "f": "float", "flag": "bool", "meta": "json"}
    assert payloads(file, types=types) == [
        {
            "document_id": "1",
            "zip": "007",
            "n": 5,
            "f": 1000.0,
            "flag": True,
            "meta": {"a": [1]},
            "none": None,
            "quoted": "",
        },
        {
            "document_id": "02",
            "zip": "NA",
            "n": -3,
            "f": 0.5,
            "flag": False,
            "meta": None,
            "none": None,
            "quoted": "x\ny",
        },
    ]
    with pytest.raises(
        InvalidRequest, match=r"column 'zip' in row 2 of .* holds 'NA', which is no int"
    ):
        documents(file, types={"zip": "int"})
    with pytest.raises(InvalidRequest, match="has no column 'other'"):
        documents(file, types={"other": "int"})


@pytest.mark.parametrize(
    "content",
    [
        'document_id,embedding\na,"[1]",x\n',
        "a,a,document_id,embedding\n1,2,x,[1]\n",
        "document_id,embedding\na\n",
        'document_id,t,embedding\na,"x" y,[1]\n',
        'document_id,t,embedding\na,"x,[1]\n',
    ],
)
def test_rows_of_csv_that_do_not_fit_are_refused(tmp_path, content):
    (tmp_path / "talks.csv").write_text(content)
    with pytest.raises(InvalidRequest):
        documents(tmp_path / "talks.csv")


def test_quotes_within_a_cell_are_its_own(tmp_path):
    file = tmp_path / "talks.tsv"
    long = "x" * 200_000
    file.write_text(f'document_id\tt\tembedding\na\tsay "x"\t[1]\nb\t"""{long}"""\t[2]\n')
    assert [row["t"] for row in payloads(file)] == ['say "x"', f'"{long}"']


def test_a_workbook(tmp_path):
    file = tmp_path / "talks.xlsx"
    pd.DataFrame(
        {
            "document_id": ["a", "b"],
            "embedding": ["[1, 2]", "[3, 4]"],
            "code": ["007", None],
            "n": [5, 6],
            "f": [0.5, None],
            "flag": [True, False],
            "at": [datetime(2026, 1, 2, 3, 4, 5), None],  # noqa: DTZ001 - Excel knows no zones
            "day": [date(2026, 1, 2), None],
        }
    ).to_excel(file, index=False)
    assert payloads(file) == [
        {
            "document_id": "a",
            "code": "007",
            "n": 5,
            "f": 0.5,
            "flag": True,
            "at": "2026-01-02T03:04:05",
            "day": "2026-01-02T00:00:00",
        },
        {
            "document_id": "b",
            "code": None,
            "n": 6,
            "f": None,
            "flag": False,
            "at": None,
            "day": None,
        },
    ]
    assert vectors(file) == VECTORS


def test_a_workbook_of_gaps(tmp_path):
    file = tmp_path / "gaps.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["document_id", "embedding", "t"], ["a", "[1]", "NA"], [], [5, "[2]", None, None]):
        sheet.append(row)
    sheet.add_data_validation(DataValidation(type="list", formula1='"x,y"'))
    book.create_sheet("second").append(["nothing"])
    book.save(file)
    assert payloads(file) == [{"document_id": "a", "t": "NA"}, {"document_id": 5, "t": None}]
    sheet.append([None, None, "=1+1"])
    book.save(file)
    with pytest.raises(
        InvalidRequest, match=r"column 't' in row 5 .* is a formula without its res"
    ):
        documents(file)
    for cells, sentence in (
        (["a", "[1]", None, "x"], "row 6 of .* has a cell without a column"),
        (["a", "[1]", "#DIV/0!"], "column 't' in row 6 of .* is the error #DIV/0!: mend it"),
    ):
        sheet.delete_rows(5, 3)
        sheet.append([])
        sheet.append(cells)
        book.save(file)
        with pytest.raises(InvalidRequest, match=sentence.replace("row 6", "row [56]")):
            documents(file)


def test_a_formula_without_a_result_and_an_error_are_refused(tmp_path):
    for cell in ("=1+1", "#N/A"):
        file = tmp_path / "talks.xlsx"
        pd.DataFrame({"document_id": ["a"], "embedding": ["[1]"], "x": [cell]}).to_excel(
            file, index=False
        )
        with pytest.raises(InvalidRequest, match="column 'x' in row 2"):
            documents(file)


def test_no_column_is_overwritten_unsaid(tmp_path):
    file = table(tmp_path / "chunks.parquet", chunk_id=["c1", "c2"])
    with pytest.raises(
        InvalidRequest, match=r"column 'document_id' in row 1 of .* --rename document_id=NAME"
    ):
        documents(file, id_column="chunk_id")
    renamed = payloads(file, id_column="chunk_id", rename={"document_id": "source"})
    assert renamed[0] == {"source": "a", "chunk_id": "c1", "document_id": "c1"}
    with pytest.raises(InvalidRequest, match="another is renamed to"):
        documents(file, id_column="chunk_id", rename={"document_id": "chunk_id"})


def test_ids_are_made_of_texts_or_of_the_whole_row_when_asked(tmp_path):
    file = tmp_path / "bare.jsonl"
    lines = [
        {"text": "x", "n": 1},
        {"text": "x", "n": 2},
        {"text": "y", "n": 1},
        {"text": "y", "n": 1},
    ]
    file.write_text("".join(json.dumps(row | {"embedding": [1, 2]}) + "\n" for row in lines))
    with pytest.raises(InvalidRequest, match="has no column 'document_id'"):
        documents(file)
    by_text = [one.id for one in documents(file, id_from="text")]
    by_row = [one.id for one in documents(file, id_from="content")]
    assert len(set(by_text)) == len(set(by_row)) == 4
    file.write_text(
        "".join(json.dumps(row | {"embedding": [3, 4]}) + "\n" for row in reversed(lines))
    )
    assert {one.id for one in documents(file, id_from="text")} == set(by_text)
    assert {one.id for one in documents(file, id_from="content")} == set(by_row)
    with pytest.raises(InvalidRequest, match=r"line 1 of .* has no 'title' to make an id of"):
        documents(file, id_from="title")


def test_answers_of_a_batch_of_embeddings(tmp_path):
    file = tmp_path / "batch_output.jsonl"
    answers = [
        {"custom_id": f"c{at}", "response": {"body": {"data": [{"index": 0, "embedding": vector}]}}}
        for at, vector in enumerate(VECTORS)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in answers))
    options = {"id_column": "custom_id", "vector_columns": ("response.body.data.0.embedding",)}
    assert vectors(file, **options) == VECTORS
    assert payloads(file, **options)[0] == {
        "custom_id": "c0",
        "document_id": "c0",
        "response": {"body": {"data": [{"index": 0}]}},
    }
    parquet = tmp_path / "batch_output.parquet"
    pq.write_table(pa.Table.from_pylist(answers), parquet)
    assert vectors(parquet, **options) == VECTORS


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pa.array(VECTORS, type=pa.list_(pa.float32())), id="list"),
        pytest.param(pa.array(VECTORS, type=pa.large_list(pa.float64())), id="large"),
        pytest.param(pa.array(VECTORS, type=pa.list_(pa.float16(), 2)), id="half"),
        pytest.param(
            pa.array([[1, 2], [3, 4]], type=pa.list_(pa.uint8(), 2)), id="bytes-of-numbers"
        ),
        pytest.param(pa.array([[1, 2], [3, 4]], type=pa.list_(pa.decimal128(5, 1))), id="decimals"),
        pytest.param(pa.array(["[1, 2]", " [3,4] "]), id="text"),
        pytest.param(pa.array(["[[1, 2]]", "[3,4]"]).dictionary_encode(), id="dictionary"),
        pytest.param(pa.array([[[1.0, 2.0]], [[3.0, 4.0]]]), id="one-list-in-another"),
        pytest.param(
            pa.array([np.array(one, dtype="<f4").tobytes() for one in VECTORS]), id="bytes"
        ),
        pytest.param(pa.array([b"[1, 2]", b"[3, 4]"]), id="text-as-bytes"),
        pytest.param(pa.array(["[ 1 ,\n2 ]", "[3e0, 40E-1]"]), id="text-with-spaces"),
        pytest.param(
            pa.array([b64encode(np.array(row, dtype="<f4")).decode() for row in VECTORS]),
            id="base64",
        ),
        pytest.param(pa.array(VECTORS, type=pa.list_view(pa.float32())), id="list-view"),
        pytest.param(
            pa.ExtensionArray.from_storage(
                pa.fixed_shape_tensor(pa.float32(), [2]),
                pa.array(VECTORS, type=pa.list_(pa.float32(), 2)),
            ),
            id="tensor",
        ),
    ],
)
def test_vectors_as_people_write_them(tmp_path, column):
    assert vectors(table(tmp_path / "a.parquet", embedding=column)) == VECTORS


def test_some_rows_lack_a_vector_of_fixed_length(tmp_path):
    column = pa.array([None, [3.0, 4.0]], type=pa.list_(pa.float32(), 2))
    found = documents(table(tmp_path / "a.parquet", embedding=column))
    assert [list(one.vectors) for one in found] == [[], ["embedding"]]
    assert found[1].vectors["embedding"].tolist() == [3.0, 4.0]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1.0, float("nan")], [1.0, 2.0]]),
        pa.array([[1.0, None], [1.0, 2.0]]),
        pa.array([[1.0, float("-inf")], None], type=pa.list_(pa.float32(), 2)),
        pa.array([np.array([1, np.nan], dtype="<f4").tobytes(), np.zeros(2, "<f4").tobytes()]),
    ],
)
def test_broken_vectors_are_refused_with_their_ids(tmp_path, column):
    file = table(tmp_path / "a.parquet", embedding=column)
    with pytest.raises(InvalidVectors, match=r"1 rows of .*: 'a'; mend them") as refused:
        documents(file)
    assert refused.value.details == {"document_ids": ["a"]}
    assert documents(file, keep_without_vector=True)[0].vectors == {}


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["x", "y"]),
        pa.array([1, 2]),
        pa.array([[True], [False]]),
        pa.array([[date.min]] * 2),
        pa.array([b"abc", b"abc"]),
        pa.array(["1234", "5678"]),
        pa.array(["abcde", "abcde"]),
        pa.array(["[1. 2.]"] * 2),
        pa.array([{"values": [1.0]}] * 2),
    ],
)
def test_a_column_of_something_else_holds_no_vectors(tmp_path, column):
    with pytest.raises(InvalidVectors, match=r"column 'embedding' of .* holds no vectors"):
        documents(table(tmp_path / "a.parquet", embedding=column))


IDS = {
    "text": (pa.array(["x", "y"]), ["x", "y"]),
    "whole numbers": (pa.array([0, 2**63 - 1]), [0, 2**63 - 1]),
    "negative": (pa.array([-1, 5]), [-1, 5]),
    "uuids": (
        pa.array([b"\0" * 16, b"\1" * 16], type=pa.uuid()),
        ["00000000-0000-0000-0000-000000000000", "01010101-0101-0101-0101-010101010101"],
    ),
    "bytes": (pa.array([b"x", b"y"]), ["x", "y"]),
    "dictionary": (pa.array(["x", "y"]).dictionary_encode(), ["x", "y"]),
    "digits": (pa.array(["5", "05"]), ["5", "05"]),
}


@pytest.mark.parametrize(("column", "expected"), IDS.values(), ids=IDS)
def test_what_can_be_an_id(tmp_path, column, expected):
    file = table(tmp_path / "a.parquet", document_id=column)
    assert [one.id for one in documents(file)] == expected
    assert [one.payload["document_id"] for one in documents(file)] == expected


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1.0, 2.0]),
        pa.array([True, False]),
        pa.array([["a"], ["b"]]),
        pa.array([{"a": 1}, {"a": 2}]),
        pa.array([2**64 - 1, 1], type=pa.uint64()),
    ],
)
def test_what_cannot_be_an_id_is_refused_by_column(tmp_path, column):
    with pytest.raises(InvalidRequest, match="column 'document_id'"):
        documents(table(tmp_path / "a.parquet", document_id=column))


def test_a_number_and_its_text_are_one_id(tmp_path):
    file = tmp_path / "a.jsonl"
    rows = [{"document_id": 5, "embedding": [1]}, {"document_id": "5", "embedding": [1]}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InvalidRequest, match=r"1 rows of .* repeat a 'document_id'.*'5' in line 2"):
        documents(file)


def test_two_columns_of_vectors(tmp_path):
    file = table(tmp_path / "a.parquet", title=[[1.0], None])
    first, second = documents(file, vector_columns=("embedding", "title"))
    assert (sorted(first.vectors), sorted(second.vectors)) == (
        ["embedding", "title"],
        ["embedding"],
    )
    assert first.payload == {"document_id": "a"}


def test_quotes_of_csv_written_by_pandas(tmp_path):
    file = tmp_path / "pandas.csv"
    frame = pd.DataFrame(
        {"document_id": ["a", "b"], "embedding": VECTORS, "t": ['say "x", y', "é\n"]}
    )
    frame.to_csv(file, index=False, quoting=csv.QUOTE_ALL)
    assert [one["t"] for one in payloads(file)] == ['say "x", y', "é\n"]
    assert vectors(file) == VECTORS
