import hashlib
import math
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from clustering_pipeline.model.errors import ArtifactNotFound, ArtifactsUnavailable
from clustering_pipeline.stores.artifacts import Artifacts

VECTORS = pa.schema([("id", pa.string()), ("vector", pa.list_(pa.float32(), 3))])


def page(start, stop):
    floats = np.arange(3 * start, 3 * stop, dtype=np.float32)
    return pa.table(
        {
            "id": [f"ü{i}" for i in range(start, stop)],
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(floats), 3),
        },
        schema=VECTORS,
    )


def test_a_frame_reads_back_as_it_was(artifacts):
    frame = pl.DataFrame(
        {"id": ["ä", None], "n": [1, 2], "x": [0.5, math.nan], "tags": [["a"], []]},
        schema_overrides={"n": pl.UInt8},
    )
    size = artifacts.write_frame("run_1/clusters.parquet", frame)
    assert_frame_equal(artifacts.read_frame("run_1/clusters.parquet"), frame)
    assert size == artifacts.size("run_1/clusters.parquet") > 0


def test_columns_are_read_alone_and_in_the_order_asked_for(artifacts):
    artifacts.write_frame("f.parquet", pl.DataFrame({"a": [1], "b": [2], "c": [3]}))
    assert artifacts.read_frame("f.parquet", ["c", "a"]).columns == ["c", "a"]
    assert artifacts.scan("f.parquet").filter(pl.col("a") > 1).collect().height == 0


def test_vectors_are_read_as_a_matrix(artifacts):
    with artifacts.open_writer("v.parquet", VECTORS) as sink:
        sink.write(page(0, 2))
        sink.write(page(2, 5))
    matrix = artifacts.read_vectors("v.parquet", "vector")
    assert (matrix.dtype, matrix.tolist()) == (np.float32, np.arange(15.0).reshape(5, 3).tolist())
    with pytest.raises(ArtifactNotFound):
        artifacts.read_vectors("gone.parquet", "vector")


@pytest.mark.parametrize("kind", [pl.Array(pl.Float32, 2), pl.List(pl.Float32)])
def test_vectors_of_a_frame_are_read_whatever_they_are_kept_as(artifacts, kind):
    vectors = [[1.0, 2.0], [3.0, 4.0], [0.5, -0.5]]
    frame = pl.DataFrame({"vector": pl.Series(vectors, dtype=kind)})
    artifacts.write_frame("v.parquet", frame)
    assert artifacts.read_vectors("v.parquet", "vector").tolist() == vectors
    artifacts.write_frame("v.parquet", frame.clear().cast(pl.Array(pl.Float32, 2)))
    assert artifacts.read_vectors("v.parquet", "vector").shape == (0, 2)


def test_a_frame_without_rows_keeps_its_columns(artifacts):
    empty = pl.DataFrame(schema={"id": pl.String, "vector": pl.Array(pl.Float32, 3)})
    artifacts.write_frame("empty.parquet", empty)
    assert_frame_equal(artifacts.read_frame("empty.parquet"), empty)


def test_pages_become_one_file_with_vectors_of_one_length(artifacts):
    with artifacts.open_writer("v.parquet", VECTORS) as sink:
        sink.write(page(0, 2))
        sink.write(page(2, 5).to_batches()[0])
        assert sink.rows == 5
        assert not artifacts.exists("v.parquet")
    frame = artifacts.read_frame("v.parquet")
    assert frame.schema == {"id": pl.String, "vector": pl.Array(pl.Float32, 3)}
    assert frame["vector"].to_numpy().tolist() == np.arange(15.0).reshape(5, 3).tolist()
    assert frame["id"].to_list() == ["ü0", "ü1", "ü2", "ü3", "ü4"]


def test_no_page_is_a_file_without_rows(artifacts):
    with artifacts.open_writer("v.parquet", VECTORS):
        pass
    assert artifacts.read_frame("v.parquet").shape == (0, 2)


def write_and_fail(artifacts):
    with artifacts.open_writer("v.parquet", VECTORS) as sink:
        sink.write(page(7, 9))
        raise KeyboardInterrupt


def test_a_write_that_fails_leaves_what_was_there(artifacts):
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(artifacts)
    assert artifacts.list() == ()
    with artifacts.open_writer("v.parquet", VECTORS) as sink:
        sink.write(page(0, 1))
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(artifacts)
    assert artifacts.read_frame("v.parquet").height == 1
    assert artifacts.list() == ("v.parquet",)


def test_bytes_and_json_read_back(artifacts):
    assert artifacts.write_bytes("a/map.html", "<p>ü</p>".encode()) == 9
    artifacts.write_json("a/manifest.json", {"ü": [1, None, "x"], "a": {"b": 0.5}})
    assert artifacts.read_bytes("a/map.html").decode() == "<p>ü</p>"
    assert artifacts.read_json("a/manifest.json") == {"ü": [1, None, "x"], "a": {"b": 0.5}}
    artifacts.write_bytes("a/empty", b"")
    assert artifacts.read_bytes("a/empty") == b""
    assert artifacts.size("a/empty") == 0


def test_json_has_no_nan(artifacts):
    with pytest.raises(ValueError, match="JSON"):
        artifacts.write_json("m.json", {"x": math.nan})
    assert not artifacts.exists("m.json")


def test_a_key_written_again_holds_the_new_content(artifacts):
    artifacts.write_bytes("a", b"old and longer")
    artifacts.write_bytes("a", b"new")
    assert artifacts.read_bytes("a") == b"new"


def test_the_digest_is_that_of_the_content(artifacts):
    content = bytes(range(256)) * 10_000
    artifacts.write_bytes("big", content)
    assert artifacts.sha256("big") == hashlib.sha256(content).hexdigest()


def test_keys_are_listed_in_order_and_deleted_by_folder(artifacts):
    for key in ("r/2/b", "r/2/a c", "r/1/ü", "r/21/a", "s"):
        artifacts.write_bytes(key, b"x")
    assert artifacts.list() == ("r/1/ü", "r/2/a c", "r/2/b", "r/21/a", "s")
    assert artifacts.list("r/2/") == ("r/2/a c", "r/2/b")
    assert artifacts.delete("r/2") == 2
    assert artifacts.delete("r/2/") == 0
    assert artifacts.delete("s") == 1
    assert artifacts.list() == ("r/1/ü", "r/21/a")
    assert artifacts.list("nothing/here") == ()


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda store, key: store.read_frame(key), id="read_frame"),
        pytest.param(lambda store, key: store.scan(key), id="scan"),
        pytest.param(lambda store, key: store.read_bytes(key), id="read_bytes"),
        pytest.param(lambda store, key: store.read_json(key), id="read_json"),
        pytest.param(lambda store, key: store.size(key), id="size"),
        pytest.param(lambda store, key: store.sha256(key), id="sha256"),
    ],
)
def test_what_is_not_there_is_named(artifacts, read):
    artifacts.write_bytes("folder/file", b"")
    for key in ("no/such.parquet", "folder"):
        with pytest.raises(ArtifactNotFound, match=key):
            read(artifacts, key)
        assert not artifacts.exists(key)


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/../../b", ".", "a\\b", "a\0b"])
def test_no_key_leads_out_of_the_root(artifacts, key):
    with pytest.raises(ArtifactNotFound, match="plain relative path"):
        artifacts.write_bytes(key, b"x")


def test_an_address_says_where_a_file_is(artifacts):
    artifacts.write_frame("run/f.parquet", pl.DataFrame({"a": [1]}))
    assert artifacts.uri("run/f.parquet").endswith("/run/f.parquet")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    blocker = tmp_path / "file"
    blocker.write_text("")
    artifacts = Artifacts.open(blocker / "artifacts")
    with pytest.raises(ArtifactsUnavailable, match=str(blocker)):
        artifacts.write_bytes("a", b"x")


def test_leftovers_of_a_killed_writer_are_not_listed(tmp_path: Path):
    artifacts = Artifacts.open(tmp_path)
    artifacts.write_bytes("run/a", b"x")
    (tmp_path / "run" / ".a.0123.partial").write_bytes(b"half")
    assert artifacts.list() == ("run/a",)
