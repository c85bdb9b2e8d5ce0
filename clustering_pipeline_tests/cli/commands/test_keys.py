"""Organisations, namespaces and keys on the command line, and a server that knows them."""

import os
import signal
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from clustering_pipeline_tests.cli.command import PROGRAM, run


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of ``serve``, started as a person starts it and ended by Ctrl-C."""
    server = subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    with server:
        yield server.stdout.readline().split()[1]
        server.send_signal(signal.SIGINT)
        assert server.wait(120) == 0


def asked(url: str, key: str, namespace: str) -> int:
    headers = {"Authorization": f"Bearer {key}", "X-Namespace": namespace}
    return httpx.get(f"{url}/v1/clusters", headers=headers, timeout=60).status_code


def test_a_key_opens_the_namespaces_it_was_made_for_until_it_is_revoked(url):
    owner = run("organizations", "create", "press", "--json").json["organization_id"]
    mine = run("namespaces", "create", "desk", "--organization", "press", "--json").json
    run("namespaces", "create", "archive", "--organization", owner)
    flags = ("--organization", "press", "--namespace", "desk", "--read", "--json")
    key = run("keys", "create", *flags, "--name", "reader").json
    assert (key["access"], key["namespace_ids"]) == ("read", [mine["namespace_id"]])

    assert [asked(url, key["secret"], name) for name in ("desk", mine["namespace_id"])] == [
        200,
        200,
    ]
    assert [asked(url, key["secret"], name) for name in ("archive", "default", "x")] == [403] * 3
    headers = {"Authorization": f"Bearer {key['secret']}", "X-Namespace": "desk"}
    assert httpx.post(f"{url}/v1/clusters", headers=headers, json={}).status_code == 403

    (listed,) = run("keys", "list", "--organization", "press", "--json").json
    assert listed["key_id"] == key["key_id"]
    assert not {"secret", "key_hash"} & listed.keys()
    assert run("keys", "revoke", key["key_id"]).code == 0
    assert asked(url, key["secret"], "desk") == 401
    assert run("keys", "revoke", "key_unknown").code == 3


def test_names_of_organisations_and_namespaces_are_taken_once():
    assert run("organizations", "create", "paper").code == 0
    assert run("organizations", "create", "paper").code == 4
    assert run("namespaces", "create", "a", "--organization", "paper").code == 0
    assert run("namespaces", "create", "a", "--organization", "paper").code == 4
    assert run("namespaces", "create", "ns_ab", "--organization", "paper").code == 2
    assert run("namespaces", "create", "a", "--organization", "nobody").code == 3
    names = [one["namespace_name"] for one in run("namespaces", "list", "--json").json]
    assert names == ["default"]
    known = {one["organization_name"] for one in run("organizations", "list", "--json").json}
    assert known >= {"local", "paper"}
