"""Posts signed messages to receivers: to checked addresses only, without redirects, within a
deadline.
"""

import base64
import hashlib
import hmac
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache

from clustering_pipeline.model.automation.webhooks import SECRET_PREFIX
from clustering_pipeline.model.errors import ReceiverRefused
from clustering_pipeline.notifications.receiver import (
    PORTS,
    Network,
    Place,
    Receiver,
    Resolve,
    is_allowed,
    is_public,
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
            status, error = None, _in_words(problem)
        return Answer(status=status, error=error, seconds=time.monotonic() - began)

    def _places(self, receiver: Receiver) -> Sequence[Place]:
        places = self.resolve(receiver.host, receiver.port)
        others = [place for place in places if not is_allowed(place.address, self.allowed)]
        # Where exactly a name of ours leads is none of the caller's business.
        if not all(is_public(place.address) for place in others):
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
        self, receiver: Receiver, places: Sequence[Place], headers: Mapping[str, str], body: bytes
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
                status, error = None, _in_words(problem)
        # What was cut off half-way may look whole.
        late = connection.expired.is_set()
        return (None, f"no answer within {self.seconds:g} s") if late else (status, error)


def _in_words(problem: Exception) -> str:
    return " ".join(f"{type(problem).__name__}: {problem}".split())[:300]


class PinnedConnection(http.client.HTTPConnection):
    """Connects to the places given, whatever the receiver's name resolves to by now."""

    def __init__(
        self,
        receiver: Receiver,
        places: Sequence[Place],
        *,
        seconds: float,
        context: ssl.SSLContext | None,
    ):
        super().__init__(receiver.host, receiver.port)
        self.default_port = PORTS[receiver.scheme]
        self.expired = threading.Event()
        self._places = places
        self._context = context
        self._deadline = time.monotonic() + seconds
        # A receiver that sends a byte now and then would keep each single read within its limit.
        self._watchdog = threading.Timer(seconds, self._abort)
        self._watchdog.daemon = True
        self._watchdog.start()

    def connect(self) -> None:
        """Opens the connection to the first place that answers; raises OSError."""
        self.sock = self._connected()
        if self._context is not None:
            self.sock = self._context.wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self._check_time()
            self.sock.do_handshake()

    def close(self) -> None:
        """Ends the connection and the watch over it."""
        self._watchdog.cancel()
        super().close()

    def _connected(self) -> socket.socket:
        problem = OSError("no address to connect to")
        for place in self._places:
            connection = socket.socket(place.family, socket.SOCK_STREAM)
            connection.settimeout(self._check_time())
            try:
                connection.connect(place.socket_address)
            except OSError as error:
                connection.close()
                problem = error
            else:
                return connection
        raise problem

    def _check_time(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _abort(self) -> None:
        self.expired.set()
        if self.sock is not None:
            try:
                # Of the socket itself: TLS would first want to say goodbye.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
            except OSError:
                return


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and the HMAC-SHA256, in base64, of id, Unix time and body: Standard Webhooks, which
    libraries verify (standardwebhooks.com).
    """
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def signed_headers(secret: str, message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """What goes with a message, so that its receiver knows it is ours, whole and new."""
    return {
        "content-type": "application/json",
        "user-agent": "clustering-pipeline",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, message_id, timestamp, body),
    }
