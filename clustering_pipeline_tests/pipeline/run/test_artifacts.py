"""The files of a run directory: described once, written as described, explained on a page."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

import clustering_pipeline
from clustering_pipeline.pipeline.run.artifacts import (
    ARTIFACTS,
    DISTANCES,
    EMBEDDINGS,
    EXPORT,
    FIT,
    KNOWN_RECORD,
    LABELS,
    REDUCED,
    RELATIONS,
)
from clustering_pipeline.pipeline.run.columns import KEYS, PAYLOAD, ROW, VECTOR
from clustering_pipeline.pipeline.run.schema import Artifact, Column
from clustering_pipeline.stores.artifacts import Artifacts

SNAPSHOT = Path(__file__).parent / "artifacts.txt"
PACKAGE = Path(clustering_pipeline.__file__).parent
PAGE = PACKAGE.parent / "docs" / "artifacts.md"
HEAD = """# Files of a run

Each execution writes a directory of its own, in the artifacts' folder or bucket:
`<organization>/<namespace>/engine_cluster_build/<run id>/`.  This page is made from
`clustering_pipeline/pipeline/run/artifacts.py`, by which the files are written and read:
`python -m clustering_pipeline_tests.pipeline.run.test_artifacts`.

Every column may hold nulls.  A vector is a fixed-size array of float32, or a list where lengths
differ.  What is *optional* is absent where it does not apply, and in files of earlier versions.
"""


def _line(column: Column) -> str:
    marks = [column.kind, *(["optional"] if column.optional else [])]
    return f"  {_name(column)}: {', '.join(marks)}"


def _name(column: Column) -> str:
    return f"{column.name}, {column.name}_0, …" if column.numbered else column.name


def _snapshot() -> str:
    return "\n".join(
        line
        for artifact in ARTIFACTS
        for line in (artifact.file, *map(_line, artifact.columns), "")
    )


def _section(artifact: Artifact) -> Iterator[str]:
    yield f"\n## `{artifact.file}`\n"
    also = "  A later run may read it instead of making it again." if artifact.reused else ""
    yield artifact.description + also
    if not artifact.columns:
        return
    further = ", among others" if getattr(artifact, "open", False) else ""
    what = "column" if artifact.format == "parquet" else f"key{further}"
    yield f"\n| {what} | type | unit | meaning |\n|---|---|---|---|"
    for one in artifact.columns:
        kind = f"{one.kind}, *optional*" if one.optional else one.kind
        yield f"| `{_name(one)}` | {kind} | {one.unit} | {one.meaning} |"


def _page() -> str:
    return HEAD + "\n".join(line for one in ARTIFACTS for line in _section(one)) + "\n"


def test_the_schemas_are_reviewed():
    assert _snapshot() == SNAPSHOT.read_text()


def test_the_page_is_current():
    assert _page() == PAGE.read_text()


def test_no_file_is_described_twice():
    files = [artifact.file for artifact in ARTIFACTS]
    assert len(set(files)) == len(files)


def test_no_column_is_described_twice():
    names = {one.file: [column.name for column in one.columns] for one in ARTIFACTS}
    assert {file for file, own in names.items() if len(set(own)) < len(own)} == set()


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        pytest.param({}, "'distance_to_centroid' is missing", id="missing"),
        pytest.param(
            {"distance_to_centroid": [0.5], "far": [1]}, "'far' is not described", id="further"
        ),
        pytest.param(
            {"distance_to_centroid": ["near"]},
            "'distance_to_centroid' is String and no float64",
            id="another-type",
        ),
    ],
)
def test_a_table_is_refused_that_is_not_as_described(frame, problem):
    with pytest.raises(
        TypeError, match=re.escape(f"distances.parquet is not as described: {problem}; ")
    ):
        DISTANCES.check(pl.DataFrame(frame))


def test_vectors_come_by_number_and_in_either_form():
    keys = {name: ["a"] for name in (*KEYS, PAYLOAD)}
    array, lists = pl.Array(pl.Float32, 2), pl.List(pl.Float32)
    for columns in ([VECTOR], ["vector_0", "vector_1"], []):
        EMBEDDINGS.check(
            pl.DataFrame(
                keys | {name: [[1.0, 2.0]] for name in columns},
                schema_overrides=dict.fromkeys(columns, array),
            )
        )
    REDUCED.check(pl.DataFrame({ROW: [0], VECTOR: [[1.0]]}, schema_overrides={VECTOR: lists}))
    with pytest.raises(TypeError, match="'vector_of' is not described"):
        EMBEDDINGS.check(pl.DataFrame(keys | {"vector_of": ["b"]}))


@pytest.mark.parametrize(
    ("record", "value", "problem"),
    [
        pytest.param(KNOWN_RECORD, {"changed": 1}, "'removed' is missing", id="missing"),
        pytest.param(
            KNOWN_RECORD,
            {"changed": 1, "removed": 0, "before": 2, "after": 3},
            "'after' is not described",
            id="further",
        ),
        pytest.param(FIT, {"algorithm": 7}, "'algorithm' is int and no text", id="another-type"),
        pytest.param(RELATIONS, [{}], "'parent_cluster_id' is missing", id="in-a-list"),
    ],
)
def test_a_record_is_refused_that_is_not_as_described(record, value, problem):
    with pytest.raises(TypeError, match=problem):
        record.check(value)


def test_records_may_be_open_or_empty():
    FIT.check({"algorithm": "hdbscan", "clusters_found": 3})
    RELATIONS.check([])
    EXPORT.check(dict.fromkeys(column.name for column in EXPORT.columns))


def test_files_of_earlier_versions_read_as_if_nothing_was_known(tmp_path):
    store = Artifacts.open(tmp_path)
    store.write_frame("labels.parquet", pl.DataFrame({"cluster_id": ["cl_0"], "label": ["Law"]}))
    table = LABELS.read_at(store, "labels.parquet", ["label", "fidelity", "fidelity_is_low"])
    assert table.to_dicts() == [{"label": "Law", "fidelity": None, "fidelity_is_low": None}]
    assert table.schema["fidelity"] == pl.Float64
    assert LABELS.read_at(store, "labels.parquet").columns == ["cluster_id", "label"]


def test_nobody_else_spells_the_name_of_a_file():
    files = {artifact.file for artifact in ARTIFACTS}
    spelled = {
        f"{file.relative_to(PACKAGE)}: {node.value}"
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and node.value in files
    }
    assert spelled == set()


if __name__ == "__main__":
    SNAPSHOT.write_text(_snapshot())
    PAGE.write_text(_page())
