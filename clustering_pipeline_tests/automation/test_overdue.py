"""What a definition promises by when."""

from datetime import timedelta

import pytest

from clustering_pipeline.automation.overdue import (
    CENTURY_SECONDS,
    batches_due,
    first_behind,
    trigger_due,
)
from clustering_pipeline.model.automation.triggers import TriggerRecord, TriggerStatus
from clustering_pipeline.model.definitions.automation import Overdue
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline_tests.automation.facts import NOON, ago, automatic


@pytest.mark.parametrize(
    ("changes", "lag", "expected"),
    [
        pytest.param({}, {}, {}, id="nothing-behind"),
        pytest.param(
            {},
            {"col_a": 1},
            {"a batch has completed that no run has dealt with": ago(900)},
            id="one-batch",
        ),
        pytest.param(
            {"settled": {"col_a": 1}},
            {"col_a": 2},
            {"2 batches have completed that no run has dealt with": ago(300)},
            id="the-oldest-that-is-behind",
        ),
        pytest.param(
            {"batch_run_at": ago(1000), "cooldown_seconds": 600},
            {"col_a": 1},
            {"a batch has completed that no run has dealt with": ago(400)},
            id="since-the-cooldown-ended",
        ),
        pytest.param(
            {"batch_run_at": ago(100), "cooldown_seconds": 600},
            {"col_a": 1},
            {"a batch has completed that no run has dealt with": NOON + timedelta(seconds=500)},
            id="not-before-the-cooldown-ends",
        ),
        pytest.param(
            {"batch_run_at": ago(0), "cooldown_seconds": 2**62},
            {"col_a": 1},
            {
                "a batch has completed that no run has dealt with": NOON
                + timedelta(seconds=CENTURY_SECONDS)
            },
            id="a-cooldown-without-end",
        ),
        pytest.param(
            {"failures": 3},
            {"col_a": 1},
            {
                "a batch has completed that no run has dealt with, after 3 failures in a row": ago(
                    900
                )
            },
            id="failures",
        ),
        pytest.param(
            {"collection_ids": ("col_a", "col_b")},
            {"col_b": 1, "col_a": 1},
            {"2 batches have completed that no run has dealt with": ago(900)},
            id="several-collections",
        ),
        pytest.param({}, {"col_gone": 1}, {}, id="a-batch-that-is-gone"),
    ],
)
def test_batches_are_due_at_once_or_after_the_cooldown(changes, lag, expected):
    completed_at = {
        (LOCAL, "col_a", 1): ago(900),
        (LOCAL, "col_a", 2): ago(300),
        (LOCAL, "col_b", 1): ago(200),
    }
    assert batches_due(automatic(**changes), lag, completed_at) == expected


def test_the_first_batch_behind_follows_the_last_one_settled():
    definition = automatic(settled={"col_a": 4})
    assert first_behind(definition, {"col_a": 2, "col_b": 1}) == [
        (LOCAL, "col_a", 5),
        (LOCAL, "col_b", 1),
    ]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (TriggerStatus.ACTIVE, "trig_1 (cron) has not run at its time"),
        (
            TriggerStatus.FAILED,
            "trig_1 (cron) has not run at its time; it has stopped after five failures in a row",
        ),
    ],
)
def test_a_trigger_is_due_at_its_time(status, expected):
    trigger = TriggerRecord(
        trigger_id="trig_1",
        cluster_id="clust_1",
        organization_id=LOCAL.organization_id,
        namespace_id=LOCAL.namespace_id,
        execution_config={},
        trigger_type="cron",
        schedule_config={"cron_expression": "0 * * * *"},
        status=status,
        next_run_at=ago(60),
        created_at=NOON,
        updated_at=NOON,
    )
    assert trigger_due(trigger) == {expected: ago(60)}
    assert trigger_due(trigger.changed(next_run_at=None)) == {}


def test_what_is_overdue_is_so_since_the_first_of_it_was_due():
    found = Overdue.of({"the second": ago(10), "the first": ago(20)})
    assert found == Overdue(since=ago(20), reasons=["the first", "the second"])
