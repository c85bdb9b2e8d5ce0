"""Runs started over HTTP, each in a process of its own: followed, repeated, cancelled, deleted."""

import time
from uuid import uuid4

import pytest

from clustering_pipeline.model.errors import ClusteringError
from clustering_pipeline.model.executions.task import QueuedRun
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.model.tenants import Access
from clustering_pipeline.pipeline.run.process import is_alive, this_process
from clustering_pipeline.service.executions.begin import new_execution
from clustering_pipeline.service.executions.finish import fail
from clustering_pipeline.service.executions.launch import new_identity
from clustering_pipeline_tests.api.answers import error_of, ok
from clustering_pipeline_tests.worlds.planted import planted

KMEANS = {
    "feature_uri": "mixpeek://text@v1/embedding",
    "clustering_method": "kmeans",
    "algorithm_params": {"n_clusters": 2},
}
ENDED = {"COMPLETED", "FAILED", "CANCELED", "INTERRUPTED"}
SECONDS = 240


@pytest.fixture(scope="module")
def talks(served):
    return served.collection(planted(sizes={"sea": 30, "court": 20}))


@pytest.fixture
def address(client, talks):
    made = ok(
        client.post("/v1/clusters", json={"collection_ids": [talks], "vector_config": KMEANS})
    )
    return f"/v1/clusters/{made['cluster_id']}"


def followed(client, task_id):
    """The task when it has ended."""
    deadline = time.monotonic() + SECONDS
    while True:
        task = ok(client.get(f"/v1/tasks/{task_id}"))
        if task["status"] in ENDED:
            return task
        assert time.monotonic() < deadline, task
        time.sleep(0.1)


def test_a_run_is_started_once_and_followed_to_its_end(client, address):
    once = {"Idempotency-Key": "monday"}
    started = ok(client.post(f"{address}/execute", headers=once))
    assert (started["status"], started["task_type"]) == ("PENDING", "engine_cluster_build")
    assert started["additional_data"]["plan"] == "full"
    assert started["additional_data"]["run_id"] == started["run_id"]

    again = ok(client.post(f"{address}/execute", headers=once))
    assert again["task_id"] == started["task_id"]
    another = client.post(f"{address}/execute", headers={"Idempotency-Key": "tuesday"})
    assert error_of(another)[0] == 409
    assert another.json()["error"]["details"]["task_id"] == started["task_id"]

    ended = ok(client.get(f"/v1/tasks/{started['task_id']}", params={"wait": 60}))
    assert (ended["status"], ended["error"]) == ("COMPLETED", None)
    assert ended["outputs"] == [started["run_id"]]
    assert ok(client.post(f"{address}/execute", headers=once))["status"] == "COMPLETED"

    execution = ok(client.get(f"{address}/executions"))
    assert (execution["run_id"], execution["status"]) == (started["run_id"], "completed")
    assert [one["num_members"] for one in execution["centroids"]] == [30, 20]
    assert [one["centroid_vector"] for one in execution["centroids"]] == [None, None]
    run = f"{address}/executions/{started['run_id']}"
    with_vectors = ok(client.get(run, params={"include_vectors": True}))
    assert [len(one["centroid_vector"]) for one in with_vectors["centroids"]] == [16, 16]
    assert ok(client.get(run)) == execution

    listed = ok(client.post(f"{address}/executions/list"))
    assert (listed["results"], listed["total_count"]) == ([execution], 1)
    assert listed["stats"]["executions_by_status"] == {"completed": 1}
    assert ok(client.get(f"{address}/executions/list")) == listed
    assert error_of(client.post(f"{run}/cancel"))[0] == 409
    assert ok(client.delete(f"/v1/tasks/{started['task_id']}"))["success"] is True
    assert ok(client.get(run)) == execution
    definition = ok(client.get(address))
    assert (definition["status"], definition["last_run_id"]) == ("COMPLETED", started["run_id"])


def test_a_run_is_cancelled_and_the_next_may_start(client, address):
    first = ok(client.post(f"{address}/execute"))
    canceled = ok(client.post(f"{address}/executions/{first['run_id']}/cancel"))
    assert (canceled["run_id"], canceled["status"]) == (first["run_id"], "canceled")
    assert followed(client, first["task_id"])["status"] == "CANCELED"

    second = ok(client.post(f"{address}/execute"))
    assert second["task_id"] != first["task_id"]
    for _ in range(2):
        assert ok(client.delete(f"/v1/tasks/{second['task_id']}"))["success"] is True
    assert followed(client, second["task_id"])["status"] == "CANCELED"


def test_a_definition_is_deleted_with_its_run_under_way(served, client, address):
    started = ok(client.post(f"{address}/execute"))
    ok(client.delete(address))
    assert error_of(client.get(address))[0] == 404
    assert error_of(client.get(f"/v1/tasks/{started['task_id']}"))[0] == 404
    assert served.pipeline.catalog.executions.find(started["run_id"]) is None


def test_a_failure_tells_clients_no_address_and_no_path(served, client, address):
    catalog = served.pipeline.catalog
    cluster = catalog.clusters.get(LOCAL, address.rpartition("/")[2])
    failed = new_execution(cluster, new_identity(str(uuid4())), cluster.resolved())
    catalog.executions.begin(failed)
    owner = this_process(failed.run_id, failed.task_id)
    catalog.clusters.claim(cluster.cluster_id, owner, is_alive=is_alive)
    message = "OSError: no '/srv/hidden/x.parquet'; Qdrant at grpc://10.0.0.5:6334 is silent"
    where = 'File "/srv/hidden/x.parquet.py", line 1'
    fail(catalog, failed.run_id, ClusteringError(message), traceback=where)

    listed = {"filters": {"field": "cluster_id", "value": cluster.cluster_id}}
    answers = [
        client.get(address),
        client.get(f"{address}/executions"),
        client.get(f"/v1/tasks/{failed.task_id}"),
        client.post("/v1/clusters/list", json=listed),
        client.post(f"{address}/executions/list"),
    ]
    for answer in answers:
        assert "…/x.parquet'; Qdrant is silent" in answer.text
        assert not [one for one in ("srv", "hidden", "10.0.0.5", "6334") if one in answer.text]
    asked = {"filters": {"field": "error", "operator": "regex", "value": "srv|6334"}}
    assert ok(client.post("/v1/clusters/list", json=asked))["total_count"] == 0
    # Whoever runs the server reads all of it.
    assert catalog.executions.by_id(failed.run_id).whole_error == message


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"sample_size": 0}, 422, "sample_size"),
        ({"surprise": 1}, 422, "surprise"),
        ({"filters": {"AND": [None]}}, 422, "filters"),
        ([], 422, "object"),
    ],
)
def test_wrong_overrides_start_nothing(client, address, body, status, named):
    found = error_of(client.post(f"{address}/execute", json=body))
    assert (found[0], named in found[1]) == (status, True)
    assert ok(client.get(f"{address}/executions")) is None


def test_a_key_that_may_only_read_starts_and_cancels_nothing(served, client, address):
    with served.client(access=Access.READ) as reader:
        assert error_of(reader.post(f"{address}/execute"))[0] == 403
        assert error_of(reader.delete("/v1/tasks/task_x"))[0] == 403
        assert ok(reader.get(f"{address}/executions")) is None


@pytest.mark.parametrize("run", ["run_unknown", "..", "list%2F", "%00"])
def test_an_unknown_execution_is_not_found(client, address, run):
    assert error_of(client.get(f"{address}/executions/{run}x"))[0] == 404
    assert error_of(client.post(f"{address}/executions/{run}x/cancel"))[0] == 404
    assert error_of(client.get(f"/v1/tasks/{run}x"))[0] == 404


def test_a_run_that_waits_has_a_task_with_its_place(served, client):
    queue = served.pipeline.catalog.queue
    runs = [
        QueuedRun(
            run_id=f"run_{number}waiting",
            dagster_run_id=f"{number}waiting",
            task_id=f"task_{number}waiting",
            cluster_id="clust_1",
            **LOCAL.fields(),
            trigger="batch",
            number=number,
        )
        for number in (1, 2)
    ]
    queue.add(runs)
    began = time.monotonic()
    told = ok(client.get("/v1/tasks/task_2waiting", params={"wait": 1}))
    assert time.monotonic() - began >= 1
    assert error_of(client.get("/v1/tasks/task_2waiting", params={"wait": 61}))[0] == 422
    assert (told["status"], told["queue_position"], told["run_id"]) == ("QUEUED", 2, "run_2waiting")
    with served.client(scope=served.tenant(uuid4().hex)) as stranger:
        assert error_of(stranger.get("/v1/tasks/task_2waiting"))[0] == 404
    queue.remove({one.run_id for one in runs})
    assert error_of(client.get("/v1/tasks/task_2waiting"))[0] == 404
