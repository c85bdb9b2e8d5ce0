import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace

import grpc
import pytest
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.handlers import generic_handlers
from clustering_pipeline.local.qdrant.status import wrong_input
from clustering_pipeline_tests.local.qdrant.factories import refused


class Panic(BaseException):
    """What the engine raises is no ``Exception`` when it panics."""


@pytest.fixture
def health_check():
    """Calls a server whose only method raises what it is told to."""
    told: list[BaseException] = []

    def raising(_: messages.HealthCheckRequest) -> messages.HealthCheckReply:
        raise told.pop()

    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers(generic_handlers({"Qdrant": {"HealthCheck": raising}}))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:

        def call(error: BaseException) -> messages.HealthCheckReply:
            told.append(error)
            return messages.QdrantStub(channel).HealthCheck(messages.HealthCheckRequest())

        yield call
    server.stop(None).wait()


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        pytest.param(
            wrong_input(reason="no"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "Wrong input: no",
            id="a refusal of ours",
        ),
        pytest.param(
            ValueError("invalid JSON path a["),
            grpc.StatusCode.INVALID_ARGUMENT,
            "Wrong input: invalid JSON path a[",
            id="an argument the engine refuses",
        ),
        pytest.param(
            Exception("No point with id 7"),
            grpc.StatusCode.NOT_FOUND,
            "Not found: No point with id 7",
            id="a missing point",
        ),
        pytest.param(
            Exception("disk full"),
            grpc.StatusCode.INTERNAL,
            "Service internal error: disk full",
            id="a failure of the engine",
        ),
        pytest.param(
            Panic("index out of bounds"),
            grpc.StatusCode.INTERNAL,
            "Service internal error: index out of bounds",
            id="a panic of the engine",
        ),
    ],
)
def test_whatever_is_raised_becomes_an_answer(health_check, error, code, text):
    with refused(code, text):
        health_check(error)


class Body:
    """A request of megabytes."""


class Aborted(Exception):
    """How gRPC ends a call."""


def test_a_refused_request_is_let_go_at_once():
    def raising(_: Body) -> messages.HealthCheckReply:
        raise wrong_input(reason="no")

    def abort(_code: grpc.StatusCode, _message: str) -> None:
        raise Aborted

    handlers = generic_handlers({"Qdrant": {"HealthCheck": raising}})
    asked = SimpleNamespace(method="/qdrant.Qdrant/HealthCheck")
    (handler,) = filter(None, [one.service(asked) for one in handlers])
    body = Body()
    left = weakref.ref(body)
    gc.disable()
    try:
        with suppress(Aborted):
            handler.unary_unary(body, SimpleNamespace(abort=abort))
        del body
        assert left() is None
    finally:
        gc.enable()
