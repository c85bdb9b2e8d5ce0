"""Who may register a Qdrant collection that is there and nobody's yet."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from uuid import uuid4

import pytest

from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.tenants import Access
from clustering_pipeline.service.collections.register import register_existing
from clustering_pipeline_tests.api.answers import error_of, ok
from clustering_pipeline_tests.api.served import Served, served_app


def anew(served) -> str:
    """A Qdrant collection that nobody registered."""
    name = f"there {uuid4().hex[:8]}"
    served.pipeline.documents.create_collection(name, {"": 2})
    return name


def register(served, scope, name: str) -> int:
    with served.client(scope=scope) as client:
        answer = client.post("/v1/collections", json={"collection_name": name})
    return 200 if answer.status_code == 200 else error_of(answer)[0]


@pytest.fixture(scope="module")
def open_to_all(served) -> Iterator[Served]:
    """A server over the same stores where whoever comes first may claim."""
    settings = served.settings.model_copy(update={"api_claims_collections": True})
    with served_app(settings, served.pipeline) as server:
        yield server


def test_the_only_organisation_registers_what_is_there(served):
    alone, keys = served.tenant(uuid4().hex), served.pipeline.catalog.keys
    others = [one for owner in keys.holders() for one in keys.list(owner)]
    for one in others:
        keys.revoke(one.key_id)
    assert register(served, alone, anew(served)) == 200
    # A key that opens nothing any more is nobody's, and one more of ours changes nothing.
    keys.create(alone.organization_id, access=Access.READ)
    assert register(served, alone, anew(served)) == 200


def test_among_several_organisations_only_the_operator_registers_what_is_there(served):
    one, other = served.tenant(uuid4().hex), served.tenant(uuid4().hex)
    served.key(organization_id=other.organization_id)
    name, nowhere = anew(served), f"there {uuid4().hex[:8]}"
    with served.client(scope=one) as client:
        answers = [
            client.post("/v1/collections", json={"collection_name": asked})
            for asked in (name, nowhere)
        ]
        assert [error_of(answer)[0] for answer in answers] == [404, 404]
        assert answers[0].text.replace(name, "X") == answers[1].text.replace(nowhere, "X")
        assert ok(client.get("/v1/collections"))["total_count"] == 0
        request = RegisterCollectionRequest(collection_name=name)
        registered = register_existing(served.pipeline, one, request)
        assert ok(client.get(f"/v1/collections/{name}"))["vector_sizes"] == {"": 2}
        # What is theirs already they may register again, under another name.
        again = {"collection_name": "again", "qdrant_collection": registered.qdrant_collection}
        assert client.post("/v1/collections", json=again).status_code == 200
        new = {"collection_name": "new", "vector_sizes": {"v": 2}}
        assert client.post("/v1/collections", json=new).status_code == 200
    assert register(served, other, name) == 404


def test_where_all_may_claim_the_first_one_has_it(served, open_to_all):
    one, other = served.tenant(uuid4().hex), served.tenant(uuid4().hex)
    served.key(organization_id=other.organization_id)
    name = anew(served)
    assert register(open_to_all, one, name) == 200
    assert register(open_to_all, other, name) == 404


def test_two_who_ask_at_once_do_not_share_a_collection(open_to_all):
    scopes = [open_to_all.tenant(uuid4().hex) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            at_once = partial(_together, open_to_all, anew(open_to_all), Barrier(2))
            statuses = list(pool.map(at_once, scopes))
            assert statuses.count(200) <= 1
            assert set(statuses) <= {200, 404}


def _together(served, name: str, start: Barrier, scope) -> int:
    start.wait(60)
    return register(served, scope, name)


def test_nobody_claims_where_it_is_forbidden(served):
    settings = served.settings.model_copy(update={"api_claims_collections": False})
    alone = served.tenant(uuid4().hex)
    with served_app(settings, served.pipeline) as server:
        assert register(server, alone, anew(served)) == 404
