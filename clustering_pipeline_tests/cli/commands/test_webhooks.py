"""Webhooks from the command line."""

import json

import pytest

from clustering_pipeline_tests.cli.command import run
from clustering_pipeline_tests.notifications.receivers import receiving, status


def test_webhooks_live_and_die(monkeypatch):
    monkeypatch.setenv("CLUSTERING_WEBHOOK_NETWORKS", '["127.0.0.0/8"]')
    with receiving(status(503)) as receiver:
        made = run(
            *("webhooks", "create", receiver.url, "--event", "cluster.execution.failed"),
            *("--description", "for the newsroom", "--json"),
        ).json
        webhook = made["webhook_id"]
        assert made["secret"].startswith("whsec_")
        listed = run("webhooks", "list", "--json").json
        assert listed == [{name: one for name, one in made.items() if name != "secret"}]
        refused = run("webhooks", "test", webhook, "--json")
    tried = json.loads(refused.out)
    assert refused.code == 1
    assert refused.err == (
        f"error: {webhook} was not told: its receiver answered 503, and takes a message with 2xx\n"
    )
    assert (tried["status"], tried["last_answer"], len(receiver.heard)) == ("failed", 503, 1)
    assert [
        one["delivery_id"] for one in run("webhooks", "deliveries", webhook, "--json").json
    ] == [tried["delivery_id"]]
    assert "webhook.test" in run("webhooks", "deliveries", webhook).out
    assert run("webhooks", "delete", webhook, "--yes").code == 0
    assert run("webhooks", "deliveries", webhook).code == 3
    assert made["secret"] not in run("webhooks", "list").out


def test_a_webhook_that_is_tried_is_told_or_says_why_not(monkeypatch):
    monkeypatch.setenv("CLUSTERING_WEBHOOK_NETWORKS", '["127.0.0.0/8"]')
    with receiving(status(204)) as receiver:
        webhook = run("webhooks", "create", receiver.url, "--json").json["webhook_id"]
        tried = run("webhooks", "test", webhook)
        assert (tried.code, tried.fields["status"], tried.err) == (0, "delivered", "")
    nobody = run("webhooks", "test", webhook)
    assert nobody.code == 1
    assert nobody.err.startswith(f"error: {webhook} was not told: ")
    assert run("webhooks", "delete", webhook, "--yes").code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["http://127.0.0.1:9/"], "is not at a public address", id="loopback"),
        pytest.param(["receiver.invalid"], "does not begin with https", id="no-url"),
        pytest.param(["https://receiver.invalid", "--event", "x"], "is not one of", id="event"),
    ],
)
def test_a_webhook_that_makes_no_sense_is_refused(arguments, sentence):
    done = run("webhooks", "create", *arguments)
    assert done.code == 2
    assert sentence in done.err


def test_networks_that_are_none_are_named(monkeypatch):
    monkeypatch.setenv("CLUSTERING_WEBHOOK_NETWORKS", '["everywhere"]')
    done = run("config")
    assert done.code == 2
    assert done.err.startswith("error: CLUSTERING_WEBHOOK_NETWORKS")
    monkeypatch.setenv("CLUSTERING_WEBHOOK_NETWORKS", '["10.0.0.0/8"]')
    assert run("config", "--json").json["CLUSTERING_WEBHOOK_NETWORKS"] == '["10.0.0.0/8"]'
