"""Every type of column, by everything that writes files: loaded as what it says, or refused."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.collections.load import Load, load
from clustering_pipeline_tests.service.collections.column_types import (
    ARROW,
    DUCKDB,
    PANDAS,
    PARQUET,
    POLARS,
    REFUSED,
    Case,
)
from clustering_pipeline_tests.worlds.world import World

IDS = ["a", "b"]
VECTORS = [[1.0, 2.0], [3.0, 4.0]]


def by_pyarrow(file: Path, columns: dict[str, Any]) -> None:
    pq.write_table(pa.table(_whole(columns)), file)


def by_feather(file: Path, columns: dict[str, Any]) -> None:
    pyarrow.feather.write_feather(pa.table(_whole(columns)), file, compression="uncompressed")


def by_pandas(file: Path, columns: dict[str, Any]) -> None:
    pd.DataFrame(_whole(columns)).to_parquet(file)


def by_polars(file: Path, columns: dict[str, Any]) -> None:
    pl.DataFrame(_whole(columns)).write_parquet(file)


def by_duckdb(file: Path, columns: dict[str, Any]) -> None:
    rows = [
        f"SELECT '{IDS[row]}' AS document_id, {VECTORS[row]}::FLOAT[] AS embedding"
        + "".join(f', {values[row]} AS "{name}"' for name, values in columns.items())
        for row in range(2)
    ]
    duckdb.sql(f"COPY ({' UNION ALL '.join(rows)}) TO '{file}' (FORMAT parquet)")


def _whole(columns: dict[str, Any]) -> dict[str, Any]:
    return {"document_id": IDS, "embedding": VECTORS, **columns}


WRITERS: list[tuple[Callable[..., None], str, list[Case]]] = [
    (by_pyarrow, "parquet", PARQUET),
    (by_feather, "feather", [*PARQUET, *ARROW]),
    (by_pandas, "parquet", PANDAS),
    (by_polars, "parquet", POLARS),
    (by_duckdb, "parquet", DUCKDB),
]


def read(world: World, file: Path, **options: Any) -> list[dict[str, Any]]:
    """What Qdrant holds of each row, without its id."""
    request = Load(file=file, collection_name=world.name("types"), **options)
    name = load(world.pipeline, LOCAL, request).qdrant_collection
    pages = world.pipeline.documents.scroll(name, vector_names=["embedding"])
    points = {point.document_id: point for page in pages for point in page}
    assert sorted(points) == IDS
    for document_id, vector in zip(IDS, VECTORS, strict=True):
        unit = np.array(vector) / np.linalg.norm(vector)
        assert points[document_id].vectors["embedding"] == pytest.approx(unit, abs=1e-6)
    return [
        {name: value for name, value in points[one].payload.items() if name != "document_id"}
        for one in IDS
    ]


def same(value: Any, stored: Any) -> bool:
    """Equality that tells 1 from true and from 1.0."""
    return json.dumps(value, sort_keys=True) == json.dumps(stored, sort_keys=True)


@pytest.mark.parametrize(("write", "ending", "cases"), WRITERS)
def test_a_column_is_loaded_as_what_it_says(world, tmp_path, write, ending, cases):
    good = [item for item in cases if item.stored is not REFUSED]
    file = tmp_path / f"all.{ending}"
    write(file, {item.name: item.column for item in good})
    rows = read(world, file)
    wrong = {
        item.name: ([row[item.name] for row in rows], item.stored)
        for item in good
        if not same([row[item.name] for row in rows], item.stored)
    }
    assert wrong == {}


REFUSALS = [
    pytest.param(write, ending, item, id=f"{write.__name__} {item.name}")
    for write, ending, cases in WRITERS
    for item in cases
    if item.stored is REFUSED
]


@pytest.mark.parametrize(("write", "ending", "item"), REFUSALS)
def test_a_column_that_cannot_be_kept_is_refused_by_name(world, tmp_path, write, ending, item):
    file = tmp_path / f"refused.{ending}"
    write(file, {item.name: item.column})
    with pytest.raises(InvalidRequest, match=f"column '{item.name}'") as refused:
        read(world, file)
    assert "\n" not in str(refused.value)


def stored_cases() -> Sequence[Case]:
    return [item for item in PARQUET if item.stored is not REFUSED]


def test_json_lines_hold_the_same_values(world, tmp_path):
    file = tmp_path / "all.jsonl"
    rows = [
        {"document_id": IDS[row], "embedding": VECTORS[row]}
        | {item.name: item.stored[row] for item in stored_cases()}
        for row in range(2)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    expected = [{item.name: item.stored[row] for item in stored_cases()} for row in range(2)]
    assert same(read(world, file), expected)


def test_csv_holds_texts_that_are_what_they_were_stated_to_be(world, tmp_path):
    file = tmp_path / "all.csv"
    cases = stored_cases()
    with file.open("w", newline="") as content:
        out = csv.writer(content)
        out.writerow(["document_id", "embedding", *(item.name for item in cases)])
        for row in range(2):
            cells = [item.stored[row] for item in cases]
            out.writerow(
                [IDS[row], json.dumps(VECTORS[row])]
                + ["" if cell is None else json.dumps(cell) for cell in cells]
            )
    texts = read(world, file)
    stated = read(world, file, types={item.name: "json" for item in cases})
    expected = [{item.name: item.stored[row] for item in cases} for row in range(2)]
    assert same(stated, expected)
    assert {type(text) for row in texts for text in row.values()} == {str, type(None)}
