"""From a file to named groups on the command line."""

import csv
import io
import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from uuid import uuid4

import pytest
import yaml

from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.cli.command import PROGRAM, Done, run
from clustering_pipeline_tests.worlds.direct import execute

FEATURE = "mixpeek://text_extractor@v1/embedding"


def name(kind: str) -> str:
    return f"{kind} {uuid4().hex[:8]}"


@dataclass(frozen=True, kw_only=True)
class Story:
    """A definition that was created and executed."""

    collection: str
    cluster: str
    created: Done
    executed: Done


@pytest.fixture(scope="module")
def collection(file: Path) -> str:
    called = name("talks")
    assert run("collections", "load", file, "--name", called).code == 0
    return called


@pytest.fixture(scope="module")
def story(collection: str) -> Story:
    cluster = name("topics")
    created = run(
        *("clusters", "create", "--name", cluster, "--collection", collection),
        *("--feature-uri", FEATURE, "--method", "kmeans", "--params", '{"n_clusters": 2}'),
        *("--enrich", "--json"),
    )
    executed = run("clusters", "execute", cluster)
    return Story(collection=collection, cluster=cluster, created=created, executed=executed)


def create(collection: str, *options: object) -> Done:
    return run(
        *("clusters", "create", "--collection", collection, "--feature-uri", FEATURE),
        *("--json", *options),
    )


def execute_here(cluster_id: str) -> None:
    """Without Dagster and a process of its own: for what comes after it."""
    with open_pipeline(Settings()) as pipeline:
        execute(pipeline, pipeline.catalog.clusters.by_id(cluster_id))


def test_create_prints_the_definition_and_what_to_do_next(story):
    made = story.created.json
    assert (made["cluster_name"], made["status"], made["enrich_source"]) == (
        story.cluster,
        "PENDING",
        True,
    )
    assert made["algorithm_params"] == {"n_clusters": 2}
    assert story.created.err == f"next: clustering-pipeline clusters execute '{story.cluster}'\n"


def test_create_says_what_an_execution_would_end_with(collection):
    uri = "mixpeek://text@v1/nowhere"
    made = run(
        *("clusters", "create", "--name", name("lost"), "--collection", collection),
        *("--feature-uri", uri, "--method", "kmeans"),
    )
    first, then = made.err.splitlines()
    assert made.code == 0
    assert first.startswith("it cannot run yet: ")
    assert "nowhere" in first
    assert then.startswith("next: ")


def test_a_definition_is_told_in_the_fields_that_have_a_value(story, collection):
    told = run("clusters", "get", story.cluster).fields
    assert "" not in told.values()
    (collection_id,) = story.created.json["input_collections"]
    assert told["input_collections"] == f"{collection} ({collection_id})"
    assert told["fields_on_documents"] == "cluster_id, cluster_label, distance_to_centroid"
    assert told["quality_metrics"].startswith("silhouette_score 0.")
    assert told["automation"] == "off"
    assert not told.keys() & {"description", "labels_spent", "namespace_id"}


def test_execute_waits_for_the_result_and_tells_where_the_log_is(story):
    fields = story.executed.fields
    assert (fields["status"], fields["num_clusters"], fields["num_points"]) == (
        "completed",
        "2",
        "50",
    )
    assert fields["metrics"].startswith("silhouette_score 0.")
    assert fields["written_back"] == "50 documents, 0 unchanged, 0 cleared"
    line, *_, then = story.executed.err.splitlines()
    assert then == f"next: clustering-pipeline clusters groups '{story.cluster}'"
    assert f"next: clustering-pipeline clusters show '{story.cluster}' cl_0" in story.executed.err
    assert [line.split()[0] for line in story.executed.out.splitlines()[-2:]] == ["cl_0", "cl_1"]
    assert line.startswith(f"{fields['run_id']} (no daemon: in a process of its own; log: ")
    assert Path(line.partition("log: ")[2].rstrip(")")).exists()


def test_agreement_with_a_field_is_measured(story):
    (found,) = run("clusters", "agreement", story.cluster, "document_id", "--json").json
    assert (found["feature_name"], found["documents"]) == ("embedding", 50)
    assert found["adjusted_rand_index"] == 0  # every document has a value of its own
    refused = run("clusters", "agreement", story.cluster, "mood")
    assert refused.code == 2
    assert "has a value of 'mood'" in refused.err


def test_groups_are_shown_largest_first(story):
    shown = run("clusters", "groups", story.cluster)
    header, first, second = shown.out.splitlines()
    assert header.split() == ["cluster_id", "label", "member_count", "keywords"]
    assert (first.split()[0], second.split()[0]) == ("cl_0", "cl_1")
    assert shown.err.startswith("2 groups, 50 documents, run_")


def test_groups_as_csv(story):
    shown = run("clusters", "groups", story.cluster, "--output", "csv")
    rows = list(csv.DictReader(io.StringIO(shown.out)))
    assert [(row["cluster_id"], row["member_count"]) for row in rows] == [
        ("cl_0", "30"),
        ("cl_1", "20"),
    ]
    assert all(row["group_uid"].startswith("grp_") for row in rows)


def test_groups_as_json(story):
    shown = run("clusters", "groups", story.cluster, "--json").json
    assert (shown["total_groups"], shown["total_documents"]) == (2, 50)
    assert [one["member_count"] for one in shown["groups"]] == [30, 20]


def test_get_takes_an_id_or_a_name(story):
    by_name = run("clusters", "get", story.cluster, "--json").json
    by_id = run("clusters", "get", by_name["cluster_id"], "--json").json
    assert by_id == by_name
    assert (by_name["status"], by_name["num_clusters"]) == ("COMPLETED", 2)
    assert run("clusters", "get", story.cluster).fields["num_clusters"] == "2"


def test_list_filters_sorts_and_pages(story, collection):
    for method in ("kmeans", "hdbscan"):
        assert create(collection, "--method", method, "--name", name("zz listed")).code == 0
    wanted = json.dumps({"field": "cluster_name", "operator": "starts_with", "value": "zz listed"})
    shown = run(
        *("clusters", "list", "--filters", f'{{"AND": [{wanted}]}}'),
        *("--sort", "-algorithm", "--limit", 1, "--json"),
    ).json
    assert ([one["algorithm"] for one in shown["results"]], shown["total_count"]) == (["kmeans"], 2)
    found = run("clusters", "list", "--search", story.cluster)
    assert [line.split()[0] for line in found.out.splitlines()] == [
        "cluster_id",
        story.created.json["cluster_id"],
    ]
    assert found.err == "1 of 1\n"


def test_runs_are_listed_newest_first(story):
    listed = run("runs", "list", story.cluster)
    run_id = story.executed.fields["run_id"]
    assert [line.split()[:2] for line in listed.out.splitlines()] == [
        ["run_id", "status"],
        [run_id, "completed"],
    ]
    whole = run("runs", "get", run_id, "--json").json
    assert [stage["name"] for stage in whole["stages"]][-1] == "enriched_documents"
    told = run("runs", "get", run_id).fields
    assert (told["status"], told["trigger"]) == ("completed", "manual")
    assert told["stages"].startswith("definition ")


def test_what_was_published_is_verified(story):
    run_id = story.executed.fields["run_id"]
    files = run("runs", "verify", run_id, "--json")
    assert (files.code, {one["verdict"] for one in files.json}) == (0, {"same"})
    documents = run("clusters", "verify-documents", story.cluster, "--json")
    assert (documents.code, documents.json["right"], documents.json["run_id"]) == (0, 50, run_id)
    assert run("clusters", "clear-fields", story.cluster, "--yes").err.endswith("50 documents\n")
    empty = run("clusters", "verify-documents", story.cluster, "--json")
    assert (empty.code, json.loads(empty.out)["wrong"]) == (4, 50)
    assert f"50 documents do not show {run_id}" in empty.err


def test_there_is_nothing_to_roll_back_to_or_to_collect(story):
    refused = run("clusters", "rollback", story.cluster)
    assert refused.code == 4
    assert "has no published run before" in refused.err
    collected = run("runs", "gc", "--json").json
    assert (collected["runs"], collected["orphans"], collected["files"]) == ([], [], 0)
    told = run("runs", "gc")
    assert (told.out, told.err.splitlines()[0]) == ("", "nothing to remove")


def test_files_of_no_definition_here_are_removed_when_a_person_agrees(tmp_path, monkeypatch):
    monkeypatch.setenv("CLUSTERING_ARTIFACTS", str(tmp_path))
    place = "int_local/ns_default/engine_cluster_build"
    lost = [f"{place}/run_saved", f"{place}/run_theirs"]
    with open_pipeline(Settings()) as pipeline:
        for one in lost:
            pipeline.artifacts.write_json(f"{one}/definition.json", {"cluster_id": "clust_x"})
        told = run("runs", "gc")
        assert told.err.endswith("files of 2 runs of no definition here stay: see --orphans\n")
        asked = run("runs", "gc", "--orphans", answers="n\n")
        assert (asked.code, asked.out) == (1, "")
        question = f"Remove the files of 2 runs of no definition here, {lost[0]} first?"
        assert asked.err.startswith(question)
        assert run("runs", "gc", "--orphans").code == 2
        assert len(list(pipeline.artifacts.list())) == 2
    done = run("runs", "gc", "--orphans", "--yes", "--json").json
    assert (done["orphans"], done["files"], done["unknown"]) == (lost, 2, [])
    assert run("runs", "gc", "--orphans", "--json").json["orphans"] == []


def test_a_definition_in_a_file(tmp_path, collection):
    wanted = {
        "cluster_name": name("from file"),
        "collection_ids": [collection],
        "vector_config": {"feature_uri": FEATURE, "clustering_method": "hdbscan"},
        "filters": {"subject": "sea"},
    }
    by_default = wanted | {"vector_config": {"feature_uri": FEATURE}}
    texts = ((".yaml", yaml.safe_dump(wanted)), (".json", json.dumps(by_default)))
    for (suffix, text), method in zip(texts, ("hdbscan", "auto"), strict=True):
        file = (tmp_path / "topics").with_suffix(suffix)
        file.write_text(text)
        made = run("clusters", "create", "--file", file, "--json").json
        assert (made["cluster_name"], made["filters"], made["algorithm"]) == (
            wanted["cluster_name"],
            {"subject": "sea"},
            method,
        )
        assert run("clusters", "delete", made["cluster_id"], "--yes").code == 0


def test_update_changes_what_is_given(collection, tmp_path):
    made = create(collection).json
    assert made["algorithm"] == "auto"
    changed = run(
        *("clusters", "update", made["cluster_id"], "--json"),
        *("--set", "description=weekly", "--set", 'filters={"subject": "sea"}'),
    ).json
    assert (changed["description"], changed["filters"]) == ("weekly", {"subject": "sea"})
    file = tmp_path / "change.yaml"
    file.write_text("metadata: {owner: ann}")
    changed = run("clusters", "update", made["cluster_id"], "-f", file, "--json").json
    assert (changed["description"], changed["metadata"]) == ("weekly", {"owner": "ann"})


def test_delete_asks_first(collection):
    made = create(collection).json["cluster_id"]
    question = "Delete the definition and its results? [y/N] "
    refused = run("clusters", "delete", made, answers="n\n")
    assert (refused.code, refused.out, refused.err) == (1, "", f"{question}nothing was done\n")
    assert run("clusters", "get", made).code == 0
    deleted = run("clusters", "delete", made, answers="y\n")
    assert (deleted.code, deleted.err) == (0, f"{question}deleted {made}\n")
    assert run("clusters", "get", made).code == 3


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["clusters", "delete", "x"], id="definition"),
        pytest.param(["clusters", "clear-fields", "x"], id="fields"),
        pytest.param(["collections", "delete", "x"], id="collection"),
        pytest.param(["triggers", "delete", "x"], id="trigger"),
        pytest.param(["webhooks", "delete", "x"], id="webhook"),
    ],
)
def test_where_nobody_can_answer_yes_is_to_be_said(command):
    with Path(os.devnull).open("w") as unreadable:
        for stdin in ("", None, unreadable):
            done = run(*command, answers=stdin)
            assert (done.code, done.out) == (2, "")
            assert done.err.endswith(
                "Error: nobody is there to answer: pass --yes to do it without being asked\n"
            )
    # Whoever says so is not asked.
    assert run(*command, "--yes").code == 3


def test_what_is_not_there_yet_is_said(collection):
    made = create(collection).json
    never = quote(made["cluster_name"])
    execute = f"clustering-pipeline clusters execute {never}\n"
    groups = run("clusters", "groups", made["cluster_id"])
    assert (groups.code, groups.out) == (0, "")
    assert groups.err.startswith("nothing is published yet: ")
    runs = run("runs", "list", made["cluster_id"])
    assert (runs.code, runs.out, runs.err) == (0, "", f"no runs yet: {execute}")
    listed = run("clusters", "list", "--search", "no such words")
    assert (listed.code, listed.out, listed.err) == (0, "", "no definition like that\n")
    refused = run("clusters", "rollback", made["cluster_id"])
    assert (refused.code, refused.err) == (
        4,
        f"error: {made['cluster_name']!r} has published no run yet: execute it\n",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        pytest.param(
            ["get", "nothing"],
            3,
            "error: no cluster definition 'nothing' here: list them to see those there are",
            id="unknown",
        ),
        pytest.param(
            ["execute", "nothing", "--full", "--assign"],
            2,
            "Error: --full, --assign and --from-pool: one of them",
            id="execute-both",
        ),
        pytest.param(
            ["execute", "nothing"],
            3,
            "error: no cluster definition 'nothing' here: list them to see those there are",
            id="execute-unknown",
        ),
        pytest.param(
            ["create", "--collection", "nowhere", "--feature-uri", FEATURE],
            3,
            "error: no collection 'nowhere' here: register it, or list those there are",
            id="unknown-collection",
        ),
        pytest.param(
            ["create", "--collection", "x", "--feature-uri", FEATURE, "--method", "magic"],
            2,
            "error: vector_config.clustering_method: ",
            id="unknown-method",
        ),
        pytest.param(
            ["create", "--collection", "x", "--feature-uri", FEATURE, "--params", '{"eps": 1}'],
            2,
            "error: vector_config.algorithm_params: auto takes no 'eps' (a parameter of dbscan",
            id="parameter-of-another-method",
        ),
        pytest.param(
            ["create", "--collection", "x", "--feature-uri", FEATURE, "--filters", '{"AND": 1}'],
            2,
            "error: filters",
            id="broken-filter",
        ),
        pytest.param(
            ["create", "--collection", "x", "--feature-uri", FEATURE, "--params", "{"],
            2,
            "Error: --params is not JSON: ",
            id="broken-json",
        ),
        pytest.param(
            ["create", "--file", "/nowhere.yaml"],
            2,
            "error: cannot read /nowhere.yaml: No such file or directory",
            id="no-file",
        ),
        pytest.param(
            ["create", "--name", "x"],
            2,
            "Error: name an input with --collection or --source, or a definition with --file",
            id="no-input",
        ),
        pytest.param(
            ["update", "x"],
            2,
            "Error: nothing to change: give --set FIELD=JSON, or --file",
            id="no-change",
        ),
        pytest.param(["list", "--sort", "colour"], 2, "error: ", id="unknown-sort"),
        pytest.param(
            ["update", "x", "--set", "collection_ids=[]"],
            2,
            "error: the request ",
            id="unchangeable",
        ),
        pytest.param(
            ["update", "x", "--set", "description"],
            2,
            "Error: --set takes FIELD=JSON, not 'description'",
            id="no-value",
        ),
    ],
)
def test_errors_are_one_line_with_an_exit_code(arguments, code, sentence):
    done = run("clusters", *arguments)
    assert (done.code, done.out) == (code, "")
    assert done.err.strip().splitlines()[-1].startswith(sentence)
    assert "Traceback" not in done.err


def test_a_name_that_is_taken(story):
    done = create(story.collection, "--name", story.cluster)
    assert (done.code, done.out) == (4, "")
    assert story.cluster in done.err


def test_a_run_that_fails_says_why(story):
    filters = '{"subject": "opera"}'
    done = run("clusters", "execute", story.cluster, "--filters", filters)
    assert (done.code, done.out) == (1, "")
    (collection_id,) = story.created.json["input_collections"]
    assert done.err.splitlines()[-1] == (
        f"error: no document of {collection_id} matches the filters; widen them or load documents"
    )
    assert run("clusters", "groups", story.cluster, "--json").json["total_groups"] == 2


def test_new_documents_are_assigned_to_the_groups_there_are(collection):
    cluster = create(collection, "--method", "kmeans", "--params", '{"n_clusters": 2}')
    cluster_id = cluster.json["cluster_id"]
    early = run("clusters", "execute", cluster_id, "--assign")
    assert (early.code, early.out) == (4, "")
    assert "has published no groups yet: execute it in mode full" in early.err
    assert "without --assign" in early.err
    execute_here(cluster_id)
    done = run("clusters", "execute", cluster_id, "--assign", "--threshold", "0.6", "--json")
    assert (done.json["mode"], done.json["num_clusters"]) == ("assign", 2)
    second, first = (one["run_id"] for one in run("runs", "list", cluster_id, "--json").json)
    assert run("clusters", "groups", cluster_id, "--json").json["run_id"] == second
    before = run("clusters", "groups", cluster_id, "--run", first, "--json").json
    assert (before["run_id"], [one["member_count"] for one in before["groups"]]) == (
        first,
        [30, 20],
    )
    unknown = run("clusters", "groups", cluster_id, "--run", "run_0")
    assert (unknown.code, unknown.out) == (3, "")


def test_ctrl_c_cancels_the_run(story):
    command = [*PROGRAM, "clusters", "execute", story.cluster, "--full"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        run_id = process.stderr.readline().decode().split()[0]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err.strip()) == (130, b"", b"interrupted")
    assert run("runs", "get", run_id, "--json").json["status"] == "canceled"


def test_lineage_tells_of_every_run(story):
    told = run("clusters", "lineage", story.cluster, "--json").json
    (first,) = told["runs"]
    assert [one["event"] for one in first["events"]] == ["born", "born"]
    of_one = run("clusters", "lineage", story.cluster, "--group", "cl_1", "--output", "csv")
    (row,) = csv.DictReader(io.StringIO(of_one.out))
    assert (row["event"], row["cluster_id"]) == ("born", "cl_1")
    assert of_one.err == "1 event in 1 run\n"
    unknown = run("clusters", "lineage", story.cluster, "--group", "cl_5")
    assert (unknown.code, unknown.out) == (3, "")
    assert "has no group 'cl_5': " in unknown.err


def test_a_run_and_itself_differ_in_nothing(story):
    run_id = run("clusters", "get", story.cluster, "--json").json["last_run_id"]
    same = run("runs", "diff", run_id, "--against", run_id)
    assert same.code == 0
    assert "0 added, 0 removed" in same.err
    assert set(run("runs", "diff", run_id, "--against", run_id, "--json").json["counts"]) == {
        "continued"
    }


def test_edits_are_kept_for_the_next_run(collection, tmp_path):
    cluster = create(collection).json["cluster_id"]
    wanted = {"merge": [["grp_0a", "grp_0b"]], "rename": {"grp_0a": "Everything"}}
    file = tmp_path / "edits.yaml"
    file.write_text(yaml.safe_dump(wanted))
    put = run("clusters", "edits", "put", cluster, "--file", file, "--json")
    assert (put.json["version"], put.err.strip()) == (
        1,
        f"next: clustering-pipeline clusters execute {cluster}",
    )
    assert run("clusters", "edits", "get", cluster).fields["merge"] == '[["grp_0a", "grp_0b"]]'
    kept = run("clusters", "edits", "get", cluster, "--json").json
    assert kept["edits"].items() >= wanted.items()
    assert kept["conflicts"] == []


def test_edits_that_contradict_each_other_are_refused(collection, tmp_path):
    cluster = create(collection).json["cluster_id"]
    file = tmp_path / "edits.json"
    file.write_text('{"must_link": [["a", "b"]], "cannot_link": [["b", "a"]]}')
    done = run("clusters", "edits", "put", cluster, "--file", file)
    assert done.code == 2
    assert "'a' and 'b' must and cannot be linked: drop one of both" in done.err


def test_a_name_is_put_at_once(collection, tmp_path):
    cluster = create(collection).json["cluster_id"]
    execute_here(cluster)
    uid = run("clusters", "groups", cluster, "--json").json["groups"][0]["group_uid"]
    file = tmp_path / "edits.json"
    file.write_text(json.dumps({"rename": {uid: "By the shore"}}))
    put = run("clusters", "edits", "put", cluster, "--file", file)
    shown = run("clusters", "groups", cluster, "--json").json
    assert (put.code, shown["groups"][0]["label"]) == (0, "By the shore")
    assert f"{shown['run_id']} put the names on groups, map and documents" in put.err
    assert "next: " not in put.err
    again = run("clusters", "edits", "put", cluster, "--file", file)
    assert (again.code, again.err) == (
        0,
        "nothing to execute: the published groups are called and made as these edits say\n",
    )
    assert run("clusters", "groups", cluster, "--json").json["run_id"] == shown["run_id"]
