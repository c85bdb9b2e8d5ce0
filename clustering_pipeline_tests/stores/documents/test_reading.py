from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from clustering_pipeline.model.errors import UnknownVector
from clustering_pipeline.model.filters.semantics import matches
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline_tests.sizes import FULL, size
from clustering_pipeline_tests.stores.documents import payloads

UUIDS = [str(UUID(int=number << 64)) for number in (1, 2)]


def ids(pages):
    return [point.id for page in pages for point in page]


@pytest.fixture
def people(fill):
    return fill(
        [
            (
                1,
                {"document_id": "ä", "age": 30, "tags": ["x", "Y"], "n": {"m": [1, 2.5]}},
                [1, 2, 3],
            ),
            (2, {"age": None, "name": "Ö😀"}, [4, 5, 6]),
            (UUIDS[0], {"document_id": 7, "age": 31.5}, None),
            (UUIDS[1], {"document_id": ""}, [7, 8, 9]),
        ]
    )


def test_every_point_comes_back_page_by_page(documents, people):
    pages = list(documents.scroll(people, page=3))
    assert [len(page) for page in pages] == [3, 1]
    assert ids(pages) == ["1", "2", *UUIDS]
    assert pages[0][0].payload == {
        "document_id": "ä",
        "age": 30,
        "tags": ["x", "Y"],
        "n": {"m": [1, 2.5]},
    }


def test_the_document_id_is_the_payloads_or_the_point_id(documents, people):
    points = [point for page in documents.scroll(people) for point in page]
    assert [point.document_id for point in points] == ["ä", "2", "7", UUIDS[1]]


def test_an_empty_collection_is_one_empty_page(documents, fill):
    assert list(documents.scroll(fill([]))) == [[]]
    assert documents.count(fill([])) == 0


def test_a_limit_counts_what_the_filter_selects(documents, people):
    tree = parse_filter({"NOT": [{"field": "name", "operator": "regex", "value": "^ö"}]})
    assert ids(documents.scroll(people, tree, limit=2, page=1)) == ["1", UUIDS[0]]
    assert ids(documents.scroll(people, limit=10)) == ["1", "2", *UUIDS]


def test_some_fields_and_vectors_are_read_alone(documents, people):
    (page,) = documents.scroll(people, payload_fields=["age", "gone"], vector_names=["text"])
    assert [point.payload for point in page] == [{"age": 30}, {"age": None}, {"age": 31.5}, {}]
    assert [list(point.vectors) for point in page] == [["text"], ["text"], [], ["text"]]
    assert page[1].vectors["text"].tolist() == [4, 5, 6]
    assert page[1].vectors["text"].dtype == np.float32


def test_a_filter_sees_fields_that_are_not_asked_for(documents, people):
    tree = parse_filter({"field": "name", "operator": "regex", "value": "😀$"})
    (page,) = documents.scroll(people, tree, payload_fields=["age"])
    assert [point.id for point in page] == ["2"]


def test_points_are_retrieved_in_the_order_asked_for(documents, people):
    points = documents.retrieve(people, [UUIDS[1], "99", "1"], payload_fields=[])
    assert [(point.id, point.payload) for point in points] == [(UUIDS[1], {}), ("1", {})]
    assert documents.retrieve(people, []) == []


def test_any_number_of_points_is_retrieved_in_parts(documents, people):
    many = [*map(str, range(1000, 2100)), UUIDS[1], "2"]
    pages = list(documents.retrieve_pages(people, many, payload_fields=["age"]))
    assert [[point.id for point in page] for page in pages] == [[], [UUIDS[1], "2"]]
    assert pages[1][1].payload == {"age": None}
    assert list(documents.retrieve_pages(people, [])) == []


def test_an_unknown_vector_is_refused_with_those_there_are(documents, people):
    with pytest.raises(UnknownVector, match="no vector 'image'; it has: text"):
        documents.retrieve(people, ["1"], vector_names=["image"])


@pytest.mark.parametrize(
    ("obj", "selected"),
    [
        pytest.param({}, 4, id="everything"),
        pytest.param({"age": 30.0}, 1, id="pushed-down"),
        pytest.param({"field": "age", "operator": "exists", "value": True}, 2, id="evaluated-here"),
        pytest.param({"tags": "y"}, 1, id="any-element-any-case"),
        pytest.param({"name": "none such"}, 0, id="nothing"),
    ],
)
def test_counting_is_exact(documents, people, obj, selected):
    assert documents.count(people, parse_filter(obj)) == selected


@settings(
    max_examples=size(ci=25, full=300),
    deadline=None,
    derandomize=not FULL,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(stored=payloads.st.lists(payloads.payloads, max_size=8), obj=payloads.filters)
def test_a_filter_and_its_not_split_a_collection(documents, fill, stored, obj):
    collection = fill((number, payload, None) for number, payload in enumerate(stored))
    tree, complement = parse_filter(obj), parse_filter({"NOT": [obj]})
    chosen = ids(documents.scroll(collection, tree, page=3))
    rest = ids(documents.scroll(collection, complement, page=3))
    assert sorted(chosen + rest, key=int) == [str(number) for number in range(len(stored))]
    assert chosen == [str(n) for n, payload in enumerate(stored) if matches(tree, payload)]
    assert documents.count(collection, tree) == len(chosen)
    assert documents.delete_points(collection, tree=tree) == len(chosen)
    assert ids(documents.scroll(collection)) == rest
    documents.delete_collection(collection)
