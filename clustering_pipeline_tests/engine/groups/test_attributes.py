import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering_pipeline.engine import aggregate, group_by_attributes, of_labels
from clustering_pipeline.model.errors import EmptySelection

SHOP = [
    {"category": "book", "meta": {"lang": "de"}},
    {"category": "book", "meta": {"lang": "en"}},
    {"category": "toy", "meta": {"lang": "en"}},
    {"category": "book", "meta": {"lang": "en"}},
    {"category": "toy"},
    {"category": None, "meta": {"lang": "en"}},
]


def test_one_group_per_combination_of_values():
    found = group_by_attributes(SHOP, ["category", "meta.lang"])
    assert found.labels.tolist() == [1, 0, 2, 0, -1, -1]
    assert found.values == (("book", "en"), ("book", "de"), ("toy", "en"))
    assert found.missing == 2
    assert found.parents is None


def test_a_hierarchy_has_a_parent_per_first_value():
    found = group_by_attributes(SHOP[:4], ["category", "meta.lang"], hierarchical=True)
    assert found.parents.tolist() == [0, 0, 1, 0]
    assert found.parent_values == (("book",), ("toy",))
    tree = of_labels(found.parents, found.labels)
    assert {node.path: node.rows.tolist() for node in tree.nodes} == {
        (0,): [0, 1, 3],
        (1,): [2],
        (0, 0): [1, 3],
        (0, 1): [0],
        (1, 0): [2],
    }


def test_a_document_without_the_second_value_belongs_to_no_parent_either():
    found = group_by_attributes(SHOP, ["category", "meta.lang"], hierarchical=True)
    assert found.parents.tolist() == [0, 0, 1, 0, -1, -1]


def test_values_of_any_json_type_are_told_apart():
    payloads = [{"v": value} for value in (1, "1", True, [1], {"a": 1}, 1.5, [1])]
    found = group_by_attributes(payloads, ["v"])
    assert found.labels.tolist() == [1, 2, 3, 0, 4, 5, 0]


def test_no_document_is_refused():
    with pytest.raises(EmptySelection):
        group_by_attributes([], ["category"])


@pytest.mark.parametrize(
    ("method", "value"), [("most_frequent", "b"), ("first", "a"), ("last", "c"), (None, "b")]
)
def test_what_stands_for_several_values(method, value):
    assert aggregate([None, "a", "b", "b", "c", None], method) == value


def test_nothing_stands_for_no_value():
    assert aggregate([None, None]) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["x", "y", "ü", ""])), min_size=1))
def test_groups_partition_the_documents(values):
    payloads = [{"a": first, "b": second} for first, second in values]
    found = group_by_attributes(payloads, ["a", "b"])
    assert (found.labels >= 0).all()
    assert [found.values[label] for label in found.labels] == values
    sizes = np.bincount(found.labels)
    assert sizes.tolist() == sorted(sizes, reverse=True)
