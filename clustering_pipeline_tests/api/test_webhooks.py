"""Webhooks over HTTP."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.model.automation.webhooks import WebhookModel
from clustering_pipeline.model.executions.execution import EVENTS
from clustering_pipeline.model.tenants import Access
from clustering_pipeline_tests.api.answers import error_of, ok
from clustering_pipeline_tests.api.served import Served, served_app
from clustering_pipeline_tests.notifications.receivers import LOOPBACK, receiving, status

URL = "https://receiver.invalid/"


@pytest.fixture(scope="module")
def served(settings) -> Iterator[Served]:
    """A server that may post to the loopback."""
    with ExitStack() as opened:
        pipeline = opened.enter_context(open_pipeline(settings))
        yield opened.enter_context(served_app(settings, replace(pipeline, sender=LOOPBACK)))


@pytest.fixture
def webhook(client) -> Iterator[dict]:
    made = ok(client.post("/v1/webhooks", json={"url": URL}))
    yield made
    client.delete(f"/v1/webhooks/{made['webhook_id']}")


def test_a_webhook_is_made_and_its_secret_shown_once(client, webhook):
    address = f"/v1/webhooks/{webhook['webhook_id']}"
    assert webhook["secret"].startswith("whsec_")
    assert (webhook["url"], webhook["event_types"]) == (URL, list(EVENTS))
    shown = {name: webhook[name] for name in WebhookModel.model_fields}
    assert ok(client.get(address)) == shown
    assert ok(client.get("/v1/webhooks")) == {"results": [shown], "total_count": 1}
    assert webhook.keys() - shown.keys() == {"secret"}


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        pytest.param({}, "url", id="no-url"),
        pytest.param({"url": "receiver.invalid"}, "does not begin with https", id="no-scheme"),
        pytest.param({"url": "https://10.0.0.1/"}, "not at a public address", id="private"),
        pytest.param({"url": "http://8.8.8.8/"}, "must begin with https", id="plain"),
        pytest.param({"url": URL, "event_types": []}, "event_types", id="no-event"),
        pytest.param({"url": URL, "event_types": ["cluster.gone"]}, "event_types", id="unknown"),
        pytest.param({"url": URL, "secret": "x"}, "takes no 'secret'", id="own-secret"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(client, request_, sentence):
    answer = client.post("/v1/webhooks", json=request_)
    assert error_of(answer)[0] == 422
    assert sentence in answer.text
    assert ok(client.get("/v1/webhooks"))["total_count"] == 0


def test_a_webhook_is_tried_and_its_log_read(client):
    with receiving(status(200), status(500)) as receiver:
        made = ok(client.post("/v1/webhooks", json={"url": receiver.url}))
        address = f"/v1/webhooks/{made['webhook_id']}"
        tried = [ok(client.post(f"{address}/test")) for _ in range(2)]
    assert [one["status"] for one in tried] == ["delivered", "failed"]
    assert [one["attempts"][0]["status_code"] for one in tried] == [200, 500]
    log = ok(client.get(f"{address}/deliveries"))
    assert (log["total_count"], log["results"]) == (2, tried[::-1])
    failed = ok(client.get(f"{address}/deliveries", params={"status": "failed", "limit": 1}))
    assert (failed["total_count"], failed["results"]) == (1, tried[1:])
    assert error_of(client.get(f"{address}/deliveries", params={"status": "lost"}))[0] == 422
    ok(client.delete(address))
    assert error_of(client.get(f"{address}/deliveries"))[0] == 404


def test_a_key_that_may_only_read_makes_and_sends_nothing(served, webhook):
    address = f"/v1/webhooks/{webhook['webhook_id']}"
    with served.client(access=Access.READ) as reader:
        assert ok(reader.get(address))["url"] == URL
        for refused in (
            reader.post("/v1/webhooks", json={"url": URL}),
            reader.post(f"{address}/test"),
            reader.delete(address),
        ):
            assert error_of(refused)[0] == 403
