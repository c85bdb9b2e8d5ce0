"""A slow server gets less at a time, and nothing is lost by it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
import pytest
from qdrant_client import grpc as messages

from clustering_pipeline.model.errors import DocumentsUnavailable
from clustering_pipeline.stores.documents.batch_size import SMALLEST, Pace
from clustering_pipeline.stores.documents.writing import write_payloads


class TooLate(grpc.RpcError, grpc.Call):
    """What gRPC raises when an answer does not come in time."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.DEADLINE_EXCEEDED

    def details(self) -> str:
        return "Deadline Exceeded"


@dataclass
class Server:
    """Takes ``seconds(points)`` over a call, by a clock of its own."""

    seconds: Callable[[int], float]
    now: float = 0.0
    sizes: list[int] = field(default_factory=list)

    def take(self, pace: Pace, points: int) -> None:
        for batch in pace.batches(range(points)):
            with pace.timing(len(batch)):
                self.now += self.seconds(len(batch))
            self.sizes.append(len(batch))


@dataclass
class Busy:
    """A connection that answers in time up to so many operations a call, and knows all points."""

    most: int
    written: list[str] = field(default_factory=list)

    def collections(self, _method: str, _request) -> messages.GetCollectionInfoResponse:
        return messages.GetCollectionInfoResponse()

    def points(self, method: str, request) -> messages.GetResponse | None:
        if method == "Get":
            return messages.GetResponse(
                result=[messages.RetrievedPoint(id=point) for point in request.ids]
            )
        if len(request.operations) > self.most:
            message = "Qdrant did not answer (Deadline Exceeded)"
            raise DocumentsUnavailable(message) from TooLate()
        for one in request.operations:
            self.written += [str(id_.num) for id_ in one.set_payload.points_selector.points.ids]
        return None


def sizes(seconds: Callable[[int], float], points: int) -> list[int]:
    server = Server(seconds)
    server.take(Pace(largest=400, size=400, clock=lambda: server.now), points)
    assert sum(server.sizes) == points
    return server.sizes


def test_a_quick_server_gets_as_much_as_is_allowed():
    assert sizes(lambda n: n / 10_000, 1000) == [400, 400, 200]


def test_a_slow_server_gets_less_until_it_keeps_up():
    assert sizes(lambda n: n / 50, 1000)[:5] == [400, 200, 100, 50, 50]


def test_it_gets_more_again_when_it_has_recovered():
    waits = iter([5.0, 5.0, 0.1, 0.1, 0.1, 0.1])
    assert sizes(lambda _: next(waits), 1500) == [400, 200, 100, 200, 400, 200]


def test_however_slow_it_is_there_is_a_least():
    assert min(sizes(lambda _: 60.0, 1200)[:-1]) == SMALLEST


def test_calls_that_come_too_late_are_repeated_in_halves():
    busy = Busy(most=60)
    updates = [(number, {"topic": f"sea {number}"}) for number in range(500)]
    report = write_payloads(
        busy, "documents", updates, remove_keys=(), progress=lambda _: None, check=lambda: None
    )
    assert (report.written, report.failed) == (500, 0)
    assert sorted(map(int, busy.written)) == list(range(500))


def test_a_server_that_answers_nothing_is_given_up():
    with pytest.raises(DocumentsUnavailable):
        write_payloads(
            Busy(most=0),
            "documents",
            [(1, {"topic": "sea"})],
            remove_keys=(),
            progress=lambda _: None,
            check=lambda: None,
        )
