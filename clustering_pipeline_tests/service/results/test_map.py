"""A map of many documents, sent in pieces."""

import polars as pl
import pytest

from clustering_pipeline.model.executions.map import ClusterVisualization
from clustering_pipeline.service.results.map import ROWS, Map

MANY = 2 * ROWS + 1


def drawn(rows: int, *, compact: bool, flat: bool = True) -> Map:
    numbers = range(rows)
    members = pl.DataFrame(
        {
            "document_id": [f'doc "{number}" ☸' for number in numbers],
            "collection_id": ["col_a"] * rows,
            "cluster_id": ["cl_0"] * rows,
            "x": [number / 4 for number in numbers],
            "y": [-1e-30] * rows,
            "z": [None if flat else 0.5] * rows,
        },
        schema_overrides={"x": pl.Float32, "y": pl.Float32, "z": pl.Float32},
    )
    head = ClusterVisualization(cluster_id="clust_a", total_points=rows)
    return Map(head=head, members=members, compact=compact)


@pytest.mark.parametrize("rows", [0, 1, ROWS, MANY])
def test_documents_come_one_by_one(rows):
    sent = ClusterVisualization.model_validate_json(b"".join(drawn(rows, compact=False).chunks()))
    assert (sent.total_points, len(sent.members)) == (rows, rows)
    assert [one.x for one in sent.members] == [number / 4 for number in range(rows)]
    assert {one.document_id for one in sent.members} == {f'doc "{n}" ☸' for n in range(rows)}
    assert {one.z for one in sent.members} <= {None}


@pytest.mark.parametrize("rows", [0, 1, ROWS, MANY])
def test_documents_come_field_by_field(rows):
    sent = ClusterVisualization.model_validate_json(b"".join(drawn(rows, compact=True).chunks()))
    assert sent.members.document_ids == [f'doc "{number}" ☸' for number in range(rows)]
    assert sent.members.x == [number / 4 for number in range(rows)]
    assert sent.members.z is None


def test_a_third_dimension_is_told():
    rows = ClusterVisualization.model_validate_json(
        b"".join(drawn(2, compact=False, flat=False).chunks())
    )
    columns = ClusterVisualization.model_validate_json(
        b"".join(drawn(2, compact=True, flat=False).chunks())
    )
    assert [one.z for one in rows.members] == columns.members.z == [0.5, 0.5]


@pytest.mark.parametrize("compact", [False, True])
def test_no_piece_is_larger_than_some_rows(compact):
    pieces = [len(one) for one in drawn(MANY, compact=compact).chunks()]
    assert max(pieces) < 150 * ROWS
    assert sum(size > ROWS for size in pieces) >= 2
