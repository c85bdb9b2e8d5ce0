"""Every operator against every awkward value, in one corpus, on a real server."""

from itertools import islice, product

import pytest
from qdrant_client import models

from clustering_pipeline.model.filters.semantics import matches
from clustering_pipeline.model.filters.tree import Operator, parse_filter
from clustering_pipeline.stores.documents.pushdown import share_out
from clustering_pipeline_tests.sizes import size
from clustering_pipeline_tests.stores.documents.evaluation import indexes, selected

SCALARS = (
    *(None, True, False, 0, 1, 1.0, 0.5, -1, 2**53, 2**53 + 1, 2**63 - 1, 1e300),
    *("", "a", "A", "red fox", "RED Fox", "fox red", "straße", "STRASSE", "İ", "i\u0307", "\u0307"),
    *("社会保障", "2024", "x 2024 y", "true", "1", "😀", "e\u0301", "é"),
    *("2024-01-01", "2024-01-01T00:00:00Z", "2024-01-01T01:00:00+01:00", "2024-01-01T00:00Z"),
    *(
        "2024-01-01 00:00",
        "2024-01-01T00:00:00.0000009Z",
        "2023-12-31T23:59:59.999999",
        "2024-02-30",
    ),
    "12345678-1234-1234-1234-123456789ABC",
    "12345678-1234-1234-1234-123456789abc",
)
LISTS = ([], [None], [1, "A"], [[1]], [[]], ["red", "fox"], ["2024-01-01T00:00:00Z"], [True], [0.5])
OBJECTS = ({}, {"b": 1}, {"b": None}, {"b": ["A"]}, {"b": {"b": 1}})
STORED = (*SCALARS, *LISTS, *OBJECTS)
CORPUS = (
    {},
    *({"a": value} for value in STORED),
    *({"a": {"b": value}} for value in STORED),
    *({"a": [{"b": value}, {"b": "other"}, {}]} for value in STORED),
    *({"a": [{"b": [{"b": value}]}]} for value in (*LISTS, "A", 1)),
    {"a.b": 1, "a[0]": 1},
    {"a.b": "A"},
)
FIELDS = ("a", "a.b", "a.b.b", '"a.b"', "a[0]")
COMPARED = (Operator.EQ, Operator.NE, Operator.CONTAINS)
ORDERED = (Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)
TEXTUAL = (
    *(Operator.STARTS_WITH, Operator.ENDS_WITH),
    *(Operator.TEXT, Operator.WORDS, Operator.PHRASE),
)
STRINGS = tuple(value for value in SCALARS if isinstance(value, str))
NUMBERS = tuple(v for v in SCALARS if isinstance(v, int | float) and not isinstance(v, bool))
MEMBERS = ([], [None, "a"], [1, 0.5], ["A", "red fox"], [True], ["2024-01-01", 2**53])


def conditions():
    yield from product(COMPARED, (*SCALARS, [1, "A"], {"b": 1}))
    yield from product(ORDERED, (*STRINGS, *NUMBERS))
    yield from product(TEXTUAL, STRINGS)
    yield from product((Operator.IN, Operator.NIN), MEMBERS)
    yield from product((Operator.EXISTS, Operator.IS_NULL), (True, False))
    yield from product((Operator.REGEX,), ("^re", "社", "é$"))


@pytest.fixture(params=["none", "keyword", "integer", "float", "bool", "datetime", "text", "uuid"])
def collection(request, qdrant, documents):
    name = f"grid-{request.param}"
    documents.create_collection(name, {"v": 1})
    if request.param != "none":
        for field in ("a", "a.b", "a[].b"):
            qdrant.create_payload_index(name, field, models.PayloadSchemaType(request.param))
    documents.upsert(name, range(len(CORPUS)), {}, CORPUS)
    return name


def test_qdrant_and_python_select_the_same(qdrant, collection):
    known = indexes(qdrant, collection)
    step = size(ci=16 if known else 4, full=1)
    wrong = []
    for field, (operator, value), case in islice(
        product(FIELDS, conditions(), (False, True)), len(collection) % step, None, step
    ):
        condition = {"field": field, "operator": operator, "value": value, "case_sensitive": case}
        tree = parse_filter({"AND": [condition]})
        found = selected(qdrant, collection, share_out(tree, indexes=known))
        expected = [n for n, payload in enumerate(CORPUS) if matches(tree, payload)]
        wrong += [] if found == expected else [(condition, set(found) ^ set(expected))]
    assert wrong == []
