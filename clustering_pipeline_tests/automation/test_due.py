"""Whether a definition is due, and what holds it back."""

import pytest

from clustering_pipeline.automation.due import (
    begun,
    behind,
    ended,
    failed,
    judge,
    retry_left,
    thresholds_passed,
)
from clustering_pipeline.model.definitions.automation import Assigned, Automation, FullRunThresholds
from clustering_pipeline_tests.automation.facts import NOON, ago, automatic
from clustering_pipeline_tests.model.factories import cluster, execution, request

COOLING = "the cooldown has 3000 s left, until 2026-11-21 12:50:00 UTC"


@pytest.mark.parametrize(
    ("settled", "completed", "expected"),
    [
        pytest.param({}, {}, {}, id="nothing"),
        pytest.param({}, {"col_a": 2}, {"col_a": 2}, id="never-run"),
        pytest.param({"col_a": 2}, {"col_a": 2}, {}, id="settled"),
        pytest.param({"col_a": 2}, {"col_a": 3}, {"col_a": 1}, id="one-more"),
        pytest.param({"col_a": 3}, {"col_a": 2}, {}, id="ahead"),
        pytest.param({}, {"col_c": 5}, {}, id="of-another-collection"),
        pytest.param({"col_a": 9}, {"col_a": 9, "col_b": 1}, {"col_b": 1}, id="each-for-itself"),
    ],
)
def test_what_is_behind_is_compared_per_collection(settled, completed, expected):
    definition = automatic(collection_ids=("col_a", "col_b"), settled=settled)
    assert behind(definition, completed) == expected


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        pytest.param({}, {}, [], id="due"),
        pytest.param({"batch_run_at": ago(3600)}, {}, [], id="cooldown-over"),
        pytest.param({"batch_run_at": ago(600)}, {}, [COOLING], id="cooldown"),
        pytest.param({"batch_run_at": ago(1), "cooldown_seconds": 0}, {}, [], id="no-cooldown"),
        pytest.param({"holder": "run_9"}, {}, ["run_9 is under way"], id="held"),
        pytest.param({}, {"in_flight": "run_8"}, ["run_8 is under way"], id="queued"),
        pytest.param(
            {"failures": 1, "failed_at": ago(20)},
            {},
            ["it failed and is tried again in 100 s at 2026-11-21 12:01:40 UTC"],
            id="failed",
        ),
        pytest.param({"failures": 1, "failed_at": ago(120)}, {}, [], id="tried-again"),
        pytest.param(
            {"min_documents": 10},
            {"documents": 7},
            ["3 documents are missing to the threshold"],
            id="too-few",
        ),
        pytest.param({"min_documents": 10}, {"documents": 10}, [], id="enough"),
        pytest.param({"archived": True}, {}, ["it is archived"], id="archived"),
        pytest.param(
            {"holder": "run_9", "batch_run_at": ago(600)},
            {},
            ["run_9 is under way", COOLING],
            id="both",
        ),
    ],
)
def test_what_holds_back_is_said(changes, options, expected):
    standing = judge(automatic(**changes), {"col_a": 1}, NOON, **options)
    assert (standing.reasons, standing.due) == (expected, not expected)


def test_without_a_new_batch_nothing_is_due():
    standing = judge(automatic(), {}, NOON)
    assert (standing.due, standing.reasons) == (
        False,
        ["no batch has completed since the last run"],
    )


def test_each_failure_doubles_the_wait_up_to_an_hour():
    waits = [
        retry_left(automatic(failures=n, failed_at=NOON), NOON) for n in (0, 1, 2, 3, 5, 6, 9_999)
    ]
    assert waits == [0, 120, 240, 480, 1920, 3600, 3600]


def test_only_automatic_runs_start_the_cooldown():
    assert begun(Automation(), "batch", NOON, mode="full").batch_run_at == NOON
    assert begun(Automation(), "batch", NOON, mode="assign") == Automation()
    assert begun(Automation(), "manual", NOON, mode="full") == Automation()


BEFORE = Automation(settled={"col_a": 1}, failures=2, failed_at=ago(60))
SETTLED = Automation(settled={"col_a": 4})
AGAIN = BEFORE.model_copy(update={"failures": 3, "failed_at": NOON, "failed_in_full": True})
READ = {"covered_batches": {"col_a": 4}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"status": "completed", **READ}, SETTLED, id="completed"),
        pytest.param(
            {"status": "failed", "failure_category": "input_rejected", **READ},
            SETTLED,
            id="nothing-to-cluster",
        ),
        pytest.param(
            {"status": "failed", "failure_category": "internal", **READ}, AGAIN, id="failed"
        ),
        pytest.param({"status": "canceled", **READ}, AGAIN, id="cancelled"),
        pytest.param({"status": "failed"}, AGAIN, id="failed-before-it-read"),
        pytest.param({"status": "completed"}, BEFORE, id="read-nothing"),
        pytest.param({"status": "failed", "trigger": "manual", **READ}, BEFORE, id="manual-failed"),
        pytest.param(
            {"status": "completed", "trigger": "manual", **READ}, SETTLED, id="manual-completed"
        ),
        pytest.param(
            {"status": "completed", "covered_batches": {"col_a": 0}},
            Automation(settled={"col_a": 1}),
            id="never-back",
        ),
    ],
)
def test_the_end_of_a_run_settles_its_batches_or_not(changes, expected):
    record = cluster(automation=BEFORE)
    run = execution(**{"trigger": "batch", **changes})
    assert ended(record, run, NOON) == expected


def test_a_run_over_other_filters_settles_nothing():
    record = cluster(request(cluster_name="topics", filters={"kind": "a"}), automation=BEFORE)
    spec = cluster().resolved()
    automation = ended(record, execution(status="completed", spec=spec, **READ), NOON)
    assert (automation.settled, automation.failures) == (BEFORE.settled, BEFORE.failures)
    assert automation.full_of != record.spec.grouping


def test_failures_are_counted():
    assert failed(Automation(), NOON) == Automation(failures=1, failed_at=NOON)


FOUND = Assigned(run_id="run_1", documents=100, novelty_pool=10, new=60, changes=60, drift=0.2)


@pytest.mark.parametrize(
    ("limits", "changes", "expected"),
    [
        pytest.param({"drift": 2.0}, {}, [], id="no-more-than-the-share"),
        pytest.param({"drift": 2.0, "novelty_share": 0.0}, {}, ["pool"], id="any-document"),
        pytest.param({"drift": 2.0, "novelty_share": 1.0}, {}, [], id="never"),
        pytest.param({}, {}, ["cosine"], id="drift"),
        pytest.param({}, {"assigned": FOUND.model_copy(update={"new": 49})}, [], id="of-too-few"),
        pytest.param({"drift": 2.0, "age_seconds": 60}, {}, ["older"], id="age"),
        pytest.param(
            {"drift": 2.0, "age_seconds": 60},
            {"assigned": FOUND.model_copy(update={"changes": 0})},
            [],
            id="age-of-what-has-not-changed",
        ),
        pytest.param({}, {"published": "run_0"}, [], id="of-a-run-that-was-rolled-back"),
        pytest.param({}, {"mode": "assign"}, [], id="never-asked-for"),
    ],
)
def test_thresholds_are_passed_by_what_lies_above_them(limits, changes, expected):
    known = {"mode": "auto", "published": "run_1", "assigned": FOUND, "full_run_at": ago(100)}
    definition = automatic(thresholds=FullRunThresholds(**limits), **(known | changes))
    reasons = thresholds_passed(definition, NOON)
    assert [word for word in ("pool", "cosine", "older") if word in " ".join(reasons)] == expected
    assert judge(definition, {}, NOON).due == bool(expected)
