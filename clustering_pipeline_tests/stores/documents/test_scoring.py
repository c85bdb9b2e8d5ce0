"""What the server says of all vectors at once."""

import numpy as np
import pytest

from clustering_pipeline.model.filters.tree import parse_filter

DIRECTION = np.array([0.6, 0.0, 0.8], dtype=np.float32)


@pytest.fixture
def people(fill):
    return fill(
        [
            (1, {"document_id": "ä", "age": 30, "seen": "run"}, [1, 2, 3]),
            (2, {"age": 40}, [4, 5, 6]),
            (3, {"document_id": "c", "age": 50, "seen": None}, [0, 0, 1]),
        ]
    )


def asked(documents, name, tree=None, *, fields=(), named=True, **options):
    vector = next(iter(documents.describe(name).vectors))
    given = {"vector": vector, "direction": DIRECTION, "fields": list(fields), "named": named}
    return documents.products(name, tree, **(given | options))


def test_all_documents_are_told_with_their_products(documents, people):
    found = asked(documents, people, fields=["seen"])
    points = documents.retrieve(people, found.ids, vector_names=list(vectors(documents, people)))
    expected = [next(iter(one.vectors.values())) @ DIRECTION for one in points]
    assert found.values == pytest.approx(expected, abs=1e-6)
    assert sorted(zip(found.ids, found.document_ids, found.whole.tolist(), strict=True)) == [
        ("1", "ä", True),
        ("2", "2", False),
        ("3", "c", True),
    ]


def vectors(documents, name):
    return documents.describe(name).vectors


def test_only_what_the_filter_selects_is_told(documents, people):
    tree = parse_filter({"field": "age", "operator": "gte", "value": 40})
    found = asked(documents, people, tree, named=False)
    assert (sorted(found.ids), list(found.document_ids)) == (["2", "3"], [])


def test_nothing_is_told_of_nothing(documents, fill):
    assert list(asked(documents, fill([])).ids) == []


def test_where_a_vector_is_missing_the_server_cannot_tell(documents, fill):
    name = fill([(1, {}, [1, 2, 3]), (2, {}, None)])
    assert asked(documents, name) is None


def test_where_the_server_cannot_evaluate_the_filter_neither(documents, people):
    tree = parse_filter({"field": "document_id", "operator": "regex", "value": "^ä"})
    assert asked(documents, people, tree) is None
