import re

import pytest

from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import BatchNotFound, CollectionNotFound, StateConflict
from clustering_pipeline.model.scope import LOCAL, Scope

ELSEWHERE = Scope(organization_id="int_local", namespace_id="ns_other")


@pytest.fixture
def letters(catalog):
    return catalog.collections.register(
        LOCAL, validate(RegisterCollectionRequest, {"collection_name": "letters"})
    )


def test_a_batch_is_open_until_it_ends(catalog, speeches):
    made = catalog.batches.open(LOCAL, ["speeches"])
    assert (made.status, made.collection_ids) == ("open", [speeches.collection_id])
    assert catalog.batches.get(LOCAL, made.batch_id) == made
    assert catalog.batches.completed(LOCAL, [speeches.collection_id]) == {speeches.collection_id: 0}


def test_completed_batches_count_in_the_order_they_complete(catalog, speeches):
    first, second = (catalog.batches.open(LOCAL, ["speeches"]) for _ in range(2))
    assert catalog.batches.complete(LOCAL, second.batch_id).completions[0].number == 1
    assert catalog.batches.complete(LOCAL, first.batch_id).completions[0].number == 2
    assert catalog.batches.completed(LOCAL, [speeches.collection_id]) == {speeches.collection_id: 2}


def test_completing_twice_counts_once(catalog, speeches):
    made = catalog.batches.open(LOCAL, ["speeches"])
    done = catalog.batches.complete(LOCAL, made.batch_id)
    assert catalog.batches.complete(LOCAL, made.batch_id) == done
    assert catalog.batches.completed(LOCAL, [speeches.collection_id]) == {speeches.collection_id: 1}


def test_a_batch_of_two_collections_counts_in_each(catalog, speeches, letters):
    alone = catalog.batches.open(LOCAL, ["letters"])
    both = catalog.batches.open(LOCAL, ["speeches", "letters"])
    catalog.batches.complete(LOCAL, alone.batch_id)
    catalog.batches.complete(LOCAL, both.batch_id)
    counted = catalog.batches.completed(LOCAL, [speeches.collection_id, letters.collection_id])
    assert counted == {speeches.collection_id: 1, letters.collection_id: 2}


def test_the_open_batch_of_collections_is_completed_or_a_new_one(catalog, speeches, letters):
    both = ["letters", speeches.collection_id]
    opened = catalog.batches.open(LOCAL, ["speeches", "letters"])
    assert catalog.batches.complete_open(LOCAL, both).batch_id == opened.batch_id
    anew = catalog.batches.complete_open(LOCAL, ["letters"])
    assert (anew.status, anew.collection_ids) == ("completed", [letters.collection_id])
    assert catalog.batches.list(LOCAL, letters.collection_id) == [
        anew,
        catalog.batches.get(LOCAL, opened.batch_id),
    ]


def test_which_of_several_open_batches_is_meant_is_to_be_said(catalog, speeches, letters):
    both = catalog.batches.open(LOCAL, ["speeches", "letters"])
    one_of_both = f"{both.batch_id} is open, and of {', '.join(both.collection_ids)}: "
    with pytest.raises(StateConflict, match=one_of_both):
        catalog.batches.complete_open(LOCAL, ["letters"])
    other = catalog.batches.open(LOCAL, ["letters"])
    with pytest.raises(StateConflict, match="2 batches are open there: complete each") as refused:
        catalog.batches.complete_open(LOCAL, ["letters"])
    assert {both.batch_id, other.batch_id} <= set(re.findall(r"batch_\w+", str(refused.value)))
    counted = catalog.batches.completed(LOCAL, [speeches.collection_id, letters.collection_id])
    assert set(counted.values()) == {0}


def records_read(database) -> int:
    return database.command("serverStatus")["metrics"]["queryExecutor"]["scannedObjects"]


def test_however_many_completed_the_last_of_each_collection_are_read(
    catalog, database, speeches, letters
):
    def complete(*names: str) -> None:
        catalog.batches.complete(LOCAL, catalog.batches.open(LOCAL, names).batch_id)

    complete("speeches", "letters")
    for _ in range(20):
        complete("speeches")
    complete("letters")
    for _ in range(3):
        catalog.batches.open(LOCAL, ["letters"])
    last = {speeches.collection_id: 21, letters.collection_id: 2}
    before = records_read(database)
    assert catalog.batches.completed_everywhere() == {LOCAL: last}
    assert records_read(database) - before == 2
    assert catalog.batches.completed(LOCAL, list(last)) == last
    assert records_read(database) - before == 4


def test_batches_from_before_the_mark_count_and_are_marked_in_time(catalog, database, speeches):
    made = [catalog.batches.open(LOCAL, ["speeches"]).batch_id for _ in range(8)]
    done = [catalog.batches.complete(LOCAL, one) for one in made[:7]]
    # As an earlier version wrote them, or one that ended between its two writes.
    database["batches"].update_many({}, {"$unset": {"completions.$[].overtaken": ""}})
    assert catalog.batches.completed_everywhere() == {LOCAL: {speeches.collection_id: 7}}
    assert catalog.batches.complete(LOCAL, made[7]).completions[0].number == 8
    before = records_read(database)
    assert catalog.batches.completed_everywhere() == {LOCAL: {speeches.collection_id: 8}}
    assert records_read(database) - before == 1
    assert [catalog.batches.get(LOCAL, one) for one in made[:7]] == done


def test_when_batches_completed_is_told_by_their_numbers(catalog, speeches, letters):
    alone = catalog.batches.open(LOCAL, ["letters"])
    both = catalog.batches.open(LOCAL, ["speeches", "letters"])
    first = catalog.batches.complete(LOCAL, alone.batch_id).ended_at
    second = catalog.batches.complete(LOCAL, both.batch_id).ended_at
    catalog.batches.open(LOCAL, ["letters"])
    letter, speech = letters.collection_id, speeches.collection_id
    # More than are asked for in one question.
    others = {(LOCAL, letter, number) for number in range(3, 1200)}
    wanted = {(LOCAL, letter, 1), (LOCAL, letter, 2), (LOCAL, speech, 1), (ELSEWHERE, letter, 1)}
    assert catalog.batches.completed_at(wanted | others) == {
        (LOCAL, letter, 1): first,
        (LOCAL, letter, 2): second,
        (LOCAL, speech, 1): second,
    }
    assert catalog.batches.completed_at({(LOCAL, letter, 2)}) == {(LOCAL, letter, 2): second}
    assert catalog.batches.completed_at(set()) == {}


def test_a_failed_batch_counts_nothing_and_stays_failed(catalog, speeches):
    made = catalog.batches.open(LOCAL, ["speeches"])
    failed = catalog.batches.fail(LOCAL, made.batch_id, "disk full")
    assert (failed.status, failed.error) == ("failed", "disk full")
    assert catalog.batches.fail(LOCAL, made.batch_id, "again") == failed
    with pytest.raises(StateConflict, match="has failed already"):
        catalog.batches.complete(LOCAL, made.batch_id)
    assert catalog.batches.completed(LOCAL, [speeches.collection_id]) == {speeches.collection_id: 0}


def test_a_completed_batch_cannot_fail(catalog, speeches):
    made = catalog.batches.open(LOCAL, ["speeches"])
    catalog.batches.complete(LOCAL, made.batch_id)
    with pytest.raises(StateConflict, match="has completed already"):
        catalog.batches.fail(LOCAL, made.batch_id, "too late")


def test_batches_are_listed_newest_first(catalog, speeches, letters):
    made = [catalog.batches.open(LOCAL, ["speeches"]) for _ in range(3)]
    catalog.batches.open(LOCAL, ["letters"])
    assert catalog.batches.list(LOCAL, speeches.collection_id) == made[::-1]


def test_a_page_of_batches_reads_no_other(catalog, database, speeches):
    made = [catalog.batches.open(LOCAL, ["speeches"]) for _ in range(9)]
    before = records_read(database)
    page = catalog.batches.list(LOCAL, speeches.collection_id, limit=2, offset=1)
    assert page == [made[7], made[6]]
    assert records_read(database) - before <= 3
    assert catalog.batches.count(LOCAL, speeches.collection_id) == 9
    assert catalog.batches.list(LOCAL, speeches.collection_id, limit=2, offset=9) == []


def test_what_is_not_there_is_not_found(catalog, speeches):
    made = catalog.batches.open(LOCAL, ["speeches"])
    for scope, batch_id in ((LOCAL, "batch_9"), (ELSEWHERE, made.batch_id)):
        for call in (catalog.batches.get, catalog.batches.complete):
            with pytest.raises(BatchNotFound):
                call(scope, batch_id)
    with pytest.raises(CollectionNotFound):
        catalog.batches.open(LOCAL, ["unknown"])
