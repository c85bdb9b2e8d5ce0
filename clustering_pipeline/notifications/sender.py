"""Posts messages to receivers: to checked addresses only, without redirects, within a deadline."""

import http.client
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache

from clustering_pipeline.model.errors import ReceiverRefused
from clustering_pipeline.notifications.addresses import Network, is_allowed, is_public
from clustering_pipeline.notifications.connection import PinnedConnection
from clustering_pipeline.notifications.receiver import (
    Place,
    Receiver,
    Resolve,
    receiver_of,
    resolve,
)

SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one attempt: a status, or the reason why there is none."""

    status: int | None = None
    error: str | None = None
    seconds: float = 0.0

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300


@cache
def public_authorities() -> ssl.SSLContext:
    """TLS as browsers have it."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What may be reached, and how long that may take."""

    allowed: tuple[Network, ...] = ()
    """Networks that are reached although they are not public."""
    seconds: float = SECONDS
    """For one attempt: connecting, sending, and the first line of the answer."""
    resolve: Resolve = resolve
    trust: Callable[[], ssl.SSLContext] = public_authorities

    def check(self, url: str) -> None:
        """Raises ReceiverRefused for what would not be posted to.

        A name that nobody knows yet is taken: each attempt looks it up again.
        """
        try:
            self._places(receiver_of(url))
        except OSError:
            return

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One attempt; never raises for what a receiver does.  Its answer's body is not read."""
        began = time.monotonic()
        try:
            receiver = receiver_of(url)
            status, error = self._post(receiver, self._places(receiver), headers, body)
        except ReceiverRefused as refused:
            status, error = None, refused.message
        except OSError as problem:
            status, error = None, _told(problem)
        return Answer(status=status, error=error, seconds=time.monotonic() - began)

    def _places(self, receiver: Receiver) -> Sequence[Place]:
        places = self.resolve(receiver.host, receiver.port)
        others = [one for one in places if not is_allowed(one.address, self.allowed)]
        # Where exactly a name of ours leads is none of the caller's business.
        if not all(is_public(one.address) for one in others):
            message = (
                f"{receiver.host!r} is not at a public address: use another receiver, or allow "
                "its network in CLUSTERING_WEBHOOK_NETWORKS"
            )
            raise ReceiverRefused(message)
        if others and not receiver.secure:
            message = f"{receiver.host!r} is public: its url must begin with https://"
            raise ReceiverRefused(message)
        return places

    def _post(
        self,
        receiver: Receiver,
        places: Sequence[Place],
        headers: Mapping[str, str],
        body: bytes,
    ) -> tuple[int | None, str | None]:
        context = self.trust() if receiver.secure else None
        connection = PinnedConnection(receiver, places, seconds=self.seconds, context=context)
        with closing(connection):
            try:
                connection.request("POST", receiver.path, body, dict(headers))
                status, error = connection.getresponse().status, None
            except TimeoutError:
                connection.expired.set()
                status, error = None, None
            except (OSError, ValueError, http.client.HTTPException) as problem:
                status, error = None, _told(problem)
        # What was cut off half-way may look whole.
        late = connection.expired.is_set()
        return (None, f"no answer within {self.seconds:g} s") if late else (status, error)


def _told(problem: Exception) -> str:
    return " ".join(f"{type(problem).__name__}: {problem}".split())[:300]
