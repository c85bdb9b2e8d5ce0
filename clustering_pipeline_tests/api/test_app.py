"""Who may call at all, and what everybody is answered."""

import httpx
import pytest

from clustering_pipeline.model.tenants import Access
from clustering_pipeline_tests.api.answers import error_of


def test_the_server_says_that_it_lives_and_which_stores_answer(served):
    assert httpx.get(f"{served.url}/healthz").json() == {"status": "ok"}
    ready = {"catalog": "ok", "documents": "ok", "artifacts": "ok"}
    assert httpx.get(f"{served.url}/readyz").json() == {"status": "ready", "stores": ready}


def test_nobody_calls_without_a_key(served):
    answer = httpx.get(f"{served.url}/v1/namespaces")
    assert error_of(answer)[0] == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer sk_unknown", "Basic YTpi", "sk_x"])
def test_a_key_that_nobody_holds_opens_nothing(served, header):
    answer = httpx.get(f"{served.url}/v1/namespaces", headers={"Authorization": header})
    assert error_of(answer)[0] == 401


def test_a_revoked_key_opens_nothing(served):
    keys = served.pipeline.catalog.keys
    made = keys.create("int_local", access=Access.READ)
    headers = {"Authorization": f"Bearer {made.secret}"}
    assert httpx.get(f"{served.url}/v1/namespaces", headers=headers).status_code == 200
    keys.revoke(made.record.key_id)
    answer = httpx.get(f"{served.url}/v1/namespaces", headers=headers)
    assert error_of(answer)[0] == 401


def test_an_unknown_address_is_told_in_the_envelope(client):
    assert error_of(client.get("/v1/nothing"))[0] == 404


def test_a_method_that_an_address_lacks_is_told_with_those_it_has(client):
    assert client.post("/healthz").headers["Allow"] == "GET"
    answer = client.delete("/v1/namespaces")
    assert error_of(answer) == (405, "DELETE is not allowed here: use GET, POST")
    assert answer.headers["Allow"] == "GET, POST"
    assert answer.json()["error"]["code"] == "method_not_allowed"
