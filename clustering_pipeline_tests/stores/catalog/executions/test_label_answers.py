"""Answers of models: kept for a while, each namespace its own."""

from datetime import UTC, datetime, timedelta

from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.stores.catalog import Catalog

DAY = 86_400
START = datetime(2026, 11, 21, tzinfo=UTC)
OTHER = Scope(organization_id=LOCAL.organization_id, namespace_id="ns_other")


def test_nothing_is_known_at_first(catalog):
    assert catalog.label_answers.find(LOCAL, ["a"], seconds=DAY) == {}
    assert catalog.label_answers.find(LOCAL, [], seconds=DAY) == {}


def test_what_was_kept_is_found_and_the_last_answer_counts(catalog):
    catalog.label_answers.keep(LOCAL, {"a": "1", "b": "2"}, seconds=DAY)
    catalog.label_answers.keep(LOCAL, {"a": "3"}, seconds=DAY)
    assert catalog.label_answers.find(LOCAL, ["a", "b", "c"], seconds=DAY) == {"a": "3", "b": "2"}


def test_another_namespace_sees_nothing_of_it(catalog):
    catalog.label_answers.keep(LOCAL, {"a": "1"}, seconds=DAY)
    assert catalog.label_answers.find(OTHER, ["a"], seconds=DAY) == {}


def test_an_answer_is_used_as_long_as_both_who_kept_and_who_asks_allow(database):
    now = [START]
    answers = Catalog(database, clock=lambda: now[0]).label_answers
    answers.keep(LOCAL, {"a": "1"}, seconds=DAY)
    now[0] += timedelta(seconds=100)
    assert answers.find(LOCAL, ["a"], seconds=50) == {}
    assert answers.find(LOCAL, ["a"], seconds=10 * DAY) == {"a": "1"}
    now[0] += timedelta(seconds=DAY)
    assert answers.find(LOCAL, ["a"], seconds=10 * DAY) == {}


def test_mongodb_removes_expired_ones_itself(database, catalog):
    catalog.label_answers.keep(LOCAL, {"a": "1"}, seconds=DAY)
    (kept,) = database["label_answers"].find()
    times = database["label_answers"].index_information().values()
    assert kept["expires_at"] - kept["made_at"] == timedelta(days=1)
    assert [one["key"] for one in times if one.get("expireAfterSeconds") == 0] == [
        [("expires_at", 1)]
    ]
