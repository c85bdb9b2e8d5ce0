"""How often a key may ask, what is logged, and what is answered when something breaks."""

import asyncio
import io
import json
import logging
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from clustering_pipeline.api.middleware.limits import Limited, Sized
from clustering_pipeline.api.middleware.observed import Observed
from clustering_pipeline.local.stack.spawn import free_port
from clustering_pipeline.logs import Json
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline_tests.api.answers import error_of
from clustering_pipeline_tests.api.served import served_app


def test_a_key_that_asks_too_often_is_told_how_long_to_wait(served):
    settings = served.settings.model_copy(update={"api_requests_per_second": 0.01})
    with served_app(settings, served.pipeline) as slow, slow.client() as client:
        assert client.get("/v1/clusters").status_code == 200
        refused = client.get("/v1/clusters")
        assert error_of(refused)[0] == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 100
        with slow.client() as other:
            assert other.get("/v1/clusters").status_code == 200


@dataclass(frozen=True)
class Key:
    key_id: str


@dataclass
class Bucket:
    """A limit of two a second, by a clock of the test's own."""

    now: float = 0.0
    limited: Limited = field(init=False)

    def __post_init__(self):
        self.limited = Limited(_fine, per_second=2.0, clock=lambda: self.now)

    def status(self, key: str) -> int:
        sent: list[dict[str, Any]] = []

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "state": {"key": Key(key)}}
        asyncio.run(self.limited(scope, None, send))
        return sent[0]["status"]


async def _fine(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})


def test_what_was_saved_up_may_be_asked_at_once_and_then_a_steady_rate():
    bucket = Bucket()
    assert [bucket.status("a") for _ in range(5)] == [200, 200, 200, 200, 429]
    assert bucket.status("b") == 200
    bucket.now = 0.5
    assert [bucket.status("a") for _ in range(2)] == [200, 429]
    bucket.now = 1000.0
    assert [bucket.status("a") for _ in range(5)] == [200, 200, 200, 200, 429]


def test_half_a_body_is_not_taken_for_a_whole_one():
    handed_on: list[dict[str, Any]] = []

    async def app(_scope, receive, _send):
        handed_on.append(await receive())

    def said(*messages: dict[str, Any]) -> list[dict[str, Any]]:
        left = list(messages)

        async def receive():
            return left.pop(0)

        scope = {"type": "http", "path": "/v1/clusters/x/execute", "headers": []}
        asyncio.run(Sized(app, most=100, most_documents=100)(scope, receive, None))
        return handed_on

    part = {"type": "http.request", "body": b"{", "more_body": True}
    assert said({"type": "http.disconnect"}) == said(part, {"type": "http.disconnect"}) == []
    assert said(part, {"type": "http.request", "body": b"}"})[0]["body"] == b"{}"


@pytest.fixture
def log():
    """What is told at the moment, as JSON."""
    lines = io.StringIO()
    handler, logger = logging.StreamHandler(lines), logging.getLogger("clustering_pipeline.api")
    handler.setFormatter(Json())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lines
    logger.removeHandler(handler)


def test_a_request_is_logged_by_its_id_and_without_secrets(served, client, log):
    secret = client.headers["Authorization"].removeprefix("Bearer ")
    answer = client.get("/v1/clusters?search=s3cret", headers={"X-Request-ID": "mine-1"})
    assert answer.headers["X-Request-ID"] == "mine-1"
    client.get("/v1/clusters", headers={"X-Request-ID": "not one of ours\x7f"})
    client.get("/v1/clusters/s3cret", headers={"X-Request-ID": "mine-2"})
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    (line,) = [line for line in lines if line["request_id"] == "mine-1"]
    assert (line["event"], line["method"], line["path"]) == ("request", "GET", "/v1/clusters")
    assert (line["status"], line["key_id"].startswith("key_")) == (200, True)
    refused, _ = [line for line in lines if line["request_id"] == "mine-2"]
    assert (refused["event"], refused["code"], refused["status"]) == (
        "request refused",
        "cluster_not_found",
        404,
    )
    assert not [word for word in (secret, "not one of ours") if word in log.getvalue()]
    assert "search" not in log.getvalue()


def test_what_nobody_foresaw_is_answered_without_what_it_said(log):
    async def broken(_scope, _receive, _send):
        message = "s3cret of the database"
        raise RuntimeError(message)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=Observed(broken))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/v1/clusters")

    answer = asyncio.run(ask())
    status, message = error_of(answer)
    assert (status, answer.headers["X-Request-ID"] in message) == (500, True)
    assert "s3cret" not in answer.text + log.getvalue()
    assert json.loads(log.getvalue().splitlines()[0])["because"] == "RuntimeError"


@pytest.fixture
def without_catalog(served):
    """A server whose MongoDB is away."""
    uri = f"mongodb://127.0.0.1:{free_port()}"
    with closing(MongoClient(uri, serverSelectionTimeoutMS=50)) as mongo:
        catalog = Catalog(mongo["nowhere"], address=uri, timeout_ms=200)
        with served_app(served.settings, replace(served.pipeline, catalog=catalog)) as app:
            yield app


def test_a_store_that_is_down_is_named(without_catalog):
    ready = httpx.get(f"{without_catalog.url}/readyz", timeout=60)
    stores = ready.json()["stores"]
    assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
    assert {name for name, state in stores.items() if state != "ok"} == {"catalog"}
    assert httpx.get(f"{without_catalog.url}/healthz").status_code == 200
    headers = {"Authorization": "Bearer sk_any", "X-Namespace": "default"}
    answer = httpx.get(f"{without_catalog.url}/v1/clusters", headers=headers, timeout=60)
    assert error_of(answer)[0] == 503
    # Where it should be is for whoever runs the server.
    assert "127.0.0.1" not in ready.text + answer.text
