"""Whether enough has happened for a trigger to fire."""

import pytest

from clustering_pipeline.automation.triggers import Facts, Verdict, judge_trigger
from clustering_pipeline.model.automation.triggers import TriggerRecord
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline_tests.automation.facts import NOON, ago


def trigger(kind: str, config: dict, **changes) -> TriggerRecord:
    return TriggerRecord(
        trigger_id="trig_1",
        cluster_id="clust_1",
        execution_config={},
        trigger_type=kind,
        schedule_config=config,
        created_at=NOON,
        updated_at=NOON,
        **LOCAL.fields(),
        **changes,
    )


def facts(**changes) -> Facts:
    given = {
        "documents": 100,
        "batches": 4,
        "published_run_id": "run_1",
        "published_documents": 80,
        "selected": lambda: 100,
        "metrics": {"silhouette_score": 0.4, "noise_ratio": None},
        "drift": {"share_far": 0.3, "mean_cosine": 0.05}.__getitem__,
    }
    return Facts(**{**given, **changes})


def verdict(one: TriggerRecord, seen: Facts) -> Verdict:
    return judge_trigger(one, one.schedule, seen, NOON)


@pytest.mark.parametrize(
    ("event", "threshold", "state", "expected"),
    [
        pytest.param("batch_completed", 1, {"seen_batches": 4}, (False, 0), id="no-batch"),
        pytest.param("batch_completed", 1, {"seen_batches": 3}, (True, 1), id="a-batch"),
        pytest.param("batch_completed", 3, {"seen_batches": 2}, (False, 2), id="too-few"),
        pytest.param("documents_added", 10, {}, (False, 0), id="first-look"),
        pytest.param("documents_added", 10, {"seen_documents": 90}, (True, 10), id="added"),
        pytest.param("documents_added", 1, {"seen_documents": 200}, (False, 0), id="fewer"),
        pytest.param("documents_updated", 5, {"updates": 7}, (True, 7), id="updated"),
        pytest.param(
            "batch_completed",
            1,
            {"seen_batches": 0, "last_triggered_at": ago(299)},
            (False, 4),
            id="cooling",
        ),
        pytest.param(
            "batch_completed",
            1,
            {"seen_batches": 0, "last_triggered_at": ago(300)},
            (True, 4),
            id="cooled",
        ),
    ],
)
def test_events_are_counted_since_it_last_fired(event, threshold, state, expected):
    one = trigger("event", {"event_type": event, "event_threshold": threshold}, **state)
    found = verdict(one, facts())
    assert (found.fires, found.counter) == expected


@pytest.mark.parametrize(
    ("config", "seen", "fires"),
    [
        pytest.param({"condition_type": "volume", "threshold": 20}, {}, True, id="so-many"),
        pytest.param({"condition_type": "volume", "threshold": 21}, {}, False, id="not-so-many"),
        pytest.param({"condition_type": "volume", "threshold": 0.25}, {}, True, id="a-quarter"),
        pytest.param({"condition_type": "volume", "threshold": 0.3}, {}, False, id="not-a-third"),
        pytest.param({"condition_type": "quality", "threshold": 0.5}, {}, True, id="poor"),
        pytest.param({"condition_type": "quality", "threshold": 0.4}, {}, False, id="good"),
        pytest.param(
            {"condition_type": "quality", "metric": "noise_ratio", "threshold": 1.0},
            {},
            False,
            id="no-such-number",
        ),
        pytest.param({"condition_type": "drift", "threshold": 0.3}, {}, True, id="far"),
        pytest.param(
            {"condition_type": "drift", "metric": "mean_cosine", "threshold": 0.3},
            {},
            False,
            id="not-far",
        ),
        pytest.param(
            {"condition_type": "volume", "threshold": 1},
            {"published_run_id": None},
            False,
            id="never-run",
        ),
    ],
)
def test_a_condition_is_about_the_published_groups(config, seen, fires):
    assert verdict(trigger("conditional", config), facts(**seen)).fires is fires


def test_a_rerun_that_did_not_help_is_not_repeated():
    one = trigger(
        "conditional", {"condition_type": "quality", "threshold": 0.5}, judged_run_id="run_1"
    )
    assert not verdict(one, facts()).fires
    assert verdict(one, facts(published_run_id="run_2")).fires
    failed = one.model_copy(update={"last_execution_status": "failed"})
    assert verdict(failed, facts()).fires


@pytest.mark.parametrize(("condition", "fires"), [("quality", False), ("volume", True)])
def test_groups_of_its_own_are_judged_by_what_has_come_since(condition, fires):
    config = {"condition_type": condition, "threshold": 0.5 if condition == "quality" else 20}
    one = trigger("conditional", config, judged_run_id="run_0", last_execution_job_id="run_1")
    assert verdict(one, facts()).fires is fires
