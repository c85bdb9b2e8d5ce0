"""Documents brought in and made known."""

import json
from pathlib import Path
from uuid import uuid4

import numpy as np
import polars as pl
import pytest

from clustering_pipeline_tests.cli.command import Terminal, run
from clustering_pipeline_tests.labeling.loopback import serving, well

FEATURE = "mixpeek://text_extractor@v1/embedding"


def fresh() -> str:
    return f"docs {uuid4().hex[:8]}"


def write(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_parquet_file_is_loaded_and_may_be_loaded_again(file):
    name = fresh()
    first = run("collections", "load", file, "--name", name, "--json")
    again = run("collections", "load", file, "--name", name, "--json").json
    assert (first.json["points"], again["points"]) == (50, 50)
    assert again["collection_id"] == first.json["collection_id"]
    # The vectors have 16 numbers, so it pays to reduce them first.
    assert first.err == (
        f"next: clustering-pipeline clusters create --collection '{name}' "
        "--feature-uri mixpeek://text@v1/embedding --umap 10\n"
    )


def test_a_jsonl_file_is_loaded_under_its_own_name(tmp_path):
    rows = [
        {"id": number, "text": f"text {number}", "vec": [float(number), 1.0], "nested": {"a": [1]}}
        for number in range(5)
    ]
    path = write(tmp_path / f"{fresh().replace(' ', '_')}.jsonl", rows)
    loaded = run(
        *("collections", "load", path, "--vector-column", "vec", "--id-column", "id"), "--json"
    ).json
    assert (loaded["collection_name"], loaded["points"]) == (path.stem, 5)


def test_somebody_who_watches_sees_how_far_it_is(file):
    watched = Terminal()
    done = run("collections", "load", file, "--name", fresh(), err=watched)
    assert done.code == 0
    assert "loading" in done.err
    assert "50/50" in done.err


def test_collections_are_listed_with_their_points(file):
    name = fresh()
    loaded = run("collections", "load", file, "--name", name, "--json").json
    rows = run("collections", "list", "--json").json
    (found,) = [row for row in rows if row["collection_name"] == name]
    assert (found["collection_id"], found["points"]) == (loaded["collection_id"], 50)
    lines = run("collections", "list").out.splitlines()
    assert lines[0].split() == [
        "collection_id",
        "collection_name",
        "qdrant_collection",
        "points",
        "vectors",
    ]
    (line,) = (line for line in lines if loaded["collection_id"] in line)
    assert line.endswith("50      embedding (16)")


def test_an_existing_collection_is_registered_as_it_is(file):
    behind, name = fresh(), fresh()
    assert run("collections", "load", file, "--name", behind).code == 0
    made = run(
        *("collections", "register", name, "--qdrant-collection", behind),
        *("--vector", f"{FEATURE}=embedding", "--description", "as it is", "--json"),
    ).json
    assert (made["qdrant_collection"], made["vectors"]) == (behind, {FEATURE: "embedding"})


def refused(*arguments: object) -> tuple[int, str]:
    done = run("collections", *arguments)
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    return done.code, done.err.removesuffix("\n")


def test_a_qdrant_collection_that_is_not_there_is_not_registered():
    code, sentence = refused("register", "nowhere")
    assert code == 3
    assert "has no collection 'nowhere'; it has: " in sentence


def test_a_vector_that_is_not_there_is_not_registered(file):
    name = fresh()
    assert run("collections", "load", file, "--name", name).code == 0
    register = ("register", fresh(), "--qdrant-collection", name, "--vector")
    assert refused(*register, f"{FEATURE}=title") == (
        2,
        f"error: {FEATURE} maps to 'title', which collection {name!r} lacks; it has: embedding",
    )
    assert run("collections", *register, "no-equals-sign").code == 2


def test_a_name_is_registered_once(file):
    name = fresh()
    assert run("collections", "load", file, "--name", name).code == 0
    code, sentence = refused("register", name)
    assert (code, sentence) == (
        4,
        f"error: a collection named {name!r} exists already: choose another",
    )


def vectors(*rows: list[float] | None) -> list[dict]:
    return [{"document_id": f"d{number}", "embedding": row} for number, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        pytest.param(vectors([1.0, 2.0], [1.0]), "holds vectors of lengths 1, 2", id="two-lengths"),
        pytest.param([{"document_id": "a"}], "has no column 'embedding'", id="no-vectors"),
        pytest.param([{"embedding": [1.0]}], "has no column 'document_id'", id="no-ids"),
        pytest.param(
            [*vectors([1.0]), {"document_id": None, "embedding": [2.0]}],
            "1 rows of",
            id="one-without-id",
        ),
        pytest.param(vectors(None, None), "holds no vectors", id="only-null"),
        pytest.param(
            [{"document_id": "a", "embedding": "text"}], "holds no vectors", id="not-vectors"
        ),
        pytest.param([], "cannot read", id="empty"),
    ],
)
def test_a_file_that_cannot_be_loaded(tmp_path, rows, sentence):
    path = write(tmp_path / "broken.jsonl", rows)
    code, message = refused("load", path, "--name", fresh())
    assert code == 2
    assert message.startswith("error: ")
    assert sentence in message


def test_a_table_without_rows(tmp_path):
    path = tmp_path / "empty.parquet"
    pl.DataFrame(schema={"document_id": pl.String, "embedding": pl.List(pl.Float32)}).write_parquet(
        path
    )
    assert refused("load", path) == (2, f"error: {path} holds no documents")


def test_a_document_may_lack_its_vector(tmp_path):
    path = write(tmp_path / "some.jsonl", vectors([1.0, 2.0], None, [2.0, 1.0]))
    loaded = run("collections", "load", path, "--name", fresh(), "--json").json
    assert loaded["points"] == 3


def test_dates_and_numbers_of_parquet_are_loaded_as_json_has_them(tmp_path, qdrant):
    path = tmp_path / "dated.parquet"
    pl.DataFrame(
        {
            "document_id": [1, 2],
            "embedding": pl.Series(np.eye(2, dtype=np.float32), dtype=pl.Array(pl.Float32, 2)),
            "day": pl.Series(["2026-01-02", "2026-03-04"]).str.to_date(),
            "at": pl.Series(["2026-01-02T03:04:05", None]).str.to_datetime(),
            "score": [0.5, float("nan")],
            "raw": [b"\xff\x00", None],
            "nested": [{"tags": ["é"]}, {"tags": []}],
        }
    ).write_parquet(path)
    loaded = run("collections", "load", path, "--name", fresh(), "--json").json
    points, _ = qdrant.scroll(loaded["qdrant_collection"], limit=10)
    assert [point.payload for point in points] == [
        {
            "document_id": 1,
            "day": "2026-01-02",
            "at": "2026-01-02T03:04:05",
            "score": 0.5,
            "raw": "_wA=",
            "nested": {"tags": ["é"]},
        },
        {
            "document_id": 2,
            "day": "2026-03-04",
            "at": None,
            "score": None,
            "raw": None,
            "nested": {"tags": []},
        },
    ]


def test_a_file_of_another_kind(tmp_path):
    path = tmp_path / "talks.pdf"
    path.touch()
    sentence = (
        f"error: {path} is not of a kind that can be loaded: .parquet, .arrow, .feather, .xlsx, "
        "or .jsonl, .ndjson, .json, .csv, .tsv, these also with .gz or .zst or .zstd"
    )
    assert refused("load", path) == (2, sentence)


def test_a_file_that_is_not_there(tmp_path):
    code, sentence = refused("load", tmp_path / "talks.parquet")
    assert code == 2
    assert sentence.startswith(f"error: cannot read {tmp_path}/talks.parquet")


def test_vectors_of_another_length_than_those_there(tmp_path, file):
    name = fresh()
    assert run("collections", "load", file, "--name", name).code == 0
    path = write(tmp_path / "short.jsonl", vectors([1.0, 2.0]))
    sentence = (
        f"error: vectors 'embedding' have 2 numbers, and in collection {name!r} 16: load them "
        "under another --name"
    )
    assert refused("load", path, "--name", name) == (2, sentence)


def test_a_second_column_of_vectors_keeps_the_first(tmp_path, qdrant):
    name = fresh()
    columns = ("--vector-column", "embedding", "--vector-column", "title")
    rows = [
        {"document_id": "a", "embedding": [3.0, 4.0], "title": [1.0]},
        {"document_id": "b", "embedding": [4.0, 3.0]},
    ]
    path = write(tmp_path / "both.jsonl", rows)
    assert run("collections", "load", path, "--name", name, *columns).code == 0
    path = write(tmp_path / "titles.jsonl", [{"document_id": "b", "title": [-1.0], "new": True}])
    assert run("collections", "load", path, "--name", name, "--vector-column", "title").code == 0
    points = qdrant.scroll(name, with_vectors=True)[0]
    assert {
        point.payload["document_id"]: (point.payload.get("new"), sorted(point.vector))
        for point in points
    } == {"a": (None, ["embedding", "title"]), "b": (True, ["embedding", "title"])}
    path = write(tmp_path / "third.jsonl", [{"document_id": "a", "third": [1.0, 2.0]}])
    assert run("collections", "load", path, "--name", name, "--vector-column", "third").code == 0
    assert sorted(sorted(point.vector) for point in qdrant.scroll(name, with_vectors=True)[0]) == [
        ["embedding", "third", "title"],
        ["embedding", "title"],
    ]


def test_columns_are_stated_and_renamed(tmp_path, qdrant):
    path = tmp_path / "rows.csv"
    path.write_text('chunk,document_id,n,embedding\nc1,d,5,"[1, 2]"\n')
    options = ("--id-column", "chunk", "--rename", "document_id=source", "--types", "n=int")
    loaded = run("collections", "load", path, *options, "--json").json
    assert loaded["collection_name"] == "rows"
    (point,) = qdrant.scroll("rows")[0]
    assert point.payload == {"chunk": "c1", "document_id": "c1", "source": "d", "n": 5}
    assert run("collections", "load", path, "--types", "n=number").code == 2
    assert run("collections", "load", path, "--types", "n").code == 2


def test_ids_keep_their_places_however_documents_came(tmp_path, qdrant):
    name = fresh()
    path = write(tmp_path / "one.jsonl", [{"document_id": "a", "embedding": [1.0, 2.0]}])
    assert run("collections", "load", path, "--name", name).code == 0
    qdrant.set_payload(name, {"document_id": "b"}, points=[qdrant.scroll(name)[0][0].id])
    rows = [{"document_id": "b", "embedding": [1.0, 2.0], "again": 1}]
    path = write(tmp_path / "again.jsonl", rows)
    assert run("collections", "load", path, "--name", name, "--json").json["points"] == 1
    path = write(tmp_path / "other.jsonl", [{"document_id": "a", "embedding": [1.0, 2.0]}])
    code, sentence = refused("load", path, "--name", name)
    assert code == 2
    assert "1 ids name points that hold other documents: 'a' is the point of 'b'" in sentence


def test_a_collection_whose_qdrant_collection_is_gone_does_not_hide_the_others(file, qdrant):
    name = fresh()
    assert run("collections", "load", file, "--name", name).code == 0
    qdrant.delete_collection(name)
    rows = run("collections", "list", "--json").json
    assert [row["points"] for row in rows if row["collection_name"] == name] == [None]
    (line,) = (line for line in run("collections", "list").out.splitlines() if name in line)
    assert "lost: Qdrant has no such collection" in line


def test_documents_go_by_the_column_that_names_them(tmp_path, qdrant):
    name = fresh()
    path = write(tmp_path / "docs.jsonl", [{"id": "a", "embedding": [1.0, 2.0]}])
    loaded = run("collections", "load", path, "--name", name, "--id-column", "id", "--json").json
    (point,) = qdrant.scroll(loaded["qdrant_collection"])[0]
    assert point.payload == {"id": "a", "document_id": "a"}


def test_ids_that_repeat_are_refused(tmp_path):
    rows = [{"document_id": "a", "embedding": [1.0, 2.0]}] * 3
    path = write(tmp_path / "docs.jsonl", rows)
    done = run("collections", "load", path, "--name", fresh())
    assert done.code == 2
    assert "2 rows" in done.err
    assert "repeat" in done.err


def test_what_qdrant_refuses_is_not_registered(tmp_path):
    path = write(tmp_path / "docs.jsonl", [{"document_id": "a", "embedding": [1.0, 2.0]}])
    assert run("collections", "load", path, "--name", "a/b").code != 0
    names = [one["collection_name"] for one in run("collections", "list", "--json").json]
    assert "a/b" not in names


def test_a_collection_is_forgotten_and_its_documents_stay(file, qdrant):
    loaded = run("collections", "load", file, "--name", fresh(), "--json").json
    assert run("collections", "delete", loaded["collection_id"], "--yes").code == 0
    ids = [one["collection_id"] for one in run("collections", "list", "--json").json]
    assert loaded["collection_id"] not in ids
    assert qdrant.count(loaded["qdrant_collection"], exact=False).count == 50


def test_texts_become_vectors_by_a_server(tmp_path, monkeypatch):
    rows = [{"document_id": str(n), "body": f"{'sea' if n % 2 else 'jury'} {n}"} for n in range(12)]
    path = write(tmp_path / "texts.jsonl", [*rows, {"document_id": "none", "body": ""}])
    with serving(well) as server:
        monkeypatch.setenv("CLUSTERING_EMBEDDING_BASE_URL", server.base_url)
        name = fresh()
        options = ("--name", name, "--text", "body")
        loaded = run("collections", "load", path, *options, "--embed", "openai:letters", "--json")
        assert loaded.json["points"] == 13
        assert loaded.json["embed"] == {
            "field": "body",
            "provider": "openai",
            "model": "letters",
            "vector": "embedding",
        }
        calls = len(server.embedded)
        assert run("collections", "load", path, *options).code == 0
        assert len(server.embedded) == calls
        assert run(
            *("clusters", "create", "--name", name, "--collection", name, "--method", "kmeans"),
            *("--feature-uri", "mixpeek://text@v1/embedding", "--params", '{"n_clusters": 2}'),
        ).code == 0  # fmt: skip
        assert run("clusters", "execute", name).code == 0
        found = run("clusters", "find", name, "sea", "--json").json
        assert (found["by"], found["results"][0]["member_count"]) == ("vectors", 6)
        placed = run("clusters", "assign-text", name, "jury 4", "--json").json
        assert placed[0]["cluster_id"] != found["results"][0]["cluster_id"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "has no column 'embedding'; it has: document_id, body. Vectors are taken from"),
        (("--text", "body"), "texts of 'body' need a model: name one by --embed"),
        (("--embed", "openai:m"), "--embed goes with --text"),
        (("--text", "body", "--embed", "letters"), "--embed takes PROVIDER:MODEL, not 'letters'"),
        (("--text", "body", "--embed", "magic:m"), "provider"),
        (("--text", "body", "--embed", "openai:m"), "no server is set: set CLUSTERING_EMBEDDING"),
        (("--text", "words", "--embed", "fastembed:m"), "has no column 'words'"),
    ],
)
def test_texts_without_a_way_to_vectors_are_refused_in_a_sentence(tmp_path, options, sentence):
    path = write(tmp_path / "bare.jsonl", [{"document_id": "a", "body": "sea"}])
    done = run("collections", "load", path, "--name", fresh(), *options)
    assert (done.code != 0, done.out) == (True, "")
    assert sentence in done.err
    assert "Traceback" not in done.err
