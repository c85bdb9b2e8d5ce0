"""Requests made up from the OpenAPI document: no 5xx, and every answer is as the document says."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import dagster as dg
import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import ignored_auth

from clustering_pipeline.api.app import openapi_document
from clustering_pipeline.api.server import short_pauses
from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.run.process import is_alive, this_process
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.api.answers import ok
from clustering_pipeline_tests.api.served import Served, served_app
from clustering_pipeline_tests.sizes import FULL, size
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import World

SUBJECTS = {"sea": 70, "kitchen": 60, "space": 40, "court": 30}
WITH_BODY = size(ci=100, full=1000)
WITHOUT_BODY = size(ci=10, full=100)
# The namespace is settled (test_tenants.py is about others), which also halves what is to be drawn.
HERE = {"headers": {"X-Namespace": LOCAL.namespace_id}, "query": {"namespace": "default"}}
EXECUTE = "POST /v1/clusters/{cluster_identifier}/execute"

# Some rules are beyond what a schema can say: a request that keeps to it may still be a 422.
ACCEPTED = {"expected-statuses": ["2xx", "401", "403", "404", "409", "422"]}
CONFIG = schemathesis.Config.from_dict({"checks": {"positive_data_acceptance": ACCEPTED}})
SCHEMA = schemathesis.openapi.from_dict(openapi_document(), config=CONFIG)
OPERATIONS = {one.ok().label: one.ok() for one in SCHEMA.get_all_operations()}


def kinds_of(operation: schemathesis.APIOperation) -> list[str]:
    """Requests about what there is, about what there is not, and those that break the document."""
    kinds = {
        "as documented": True,
        "strange ids": operation.path_parameters,
        "broken": operation.body or operation.query,
    }
    return [kind for kind, is_there in kinds.items() if is_there]


EVERY_KIND = [(label, kind) for label, one in OPERATIONS.items() for kind in kinds_of(one)]


@pytest.fixture(scope="module")
def served(settings: Settings) -> Iterator[Served]:
    """A server that takes any number of requests."""
    unlimited = settings.model_copy(update={"api_requests_per_second": 1e9})
    with ExitStack() as opened:
        opened.enter_context(short_pauses())
        pipeline = opened.enter_context(open_pipeline(settings))
        before = set(pipeline.documents.collections())
        yield opened.enter_context(served_app(unlimited, pipeline))
        for name in set(pipeline.documents.collections()) - before:
            pipeline.documents.delete_collection(name)


@pytest.fixture(scope="module")
def session(client) -> Iterator[requests.Session]:
    """What schemathesis calls with, as the same caller."""
    with requests.Session() as session:
        # The loopback has no proxies and no passwords in files, which it would look for each time.
        session.trust_env = False
        for name in ("Authorization", "X-Namespace"):
            session.headers[name] = client.headers[name]
        yield session


@pytest.fixture(scope="module")
def world(served) -> Iterator[World]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(pipeline=served.pipeline, instance=instance)


@pytest.fixture(scope="module")
def there(world, client) -> dict[str, str]:
    """Ids of what there is: a collection of 200 documents, a definition that has run."""
    documents = planted(sizes=SUBJECTS)
    ran = world.run(world.define(world.collection(documents)))
    ids = _listened_to(client, ran.cluster.cluster_id, ran.cluster.spec.collection_ids[0])
    document_id = documents.payloads[0]["document_id"]
    return {
        **ids,
        "run_id": ran.run_id,
        "task_id": ran.execution.task_id,
        "document_id": document_id,
        "group": "cl_0",
    }


@pytest.fixture
def spare(world, client, there) -> dict[str, str]:
    """The same for operations that delete."""
    collection = world.collection(planted(sizes={"sea": 3}))
    cluster = world.define(collection)
    return {**there, **_listened_to(client, cluster.cluster_id, collection.collection_id)}


@pytest.fixture
def runnable(world, there) -> dict[str, str]:
    """The same for executions; at CI size one is under way, so that no other is started."""
    collection = world.pipeline.catalog.collections.get(LOCAL, there["collection_identifier"])
    cluster = world.define(collection)
    if not FULL:
        owner = this_process("run_0", "task_0")
        world.pipeline.catalog.clusters.claim(cluster.cluster_id, owner, is_alive=is_alive)
    return {**there, "cluster_identifier": cluster.cluster_id}


@pytest.fixture
def ids(request, label, kind) -> dict[str, str]:
    """Ids that an operation may do its worst to."""
    if kind != "strange ids" and label == EXECUTE:
        return request.getfixturevalue("runnable")
    deletes = label.startswith("DELETE") or label.endswith("/delete")
    hurts = deletes and kind != "strange ids"
    return request.getfixturevalue("spare" if hurts else "there")


@pytest.mark.parametrize(("label", "kind"), EVERY_KIND)
def test_any_request_is_answered_as_documented(label, kind, served, session, ids):
    operation = OPERATIONS[label]
    locked = Locked()
    examples = WITH_BODY if operation.body else WITHOUT_BODY

    @hypothesis.given(case=_cases(operation, kind, ids))
    @hypothesis.settings(
        max_examples=-(-examples // len(kinds_of(operation))),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        # What fails is shown as it was found: to shrink it would take longer than to read it.
        phases=[hypothesis.Phase.generate],
    )
    def answered_as_documented(case: schemathesis.Case) -> None:
        response = case.call(base_url=served.url, session=session, timeout=120)
        case.validate_response(response, excluded_checks=locked.known(case))
        locked.learn(response)

    answered_as_documented()


@dataclass
class Locked:
    """Whether an operation has been seen to refuse who has no key.

    The check for that asks twice more after each success; as in schemathesis' own runs, once is
    enough. A request with credentials of its own, which must be refused, is always checked.
    """

    seen: bool = False

    def known(self, case: schemathesis.Case) -> list[Callable[..., bool | None]]:
        own = any(name.lower() == "authorization" for name in case.headers or ())
        return [ignored_auth] if self.seen and not own else []

    def learn(self, response: schemathesis.Response) -> None:
        self.seen = self.seen or response.status_code < 300


def _cases(
    operation: schemathesis.APIOperation, kind: str, ids: dict[str, str]
) -> st.SearchStrategy[schemathesis.Case]:
    true = {one.name: ids[one.name] for one in operation.path_parameters}
    if kind == "strange ids":
        return operation.as_strategy(**HERE)
    if kind == "as documented":
        cases = operation.as_strategy(path_parameters=true, **HERE)
        return cases.map(lambda case: _pointed(case, ids))
    broken = schemathesis.GenerationMode.NEGATIVE
    here = HERE if operation.body else {"headers": HERE["headers"]}
    cases = operation.as_strategy(broken, path_parameters=true, **here)
    return cases.filter(lambda case: all(map(_shows, (case.query or {}).values())))


def _shows(value: object) -> bool:
    """Whether an address shows what a parameter is: an empty list is nothing, and one of one text
    is that text.
    """
    return value is not None if _is_scalar(value) else _texts(value) > 1


def _texts(value: object) -> int:
    return int(value is not None) if _is_scalar(value) else sum(map(_texts, value))


def _is_scalar(value: object) -> bool:
    return not isinstance(value, list | tuple | dict)


def _pointed(case: schemathesis.Case, ids: dict[str, str]) -> schemathesis.Case:
    """The request about what there is, where its body names something."""
    named = {
        "collection_ids": [ids["collection_identifier"]],
        "source_collection_id": ids["collection_identifier"],
        "clustering_ids": [ids["cluster_identifier"]],
        "cluster_id": ids["cluster_identifier"],
    }
    if isinstance(case.body, dict):
        case.body = {key: named.get(key, value) for key, value in case.body.items()}
    return case


def _listened_to(client, cluster: str, collection: str) -> dict[str, str]:
    request = {
        "cluster_id": cluster,
        "trigger_type": "interval",
        "schedule_config": {"interval_seconds": 3600},
    }
    trigger = ok(client.post("/v1/clusters/triggers", json=request))["trigger_id"]
    batch = ok(client.post(f"/v1/collections/{collection}/batches"))["batch_id"]
    receiver = {"url": "https://receiver.invalid/"}
    for one in ok(client.get("/v1/webhooks"))["results"]:
        # A namespace may have so many: those of made-up requests make room.
        if one["url"] != receiver["url"]:
            client.delete(f"/v1/webhooks/{one['webhook_id']}")
    webhook = ok(client.post("/v1/webhooks", json=receiver))["webhook_id"]
    return {
        "cluster_identifier": cluster,
        "collection_identifier": collection,
        "trigger_id": trigger,
        "batch_id": batch,
        "webhook_id": webhook,
    }
