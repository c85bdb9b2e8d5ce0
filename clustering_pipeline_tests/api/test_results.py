"""What runs found, over HTTP: groups, the map, exports, names, and results put onto documents."""

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote
from uuid import uuid4

import dagster as dg
import httpx
import numpy as np
import polars as pl
import pytest

from clustering_pipeline.model.ids import NOISE_ID, run_mark
from clustering_pipeline.pipeline.run.process import is_alive, this_process
from clustering_pipeline_tests.api.answers import error_of, ok
from clustering_pipeline_tests.api.served import served_app
from clustering_pipeline_tests.worlds.direct import DirectLauncher
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import FEATURE, KMEANS, World

ENRICHING = {"enrich_source_collection": True}


@pytest.fixture(scope="module")
def world(served) -> Iterator[World]:
    """Stores and graph behind the server: runs are faster without a process of their own."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(pipeline=served.pipeline, instance=instance)


@pytest.fixture(scope="module")
def documents():
    return planted()


@pytest.fixture(scope="module")
def collection(world, documents):
    return world.collection(documents)


@pytest.fixture(scope="module")
def ran(world, collection):
    """A definition with a published run: four groups of 110, 80, 60 and 50 documents."""
    return world.execute(world.define(collection))


@pytest.fixture(scope="module")
def path(ran) -> str:
    return f"/v1/clusters/{ran.cluster.cluster_id}"


@pytest.fixture(scope="module")
def not_run(world, collection) -> str:
    """A definition without a run."""
    return f"/v1/clusters/{world.define(collection).cluster_id}"


def read_parquet(answer: httpx.Response) -> pl.DataFrame:
    assert answer.headers["Content-Type"] == "application/vnd.apache.parquet"
    return pl.read_parquet(io.BytesIO(answer.content))


def test_groups_are_those_of_the_published_run(client, ran, path):
    shown = ok(client.get(f"{path}/groups"))
    assert (shown["cluster_id"], shown["run_id"]) == (ran.cluster.cluster_id, ran.run_id)
    assert (shown["total_groups"], shown["total_documents"]) == (4, 300)
    assert [one["member_count"] for one in shown["groups"]] == [110, 80, 60, 50]


def test_before_the_first_run_there_are_no_results(client, not_run):
    assert ok(client.get(f"{not_run}/groups"))["groups"] == []
    shown = ok(client.get(f"{not_run}/visualization", params={"compact": True}))
    assert (shown["run_id"], shown["total_points"], shown["members"]["x"]) == (None, 0, [])
    assert ok(client.get(f"{not_run}/visualization"))["members"] == []
    missing = client.get(f"{not_run}/executions/run_0/export")
    assert error_of(missing)[0] == 404


def test_the_map_has_every_group_and_its_documents(client, ran, path, documents):
    shown = ok(client.get(f"{path}/visualization"))
    assert (shown["run_id"], shown["dimensions"]) == (ran.run_id, 2)
    assert (shown["total_points"], shown["returned_points"]) == (300, 300)
    assert {one["document_id"] for one in shown["members"]} == {
        one["document_id"] for one in documents.payloads
    }
    assert [one["num_members"] for one in shown["centroids"]] == [110, 80, 60, 50]
    for group in shown["centroids"]:
        own = [one for one in shown["members"] if one["cluster_id"] == group["cluster_id"]]
        middle = [np.mean([one[axis] for one in own]) for axis in "xy"]
        assert [group["x"], group["y"]] == pytest.approx(middle, abs=1e-4)
        assert group["z"] is None


def test_the_map_can_be_a_sample_in_a_smaller_form(client, path):
    params = {"max_points": 40, "compact": True}
    shown = ok(client.get(f"{path}/visualization", params=params))
    assert (shown["total_points"], shown["returned_points"]) == (300, 40)
    assert {len(shown["members"][key]) for key in ("x", "y", "document_ids", "cluster_ids")} == {40}
    assert shown["members"]["z"] is None
    assert ok(client.get(f"{path}/visualization", params=params)) == shown


def test_the_map_can_be_groups_only(client, path):
    shown = ok(client.get(f"{path}/visualization", params={"centroids_only": True}))
    assert (len(shown["centroids"]), shown["members"], shown["returned_points"]) == (4, [], 0)


@pytest.mark.parametrize("max_points", ["0", "-1", "1000001", "many"])
def test_the_size_of_the_sample_has_bounds(client, path, max_points):
    refused = client.get(f"{path}/visualization", params={"max_points": max_points})
    assert error_of(refused)[0] == 422


def test_a_run_can_be_asked_for(client, ran, path, not_run):
    params = {"run_id": ran.run_id, "centroids_only": True}
    assert ok(client.get(f"{path}/visualization", params=params))["run_id"] == ran.run_id
    # It is another definition's.
    assert error_of(client.get(f"{not_run}/visualization", params=params))[0] == 404
    assert error_of(client.get(f"{path}/visualization", params={"run_id": "run_0"}))[0] == 404


def test_members_are_exported_as_parquet(client, ran, path, documents):
    frame = read_parquet(client.get(f"{path}/executions/{ran.run_id}/export"))
    assert frame.height == 300
    assert set(frame["document_id"]) == {one["document_id"] for one in documents.payloads}
    assert {"cluster_id", "cluster_label", "x", "y", "distance_to_centroid"} <= set(frame.columns)


def test_members_are_exported_as_csv(client, ran, path):
    answer = client.get(f"{path}/executions/{ran.run_id}/export", params={"format": "csv"})
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert ran.run_id in answer.headers["Content-Disposition"]
    frame = pl.read_csv(io.BytesIO(answer.content))
    parquet = read_parquet(client.get(f"{path}/executions/{ran.run_id}/export"))
    assert frame.columns == parquet.columns
    assert frame["cluster_id"].to_list() == parquet["cluster_id"].to_list()


def test_who_takes_json_only_gets_a_link_to_the_file(client, ran, path):
    address = f"{path}/executions/{ran.run_id}/export"
    link = ok(client.get(address, headers={"Accept": "application/json"}))
    assert (link["rows"], link["run_id"], link["format"]) == (300, ran.run_id, "parquet")
    assert read_parquet(client.get(link["download_url"])).height == 300


def test_the_link_leads_to_the_file_whatever_the_name(served, client, ran, path):
    name = f"what? {uuid4().hex[:6]} #1/100%25"
    own = ok(client.get(path))["cluster_name"]
    ok(client.patch(path, json={"cluster_name": name}))
    encoded = "".join(f"%{byte:02X}" for byte in name.encode())
    address = f"/v1/clusters/{encoded}/executions/{ran.run_id}/export"
    headers = {"Accept": "application/json"}
    link = ok(client.get(f"{address}?cluster_label=cl_0", headers=headers))
    assert link["download_url"] == f"{served.url}{address}?cluster_label=cl_0"
    assert read_parquet(client.get(link["download_url"])).height == link["rows"] == 110
    ok(client.patch(path, json={"cluster_name": own}))


def test_one_group_is_exported_by_id_or_label(client, ran, path):
    address = f"{path}/executions/{ran.run_id}/export"
    group = ok(client.get(f"{path}/groups"))["groups"][0]
    for wanted in (group["cluster_id"], group["label"]):
        frame = read_parquet(client.get(address, params={"cluster_label": wanted}))
        assert set(frame["cluster_id"]) == {group["cluster_id"]}
        assert frame.height == group["member_count"]
    noise = client.get(address, params={"cluster_label": NOISE_ID, "format": "csv"})
    assert pl.read_csv(io.BytesIO(noise.content)).height == 0
    assert read_parquet(client.get(address, params={"cluster_label": NOISE_ID})).height == 0
    assert error_of(client.get(address, params={"cluster_label": "no such"}))[0] == 422


def test_a_file_of_an_unknown_kind_is_refused(client, ran, path):
    refused = client.get(f"{path}/executions/{ran.run_id}/export", params={"format": "xlsx"})
    assert error_of(refused)[0] == 422


def test_exports_whose_file_is_gone_say_so(client, served, world, collection):
    ran = world.execute(world.define(collection))
    served.pipeline.artifacts.delete(ran.execution.members_key)
    path = f"/v1/clusters/{ran.cluster.cluster_id}"
    assert error_of(client.get(f"{path}/executions/{ran.run_id}/export"))[0] == 404
    assert error_of(client.get(f"{path}/visualization"))[0] == 404


def settled(client, path, before) -> str:
    """The run that is published after that one, when it has ended."""
    deadline = time.monotonic() + 120
    while True:
        run_id = ok(client.get(path))["last_run_id"]
        if run_id != before and ok(client.get(f"{path}/executions/{run_id}"))["completed_at"]:
            return run_id
        assert time.monotonic() < deadline
        time.sleep(0.1)


def output(world, ran):
    """The points of the output collection."""
    state = world.pipeline.catalog.clusters.by_id(ran.cluster.cluster_id).state
    pages = world.pipeline.documents.scroll(state.output_collection_ids[0])
    return [point for page in pages for point in page]


@pytest.fixture
def at_once(settings, served) -> Iterator[httpx.Client]:
    """A client of a server whose runs are over when they have been started."""
    launcher = DirectLauncher(pipeline=served.pipeline)
    with served_app(settings, served.pipeline, launcher) as other, other.client() as client:
        yield client


def test_a_group_gets_a_name_and_loses_it_again(at_once, world, collection):
    """Each time a run of its own starts at once, and has told everybody when it has ended."""
    client = at_once
    ran = world.execute(world.define(collection))
    path = f"/v1/clusters/{ran.cluster.cluster_id}"
    address = f"{path}/executions/{ran.run_id}/labels"
    own = ok(client.get(f"{path}/groups"))["groups"][0]["label"]
    named = ok(client.patch(address, json={"labels": {"cl_0": "Ships & tides ☸"}}))
    assert named == {
        "cluster_id": ran.cluster.cluster_id,
        "run_id": ran.run_id,
        "label_overrides": {"cl_0": "Ships & tides ☸"},
    }
    assert ok(client.get(f"{path}/groups"))["groups"][0]["label"] == "Ships & tides ☸"
    assert ok(client.get(f"{path}/visualization"))["centroids"][0]["label"] == "Ships & tides ☸"
    export = client.get(
        f"{path}/executions/{ran.run_id}/export", params={"cluster_label": "Ships & tides ☸"}
    )
    assert set(read_parquet(export)["cluster_label"]) == {"Ships & tides ☸"}
    renamed = settled(client, path, ran.run_id)
    names = {point.payload["cluster_label"] for point in output(world, ran)}
    assert ("Ships & tides ☸" in names, own in names) == (True, False)
    # The first run knows no such name, and gets it when readers return to it.
    back = ok(client.post(f"{path}/rollback", json={"run_id": ran.run_id}))["last_run_id"]
    assert back == ran.run_id
    renamed = settled(client, path, back)
    assert "Ships & tides ☸" in {point.payload["cluster_label"] for point in output(world, ran)}
    assert ok(client.patch(address, json={"labels": {"cl_0": ""}}))["label_overrides"] == {}
    settled(client, path, renamed)
    assert ok(client.get(f"{path}/groups"))["groups"][0]["label"] == own
    assert own in {point.payload["cluster_label"] for point in output(world, ran)}


def test_a_name_given_while_a_run_works_follows_its_end(client, world, collection):
    ran = world.execute(world.define(collection))
    path, catalog = f"/v1/clusters/{ran.cluster.cluster_id}", world.pipeline.catalog
    working = this_process("run_other", "task_other")
    catalog.clusters.claim(ran.cluster.cluster_id, working, is_alive=is_alive)
    address = f"{path}/executions/{ran.run_id}/labels"
    ok(client.patch(address, json={"labels": {"cl_0": "First"}}))
    ok(client.patch(address, json={"labels": {"cl_0": "Ships"}}))
    assert ok(client.get(path))["last_run_id"] == ran.run_id
    catalog.clusters.release(ran.cluster.cluster_id, "run_other")
    settled(client, path, ran.run_id)
    assert "Ships" in {point.payload["cluster_label"] for point in output(world, ran)}


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param({}, id="none"),
        pytest.param({"cl_99": "x"}, id="unknown-group"),
        pytest.param({NOISE_ID: "x"}, id="noise"),
        pytest.param({"cl_0": "x" * 201}, id="too-long"),
        pytest.param({"cl_0": None}, id="null"),
        pytest.param({"cl_0": 5}, id="number"),
        pytest.param("cl_0", id="text"),
    ],
)
def test_names_of_groups_that_cannot_be_are_refused(client, ran, path, labels):
    refused = client.patch(f"{path}/executions/{ran.run_id}/labels", json={"labels": labels})
    assert error_of(refused)[0] == 422


def test_an_execution_gets_a_name_and_loses_it_again(client, ran, path):
    address = f"{path}/executions/{ran.run_id}/name"
    told = {"cluster_id": ran.cluster.cluster_id, "run_id": ran.run_id}
    assert ok(client.patch(address, json={"run_name": "first"})) == told | {"run_name": "first"}
    shown = ok(client.get(f"{path}/executions/{ran.run_id}"))
    assert shown["run_name"] == "first"
    assert ok(client.patch(address, json={"run_name": ""})) == told | {"run_name": None}
    assert error_of(client.patch(address, json={"run_name": "x" * 121}))[0] == 422
    assert error_of(client.patch(address, json={}))[0] == 422
    strange = client.patch(f"{path}/executions/run_0/name", json={"run_name": "x"})
    assert error_of(strange)[0] == 404


def enrich(client, *ids, source, **further):
    request = {"clustering_ids": list(ids), "source_collection_id": source, **further}
    return client.post("/v1/clusters/enrich", json=request)


def test_a_finished_run_is_applied_to_its_documents(client, world, documents):
    collection = world.collection(documents)
    ran = world.execute(world.define(collection))
    answer = ok(enrich(client, ran.cluster.name, source=collection.collection_name, batch_size=90))
    assert answer == {"processed": 300, "enriched": 300, "failed": 0, "batches": 4}
    members = world.pipeline.artifacts.read_frame(ran.execution.members_key)
    expected = dict(members.select("point_id", "cluster_id").iter_rows())
    written = world.payloads(collection)
    assert {point: one["cluster_id"] for point, one in written.items()} == expected
    assert {one[run_mark(ran.cluster.cluster_id)] for one in written.values()} == {ran.run_id}
    assert {one["document_id"] for one in written.values()} == {
        one["document_id"] for one in documents.payloads
    }


def test_documents_that_are_gone_are_counted(client, world, documents):
    collection = world.collection(documents)
    ran = world.execute(world.define(collection))
    gone = {"document_ids": [one["document_id"] for one in documents.payloads[:7]]}
    deleted = client.post(f"/v1/collections/{collection.collection_id}/documents/delete", json=gone)
    assert ok(deleted) == {"deleted": 7}
    answer = ok(
        enrich(client, ran.run_id, source=collection.collection_id, batch_size=50, parallelism=3)
    )
    assert answer == {"processed": 300, "enriched": 293, "failed": 7, "batches": 6}
    path = f"/v1/clusters/{ran.cluster.cluster_id}"
    assert ok(client.get(f"{path}/groups"))["member_counts_stale"]
    assert ok(client.get(f"{path}/executions"))["member_counts_stale"]


def test_documents_are_copied_to_another_collection_with_the_fields(client, world, documents):
    collection = world.collection(documents)
    target = world.collection(
        replace(documents, vectors=documents.vectors[:1], ids=[1], payloads=documents.payloads[:1])
    )
    ran = world.execute(world.define(collection))
    answer = enrich(
        client,
        ran.run_id,
        source=collection.collection_id,
        target_collection_id=target.collection_id,
    )
    assert ok(answer)["enriched"] == 300
    copied, source = world.payloads(target), world.payloads(collection)
    assert copied.keys() == source.keys()
    assert all("cluster_id" in one for one in copied.values())
    assert not any("cluster_id" in one for one in source.values())
    assert world.pipeline.documents.count(target.qdrant_collection) == 300


def test_a_run_of_independent_features_puts_both_onto_a_document(client, world, documents):
    name, store = world.name("pictures"), world.pipeline.documents
    store.create_collection(name, {"embedding": 16, "picture": 16})
    world.made.append(name)
    vectors = {"embedding": documents.vectors, "picture": documents.vectors[:, ::-1].copy()}
    store.upsert(name, documents.ids, vectors, documents.payloads)
    collection = world.registered(name)
    features = {
        "feature_uri": None,
        "feature_uris": [FEATURE, "mixpeek://image_extractor@v1/picture"],
        "multi_feature_strategy": "independent",
    }
    mapping = {"source_field": "cluster_id", "target_field": "topic"}
    further = {"source_enrichment_config": {"field_mappings": [mapping]}}
    ran = world.execute(world.define(collection, KMEANS | features, **further))
    answer = ok(enrich(client, ran.run_id, source=collection.collection_id))
    assert (answer["processed"], answer["enriched"]) == (300, 300)
    topics = [one["topic"] for one in world.payloads(collection).values()]
    assert {frozenset(one) for one in topics} == {frozenset({"embedding", "picture"})}
    assert all(one["embedding"] and one["picture"] for one in topics)


def test_two_runs_are_applied_at_once_under_different_fields(client, world, documents):
    collection = world.collection(documents)
    fields = {
        "source_enrichment_config": {
            "field_mappings": [{"source_field": "cluster_id", "target_field": "second"}]
        }
    }
    first = world.execute(world.define(collection))
    second = world.execute(world.define(collection, **fields))
    answer = enrich(client, first.run_id, second.run_id, source=collection.collection_id)
    assert ok(answer)["enriched"] == 300
    assert all(
        {"cluster_id", "second"} <= one.keys() for one in world.payloads(collection).values()
    )
    twice = enrich(client, first.run_id, first.cluster.name, source=collection.collection_id)
    assert error_of(twice)[0] == 409


def test_a_field_that_another_definition_writes_is_not_touched(client, world, documents):
    collection = world.collection(documents)
    ran = world.execute(world.define(collection))
    world.define(collection, **ENRICHING)
    status, message = error_of(enrich(client, ran.run_id, source=collection.collection_id))
    assert status == 409
    assert "'cluster_id'" in message


def test_results_are_applied_only_to_documents_of_the_run(client, world, documents, ran, not_run):
    other = world.collection(documents)
    source = ran.cluster.spec.collection_ids[0]
    assert error_of(enrich(client, ran.run_id, source=other.collection_id))[0] == 422
    assert error_of(enrich(client, not_run.rpartition("/")[2], source=source))[0] == 409
    assert error_of(enrich(client, "run_0", source=source))[0] == 404
    assert error_of(enrich(client, ran.run_id, source="nowhere"))[0] == 404
    assert error_of(enrich(client, source=source))[0] == 422
    output = ran.cluster.state.output_collection_ids[0]
    into_results = enrich(client, ran.run_id, source=source, target_collection_id=output)
    assert error_of(into_results)[0] == 409


def test_results_are_nobody_elses(served, ran, path):
    with served.client(scope=served.tenant(f"stranger {uuid4().hex[:8]}")) as stranger:
        execution = f"{path}/executions/{ran.run_id}"
        answers = [
            stranger.get(f"{path}/groups"),
            stranger.get(f"{path}/visualization"),
            stranger.get(f"{execution}/export"),
            stranger.patch(f"{execution}/labels", json={"labels": {"cl_0": "x"}}),
            stranger.patch(f"{execution}/name", json={"run_name": "x"}),
            enrich(stranger, ran.run_id, source=ran.cluster.spec.collection_ids[0]),
        ]
        assert {error_of(answer)[0] for answer in answers} == {404}


def test_output_collections_take_no_documents(client, ran):
    output = ran.cluster.state.output_collection_ids[0]
    shown = ok(client.get(f"/v1/collections/{output}"))
    assert (shown["output_of"], shown["num_documents"]) == (ran.cluster.cluster_id, 304)
    put = client.post(
        f"/v1/collections/{output}/documents", json={"documents": [{"document_id": "a"}]}
    )
    assert error_of(put)[0] == 409
    assert error_of(client.delete(f"/v1/collections/{output}"))[0] == 409


def test_a_group_is_looked_into(client, ran, path):
    group = ran.execution.centroids[0]
    shown = ok(client.get(f"{path}/groups/{group.cluster_id}"))
    assert (shown["run_id"], shown["group_uid"]) == (ran.run_id, group.group_uid)
    assert (shown["member_count"], len(shown["neighbors"])) == (110, 3)
    assert ok(client.get(f"{path}/groups/{quote(group.label, safe='')}")) == shown
    assert error_of(client.get(f"{path}/groups/cl_9"))[0] == 404


def test_the_documents_of_a_group_are_listed(client, path):
    address = f"{path}/groups/cl_1/documents"
    page = ok(client.get(address, params={"limit": 30, "offset": 60}))
    assert (page["total_count"], len(page["results"])) == (80, 20)
    year = page["results"][0]["payload"]["year"]
    condition = {"AND": [{"field": "year", "operator": "eq", "value": year}]}
    some = ok(client.post(address, json={"filters": condition, "limit": 1000}))
    assert {document["payload"]["year"] for document in some["results"]} == {year}
    assert 0 < some["total_count"] == len(some["results"]) < 80


def test_groups_are_searched(client, path, ran):
    answer = ok(client.get(f"{path}/groups/search", params={"q": "trawler harbour"}))
    assert (answer["by"], answer["run_id"]) == ("words", ran.run_id)
    assert answer["results"][0]["member_count"] == 110
    assert error_of(client.get(f"{path}/groups/search"))[0] == 422


def test_groups_are_told_by_year_segment_and_number(client, path):
    years = ok(client.get(f"{path}/timeline", params={"by": "year", "every": "year"}))
    assert (years["periods"][0], sum(years["totals"])) == ("1990-01-01", 300)
    assert ok(client.get(f"{path}/timeline"))["totals"] == [300]
    segments = ok(client.get(f"{path}/compare", params={"field": "subject", "values": "sea,court"}))
    assert segments["totals"] == [110, 50]
    numbers = ok(client.get(f"{path}/numbers", params={"field": "year"}))
    assert sum(group["documents"] for group in numbers["groups"]) == 300


def test_the_map_is_read_as_a_page(client, ran, path):
    page = client.get(f"{path}/executions/{ran.run_id}/map")
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Content-Security-Policy"] == "sandbox allow-scripts"
    assert ran.execution.centroids[0].label in page.text


@pytest.mark.parametrize(
    "address",
    ["groups/cl_0", "groups/cl_0/documents", "groups/search?q=sea", "timeline", "timeline?by=year",
     "compare?field=year", "numbers?field=year"],
)  # fmt: skip
def test_what_has_not_run_has_nothing_to_look_into(client, not_run, address):
    status, sentence = error_of(client.get(f"{not_run}/{address}"))
    assert (status, "has published nothing yet" in sentence) == (409, True)
