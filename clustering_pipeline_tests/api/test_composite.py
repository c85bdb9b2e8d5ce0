"""Definitions over the groups of others, over HTTP."""

import httpx
import pytest

from clustering_pipeline_tests.api.answers import error_of, ok
from clustering_pipeline_tests.api.served import Served
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.planted import planted

URI = "mixpeek://text@v1/embedding"
TWO = {"feature_uri": URI, "clustering_method": "kmeans", "algorithm_params": {"n_clusters": 2}}


@pytest.fixture(scope="module")
def sources(served: Served, client: httpx.Client) -> list[str]:
    """The ids of two definitions that have run over one collection."""
    name = served.collection(planted(sizes={"sea": 9, "court": 6}))
    body = {"collection_ids": [name], "vector_config": TWO}
    made = [ok(client.post("/v1/clusters", json=body))["cluster_id"] for _ in range(2)]
    for one in made:
        run(served, one)
    return made


def run(served: Served, cluster_id: str) -> str:
    """In this process: how a launch reaches the graph is told elsewhere."""
    record = served.pipeline.catalog.clusters.by_id(cluster_id)
    return execute(served.pipeline, record, defer_visualization=True).run_id


def test_a_run_tells_which_groups_it_grouped(
    served: Served, client: httpx.Client, sources: list[str]
) -> None:
    made = ok(client.post("/v1/clusters", json={"source_cluster_ids": sources}))
    assert made["source_cluster_ids"] == sources
    assert (len(made["input_collections"]), made["feature_uris"]) == (1, [URI])
    run_id = run(served, made["cluster_id"])
    path = f"/v1/clusters/{made['cluster_id']}"
    found = ok(client.get(f"{path}/executions"))
    assert (found["run_id"], found["mode"], found["num_clusters"]) == (run_id, "composite", 2)
    newest = [ok(client.get(f"/v1/clusters/{one}/executions"))["run_id"] for one in sources]
    assert found["source_execution_ids"] == newest
    assert found["composite_mapping"] == {one: {"cl_0": "cl_0", "cl_1": "cl_1"} for one in newest}
    assert ok(client.get(f"{path}/groups"))["total_documents"] == 15
    assert ok(client.post(f"{path}/estimate"))["plan"] == "composite"

    patched = ok(client.patch(path, json={"source_cluster_ids": sources[:1]}))
    assert patched["source_cluster_ids"] == sources[:1]
    status, error = error_of(client.post(f"{path}/execute"))
    assert (status, "of at least two executions, not of 1" in str(error)) == (422, True)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param({"source_cluster_ids": ["clust_0"]}, 404, "no cluster", id="unknown"),
        pytest.param({"source_cluster_ids": []}, 422, "", id="none"),
        pytest.param({"auto_execute_mode": "auto"}, 422, "use 'full' here", id="assigning"),
        pytest.param(
            {"vector_config": TWO | {"feature_uri": "mixpeek://image@v1/embedding"}},
            422,
            "same feature URIs",
            id="other-features",
        ),
    ],
)
def test_what_cannot_be_grouped_is_refused(
    client: httpx.Client, sources: list[str], body: dict[str, object], status: int, words: str
) -> None:
    wanted = {"source_cluster_ids": sources} | body
    found, error = error_of(client.post("/v1/clusters", json=wanted))
    assert found == status
    assert words in str(error)


def test_executions_to_group_are_those_of_the_namespace(
    served: Served, client: httpx.Client, sources: list[str]
) -> None:
    newest = [ok(client.get(f"/v1/clusters/{one}/executions"))["run_id"] for one in sources]
    with served.client(scope=served.tenant("strangers")) as theirs:
        asked = {"source_cluster_ids": sources}
        assert error_of(theirs.post("/v1/clusters", json=asked))[0] == 404
    path = f"/v1/clusters/{sources[0]}/execute"
    unknown = {"mode": "composite", "source_execution_ids": [newest[0], "run_0"]}
    assert error_of(client.post(path, json=unknown))[0] == 404
    full = {"source_execution_ids": newest}
    status, error = error_of(client.post(path, json=full))
    assert (status, "are for mode 'composite'" in str(error)) == (422, True)
