"""Clustering while the client waits: what is answered, what is kept, and where it ends."""

import asyncio
import io
import threading
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any, ClassVar

import httpx
import polars as pl
import pytest

from clustering_pipeline.api.app import create_app
from clustering_pipeline.api.launches import Launches
from clustering_pipeline.api.one_shots import OneShots
from clustering_pipeline.api.services import Services
from clustering_pipeline.defs.instance.launcher import WorkerLauncher
from clustering_pipeline.model.definitions.one_shot import (
    ExecuteClusterRequest,
    ExecuteClusterResponse,
)
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import DoesNotFit
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.stores.documents import Documents
from clustering_pipeline_tests.api.answers import error_of, ok, problems_of
from clustering_pipeline_tests.worlds.planted import is_about, planted

SIZES = {"sea": 40, "kitchen": 30, "space": 20}
ADDRESS = "/v1/clusters/execute"


@pytest.fixture(scope="module")
def talks(served):
    """A collection of ninety documents about three subjects."""
    return served.collection(planted(sizes=SIZES))


def asked(talks, *, config=None, **fields):
    kmeans = {
        "algorithm": "kmeans",
        "algorithm_params": {"n_clusters": 3},
        "feature_vector": {"vector_name": "embedding"},
    }
    return {"collection_ids": [talks], "config": kmeans | (config or {}), **fields}


def files(served):
    return set(served.pipeline.artifacts.list(""))


def test_the_groups_are_answered_with_names_and_vectors(client, talks):
    found = ok(client.post(ADDRESS, json=asked(talks)))
    assert (found["success"], found["algorithm"]) == (True, "kmeans")
    assert (found["num_clusters"], found["num_documents"]) == (3, 90)
    assert [one["num_members"] for one in found["centroids"]] == [40, 30, 20]
    for one, subject in zip(found["centroids"], SIZES, strict=True):
        assert is_about(subject, one["label"])
        assert len(one["centroid_vector"]) == one["feature_dimensions"] == 16
        assert (one["feature_name"], one["vector_name"]) == ("embedding", "embedding")
    assert found["metrics"]["silhouette_score"] > 0.3
    assert all(isinstance(value, float) for value in found["metrics"].values())
    assert "members" not in found or found["members"] is None


def test_results_are_kept_as_asked(served, client, talks):
    before = files(served)
    found = ok(client.post(ADDRESS, json=asked(talks)))
    assert files(served) - before == {found["parquet_path"], found["members_key"]}
    members = pl.read_parquet(
        io.BytesIO(served.pipeline.artifacts.read_bytes(found["members_key"]))
    )
    assert Counter(members["cluster_id"].to_list()) == {"cl_0": 40, "cl_1": 30, "cl_2": 20}
    kept = served.pipeline.catalog.executions.get(LOCAL, found["run_id"])
    assert (kept.status, kept.num_clusters, kept.num_points) == ("completed", 3, 90)


def test_kept_results_can_be_put_onto_the_documents(served, client, talks):
    found = ok(client.post(ADDRESS, json=asked(talks)))
    wanted = {"clustering_ids": [found["run_id"]], "source_collection_id": talks}
    assert ok(client.post("/v1/clusters/enrich", json=wanted))["enriched"] == 90
    pages = served.pipeline.documents.scroll(talks)
    counts = Counter(point.payload["cluster_id"] for page in pages for point in page)
    assert counts == {"cl_0": 40, "cl_1": 30, "cl_2": 20}


def test_artifacts_alone_hold_the_documents_too(served, client, talks):
    before = files(served)
    wanted = asked(talks, store_results=False, save_artifacts=True)
    found = ok(client.post(ADDRESS, json=wanted))
    names = sorted(file.rpartition("/")[2] for file in files(served) - before)
    assert names == ["clusters.parquet", "embeddings.parquet", "members.parquet"]
    assert served.pipeline.catalog.executions.find(found["run_id"]) is None


def test_nothing_is_written_where_nothing_is_to_be_kept(served, client, talks):
    before = files(served)
    wanted = asked(talks, store_results=False, compute_metrics=False, include_members=True)
    found = ok(client.post(ADDRESS, json=wanted))
    assert (found["parquet_path"], found["members_key"], found["metrics"]) == (None, None, {})
    assert files(served) == before
    assert served.pipeline.catalog.executions.find(found["run_id"]) is None
    assert Counter(one["cluster_id"] for one in found["members"]) == {
        "cl_0": 40,
        "cl_1": 30,
        "cl_2": 20,
    }
    assert set(found["members"][0]) == {
        "document_id",
        "collection_id",
        "cluster_id",
        "distance_to_centroid",
    }


def test_attributes_group_too(client, talks):
    config = {"algorithm": "attribute_based", "attribute_config": {"attributes": ["subject"]}}
    wanted = {"collection_ids": [talks], "config": config, "store_results": False}
    found = ok(client.post(ADDRESS, json=wanted))
    assert [(one["num_members"], one["centroid_vector"]) for one in found["centroids"]] == [
        (40, []),
        (30, []),
        (20, []),
    ]


@pytest.mark.parametrize(
    "vector",
    [
        {"feature_address": "mixpeek://text@v1/embedding"},
        {"feature_address": {"extractor": "text", "version": "v1", "output": "embedding"}},
        {"feature_address": {"extractor": "text", "version": "v1"}},
    ],
)
def test_a_vector_is_found_by_its_feature(client, talks, vector):
    wanted = asked(talks, config={"feature_vector": vector}, store_results=False)
    assert ok(client.post(ADDRESS, json=wanted))["num_clusters"] == 3


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"feature_vector": {"vector_name": "other"}}, "embedding"),
        ({"feature_vector": {}}, "feature_address"),
        ({"feature_vector": None}, "config: feature_vector is required"),
        (
            {"algorithm": "attribute_based", "algorithm_params": None},
            "attribute_config is required",
        ),
        ({"algorithm": "magic"}, "algorithm"),
        ({"algorithm_params": {"eps": 1.0}}, "eps"),
        ({"dimensionality_reduction": {"method": "magic"}}, "method"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_config_is_refused(client, talks, config, named):
    status, message = error_of(client.post(ADDRESS, json=asked(talks, config=config)))
    assert (status, named in message) == (422, True)


def test_an_unknown_collection_is_not_found(client):
    assert error_of(client.post(ADDRESS, json=asked("nobody's")))[0] == 404


@pytest.mark.parametrize("field", ["namespace_id", "internal_id"])
def test_another_owner_is_refused(client, talks, field):
    assert error_of(client.post(ADDRESS, json=asked(talks, **{field: "ns_other"})))[0] == 403
    own = {"namespace_id": LOCAL.namespace_id, "internal_id": LOCAL.organization_id}
    answer = client.post(ADDRESS, json=asked(talks, store_results=False, **own))
    assert ok(answer)["num_clusters"] == 3


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"api_one_shot_documents": 89}, "90 documents are more than the 89"),
        ({"api_one_shot_seconds": 1e-9}, "takes longer than"),
    ],
)
def test_beyond_the_limits_stored_definitions_are_pointed_to(served, talks, limit, reason):
    settings = served.settings.model_copy(update=limit)
    shots = OneShots(settings, served.pipeline)
    request = validate(ExecuteClusterRequest, asked(talks))
    with pytest.raises(DoesNotFit, match=rf"{reason}.*POST /v1/clusters"):
        asyncio.run(shots.execute(LOCAL, request))
    shots.close()


def test_two_calls_are_clustered_at_once_and_keep_nobody_else_waiting(served):
    """More calls than the server has threads for its other work: most are refused at once."""
    done = threading.Event()

    def held(*_: object, **__: object) -> ExecuteClusterResponse:
        assert done.wait(60)
        message = "enough"
        raise DoesNotFit(message)

    with ExitStack() as opened:
        launcher = WorkerLauncher(settings=served.settings)
        launches = opened.enter_context(closing(Launches(served.pipeline, launcher)))
        shots = opened.enter_context(closing(OneShots(served.settings, served.pipeline, work=held)))
        app = create_app(
            Services(
                settings=served.settings,
                pipeline=served.pipeline,
                launcher=launcher,
                launches=launches,
                one_shots=shots,
            )
        )
        with served.client() as known:
            headers = dict(known.headers)
        statuses = asyncio.run(_asked_meanwhile(app, headers, done))
    assert sorted(statuses) == [200, *[422] * 2, *[429] * 48]


async def _asked_meanwhile(app, headers, done) -> list[int]:
    """The status of a read while fifty calls wait, and of those calls."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers=headers
    ) as client:
        waiting = [asyncio.create_task(client.post(ADDRESS, json=asked("x"))) for _ in range(50)]
        try:
            # They come first, in the order of the loop.
            read = await asyncio.wait_for(client.get("/v1/collections"), 30)
            while sum(call.done() for call in waiting) < 48:
                await asyncio.sleep(0.05)
        finally:
            done.set()
        return [read.status_code, *[(await one).status_code for one in waiting]]


def test_documents_are_read_as_asked(served, talks):
    class Watched(Documents):
        read: ClassVar[list[Any]] = []

        def export(self, *arguments: Any, **options: Any) -> Any:
            self.read.append((options["page"], options["in_flight"]))
            return super().export(*arguments, **options)

    pipeline = replace(
        served.pipeline, documents=Watched.connect(served.pipeline.documents.address)
    )
    config = {"batch_size": 7, "parallelism": 3}
    request = validate(ExecuteClusterRequest, asked(talks, config=config, store_results=False))
    with closing(pipeline.documents), closing(OneShots(served.settings, pipeline)) as shots:
        found = asyncio.run(shots.execute(LOCAL, request))
    assert (Watched.read, found.num_documents) == ([(7, 3)], 90)


def test_what_is_required_is_named(client):
    places = [one["location"] for one in problems_of(client.post(ADDRESS, json={}))]
    assert places == [["body", "collection_ids"], ["body", "config"]]
