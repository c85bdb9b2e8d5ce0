import math
from uuid import UUID

import numpy as np
import pytest

from clustering_pipeline.model.errors import DocumentsRefused, UnknownVector
from clustering_pipeline_tests.sizes import size

SOME = size(ci=1300, full=20_000)


@pytest.fixture
def numbered(documents, fill):
    collection = fill([])
    vectors = np.arange(3 * SOME, dtype=np.float32).reshape(SOME, 3)
    payloads = [{"n": number, "stale": "x", "a.b": 1, "keep": [1]} for number in range(SOME)]
    documents.upsert(collection, list(range(SOME)), {"text": vectors}, payloads)
    return collection


def payload_of(documents, collection, point_id):
    return documents.retrieve(collection, [str(point_id)])[0].payload


def test_points_are_stored_whole(documents, numbered):
    assert documents.points(numbered) == SOME
    (point,) = documents.retrieve(numbered, ["7"], vector_names=["text"])
    assert point.payload == {"n": 7, "stale": "x", "a.b": 1, "keep": [1]}
    assert point.vectors["text"].tolist() == [21, 22, 23]


def test_ids_are_numbers_and_uuids_as_values_and_as_text(documents, fill):
    collection = fill([])
    ids = [3, "4", str(UUID(int=5)), UUID(int=6).hex, 2**64 - 1]
    documents.upsert(collection, ids, {}, [{}] * len(ids))
    (page,) = documents.scroll(collection)
    assert [point.id for point in page] == [
        "3",
        "4",
        "18446744073709551615",
        str(UUID(int=5)),
        str(UUID(int=6)),
    ]


def test_each_point_gets_its_own_fields_beside_those_it_has(documents, numbered):
    done = []
    updates = ((n, {"cluster_id": f"cl_{n}", "ü": {"x": [n, None, 0.5]}}) for n in range(SOME))
    report = documents.write_payloads(numbered, updates, progress=done.append)
    assert (report.written, report.failed, report.failures) == (SOME, 0, ())
    assert done == sorted(done)
    assert done[-1] == SOME
    for n in (0, 501, SOME - 1):
        assert payload_of(documents, numbered, n) == {
            "n": n,
            "stale": "x",
            "a.b": 1,
            "keep": [1],
            "cluster_id": f"cl_{n}",
            "ü": {"x": [n, None, 0.5]},
        }


def test_removed_keys_are_literal_and_yield_to_what_is_set(documents, numbered):
    report = documents.write_payloads(
        numbered,
        [("1", {"stale": "new"}), ("2", {"other": 1}), ("3", {})],
        remove_keys=["stale", "a.b", "never there"],
    )
    assert report.written == 3
    assert [payload_of(documents, numbered, n) for n in (1, 2, 3)] == [
        {"n": 1, "stale": "new", "keep": [1]},
        {"n": 2, "other": 1, "keep": [1]},
        {"n": 3, "keep": [1]},
    ]


def test_one_value_for_many_points(documents, numbered):
    report = documents.write_shared(
        numbered, range(SOME - 1), {"cluster_id": "cl_0"}, remove_keys=["stale"]
    )
    assert report.written == SOME - 1
    assert payload_of(documents, numbered, 0) == {
        "n": 0,
        "a.b": 1,
        "keep": [1],
        "cluster_id": "cl_0",
    }
    assert "cluster_id" not in payload_of(documents, numbered, SOME - 1)


def test_nothing_to_write_writes_nothing(documents, numbered):
    for report in (
        documents.write_payloads(numbered, []),
        documents.write_shared(numbered, [], {"a": 1}),
    ):
        assert (report.written, report.failed) == (0, 0)


def test_a_point_that_fails_is_named_and_the_others_are_written(documents, numbered):
    bad = {5: {"x": math.nan}, 17: {"x": object()}, 40: {"x": 2**70}}
    updates = [(n, bad.get(n, {"new": n})) for n in range(60)] + [("999999", {"new": 1})]
    report = documents.write_payloads(numbered, updates)
    assert (report.written, report.failed) == (57, 4)
    assert [point_id for point_id, _ in report.failures] == ["5", "17", "40", "999999"]
    assert "999999" in report.failures[-1][1]
    assert payload_of(documents, numbered, 59)["new"] == 59
    assert "new" not in payload_of(documents, numbered, 5)


def test_many_failures_are_counted_and_ten_named(documents, numbered):
    report = documents.write_shared(numbered, range(SOME - 5, SOME + 20), {"x": 1})
    assert (report.written, report.failed, len(report.failures)) == (5, 20, 10)
    assert report.failures[0][0] == str(SOME)


class Stop(Exception):
    """What a check raises to stop."""


def test_a_check_stops_the_writing(documents, numbered):
    seen = []

    def check():
        seen.append(1)
        raise Stop

    with pytest.raises(Stop):
        documents.write_payloads(numbered, ((n, {"x": 1}) for n in range(SOME)), check=check)
    assert seen == [1]


def test_a_vector_that_does_not_fit_is_refused(documents, fill):
    collection = fill([])
    with pytest.raises(DocumentsRefused, match="expected dim: 3, got 2"):
        documents.upsert(collection, [1], {"text": np.ones((1, 2), np.float32)}, [{}])
    with pytest.raises(UnknownVector, match="image; it has: text"):
        documents.upsert(collection, [1], {"image": np.ones((1, 3), np.float32)}, [{}])


def test_points_are_deleted_by_id(documents, numbered):
    assert documents.delete_points(numbered, point_ids=["1", 2]) == 2
    assert documents.points(numbered) == SOME - 2
    assert documents.delete_points(numbered) == SOME - 2
    assert documents.points(numbered) == 0
