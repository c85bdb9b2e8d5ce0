"""Batches, triggers and the archive, from the command line."""

import pytest

from clustering_pipeline.cli.session import open_session
from clustering_pipeline_tests.cli.command import run

URI = "mixpeek://text@v1/embedding"


@pytest.fixture(scope="module")
def collection(file) -> str:
    return run("collections", "load", file, "--name", "arrivals", "--json").json["collection_id"]


@pytest.fixture(scope="module")
def cluster(collection) -> str:
    made = run(
        *("clusters", "create", "--name", "arriving", "--collection", "arrivals"),
        *("--feature-uri", URI, "--method", "kmeans", "--params", '{"n_clusters": 2}', "--json"),
    ).json["cluster_id"]
    assert run("clusters", "update", made, "--set", "auto_execute_on_batch=true").code == 0
    assert run("clusters", "update", made, "--set", "auto_execute_min_documents=60").code == 0
    return made


def automation(cluster: str) -> dict:
    return run("clusters", "get", cluster, "--json").json["automation"]


def test_a_completed_batch_is_counted_and_says_what_waits(collection, cluster):
    assert automation(cluster)["waits_for"] == [
        "no batch has completed since the last run",
        "10 documents are missing to the threshold",
    ]
    opened = run("batches", "open", "arrivals", "--json").json
    assert opened["status"] == "open"
    for _ in range(2):
        done = run("batches", "complete", opened["batch_id"], "--json").json
        assert (done["status"], done["completions"][0]["number"]) == ("completed", 1)
    told = automation(cluster)
    assert (told["batches_behind"], told["documents_missing"]) == ({collection: 1}, 10)
    assert told["waits_for"] == ["10 documents are missing to the threshold"]
    shown = run("clusters", "get", cluster).fields
    assert shown["automation"] == (
        "on; 1 completed batch to deal with; 10 documents are missing to the threshold"
    )
    assert shown["runs_by_itself"] == (
        "after a completed batch, from 60 documents on, every 3,600 s at most"
    )


def test_a_batch_is_completed_at_once_or_given_up(collection):
    assert run("batches", "complete", "--collection", "arrivals", "--json").json["status"] == (
        "completed"
    )
    opened = run("batches", "open", "arrivals", "--json").json["batch_id"]
    done = run("batches", "complete", "--collection", collection, "--json").json
    assert (done["batch_id"], done["status"]) == (opened, "completed")
    opened = run("batches", "open", collection, "--json").json["batch_id"]
    other = run("batches", "open", collection, "--json").json["batch_id"]
    refused = run("batches", "complete", "--collection", "arrivals")
    assert refused.code == 4
    assert opened in refused.err
    assert run("batches", "fail", other).code == 0
    failed = run("batches", "fail", opened, "--error", "disk full", "--json").json
    assert (failed["status"], failed["error"]) == ("failed", "disk full")
    assert run("batches", "complete", opened).code == 4
    assert run("batches", "list", "arrivals", "--json").json[0]["status"] == "failed"
    assert run("batches", "complete").code == 2
    assert run("batches", "open", "nowhere").code == 3


def test_the_order_at_a_batch_is_said_on_the_collection(collection, cluster):
    arranged = run(
        *("collections", "arrange", "arrivals", "arriving", "--phase", 1, "--priority", 9, "--json")
    ).json
    (entry,) = arranged["cluster_applications"]
    assert (entry["cluster_id"], entry["execution_phase"], entry["priority"]) == (cluster, 1, 9)
    again = run("collections", "arrange", "arrivals", "arriving").fields
    assert again["runs_after_batches"] == f"{cluster} (phase 1, priority 9)"


def test_an_archived_definition_is_not_executed(cluster):
    archived = run("clusters", "archive", cluster, "--json")
    assert (archived.json["status"], archived.err) == (
        "ARCHIVED",
        f"clustering-pipeline clusters unarchive {cluster} takes it into service again\n",
    )
    refused = run("clusters", "execute", cluster)
    assert (refused.code, refused.err.splitlines()[-1]) == (
        4,
        "error: 'arriving' is archived: unarchive it, then execute it",
    )
    assert automation(cluster)["due"] is False
    assert run("clusters", "unarchive", cluster, "--json").json["status"] == "PENDING"


def test_triggers_live_and_die(cluster):
    nightly = run(
        *("triggers", "create", "arriving", "--cron", "0 2 * * *"),
        *("--timezone", "Europe/Berlin", "--json"),
    ).json
    assert (nightly["cluster_id"], nightly["status"]) == (cluster, "active")
    assert nightly["next_scheduled_at"][11:16] in {"00:00", "01:00"}
    trigger = nightly["trigger_id"]
    assert run("triggers", "pause", trigger, "--json").json["status"] == "paused"
    assert run("triggers", "resume", trigger, "--json").json["status"] == "active"
    assert run("triggers", "get", trigger, "--json").json["trigger_id"] == trigger
    assert run("triggers", "history", trigger, "--json").json == []
    history = run("triggers", "history", trigger)
    assert (history.out, history.err) == ("", "it has started nothing yet\n")
    listed = run("triggers", "list", "--cluster", "arriving", "--json").json
    assert [one["trigger_id"] for one in listed] == [trigger]
    until = "until then 1 active trigger of it will start nothing"
    assert run("clusters", "archive", "arriving").err.splitlines()[-1] == until
    assert run("clusters", "unarchive", "arriving").code == 0
    assert run("triggers", "delete", trigger, "--yes").code == 0
    assert run("triggers", "get", trigger).code == 3


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param([], "choose one of --cron, --every", id="none"),
        pytest.param(["--cron", "* * * * *", "--every", 600], "choose one of", id="two"),
        pytest.param(["--every", 10], "greater than or equal to 300", id="too-often"),
        pytest.param(["--cron", "soon"], "'soon' is no cron expression", id="no-cron"),
        pytest.param(["--type", "event", "--config", "{"], "--config is not JSON", id="no-json"),
    ],
)
def test_a_trigger_that_makes_no_sense_is_refused(cluster, options, sentence):
    done = run("triggers", "create", cluster, *options)
    assert done.code == 2
    assert sentence in done.err


def test_overdue_definitions_are_listed_with_the_reason(collection):
    nothing = run("clusters", "list", "--overdue")
    assert (nothing.out, nothing.err) == ("", "no definition is overdue\n")
    late = run(
        *("clusters", "create", "--name", "late", "--collection", collection),
        *("--feature-uri", URI, "--method", "kmeans", "--json"),
    ).json["cluster_id"]
    run("clusters", "update", late, "--set", "auto_execute_on_batch=true")
    batch = run("batches", "complete", "--collection", collection, "--json").json["batch_id"]
    then = "2026-01-02T03:04:00.000Z"
    with open_session() as session:
        batches = session.pipeline.catalog.batches.table
        batches.swap({"_id": batch}, {"$set": {"ended_at": then}})
    (row,) = run("clusters", "list", "--overdue", "--json").json["results"]
    assert (row["cluster_id"], row["overdue_since"], row["overdue_because"]) == (
        late,
        then,
        ["a batch has completed that no run has dealt with"],
    )
    assert "no run has dealt with" in run("clusters", "list", "--overdue").out
    told = run("clusters", "get", late).fields["automation"]
    assert told.endswith("; overdue since 2026-01-02 03:04 UTC")
