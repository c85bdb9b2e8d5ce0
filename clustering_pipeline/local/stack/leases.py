"""The supervisor's socket: messages, who uses the stack, and what they ask for.

A connection is a lease: ``Leases`` is the supervisor's end, ``Lease`` that of a process which uses
the stack.  A message is a line of JSON.
"""

import hashlib
import json
import logging
import os
import selectors
import signal
import socket
import struct
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from clustering_pipeline.model.errors import ClusteringError, LocalStackUnavailable

ANSWER_SECONDS = 90.0
"""Starting mongod over a large directory takes longest."""
_log = logging.getLogger(__name__)

Message = dict[str, Any]

_CREDENTIALS = struct.Struct("3i")
_CHUNK = 65536


def address(data_dir: Path) -> str:
    """Where the supervisor of a data directory listens."""
    digest = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:32]
    return f"\0clustering-pipeline-{os.getuid()}-{digest}"


def is_ours(connection: socket.socket) -> bool:
    """Whether the process at the other end runs as the same user."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(raw)
    return bool(user == os.getuid())


def send(connection: socket.socket, message: Message) -> None:
    """Send one message."""
    connection.sendall(json.dumps(message).encode() + b"\n")


class Inbox:
    """Messages from one connection, cut out of its bytes."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._rest = b""

    def receive(self) -> list[Message] | None:
        """Wait for bytes, and give the messages they complete.

        ``None`` when the other end is gone, or speaks another language.
        """
        try:
            chunk = self._connection.recv(_CHUNK)
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            return [json.loads(line) for line in lines] if chunk else None
        except (ConnectionError, ValueError):
            return None


# Takes a request, gives an answer, or raises what the asker is to be told.
Answer = Callable[[Message], Message]


class Leases:
    """Serves connections in one thread, the main one, for the sake of signals and of children
    that end with the thread that started them.
    """

    def __init__(self, listener: socket.socket, answer: Answer):
        self._answer = answer
        self._listener = listener
        self._inboxes: dict[socket.socket, Inbox] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._stopping = False

    def serve(self, *, grace: float) -> None:
        """Return once there has been no lease for ``grace`` seconds, or on SIGTERM or SIGINT."""
        self._listen_to_signals()
        until = time.monotonic() + grace
        while not self._stopping:
            events = self._selector.select(None if self._inboxes else until - time.monotonic())
            for key, _ in events:
                key.data()
            if events:
                until = time.monotonic() + grace
            elif time.monotonic() >= until:
                return

    def close(self) -> None:
        """Hang up on everybody, including those still waiting to be accepted."""
        self._listener.close()
        for connection in self._inboxes:
            connection.close()
        self._selector.close()

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        if not is_ours(connection):
            connection.close()
            return
        self._inboxes[connection] = Inbox(connection)
        self._selector.register(
            connection, selectors.EVENT_READ, partial(self._converse, connection)
        )

    def _converse(self, connection: socket.socket) -> None:
        requests = self._inboxes[connection].receive()
        if requests is None:
            self._selector.unregister(connection)
            del self._inboxes[connection]
            connection.close()
            return
        for request in requests:
            self._reply(connection, request)

    def _reply(self, connection: socket.socket, request: Message) -> None:
        try:
            answer = self._answer(request)
        except ClusteringError as error:
            answer = {"error": error.message}
        except Exception as error:  # noqa: BLE001 - others go on using the stack
            _log.exception("a request failed")
            answer = {"error": f"the embedded stack failed: {error!r}; its log tells more"}
        try:
            send(connection, answer)
        except ConnectionError:
            return  # the asker is gone, which its connection tells next

    def _listen_to_signals(self) -> None:
        woken, wake = socket.socketpair()
        wake.setblocking(False)  # noqa: FBT003 - the standard library's signature
        signal.set_wakeup_fd(wake.fileno())
        self._selector.register(woken, selectors.EVENT_READ, lambda: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._wakeup = (woken, wake)  # the signal module keeps no reference

    def _stop(self, *_: Any) -> None:
        self._stopping = True


class Lease:
    """Holds the stack until closed, or until this process ends."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._inbox = Inbox(connection)

    def ask(self, request: Message) -> Message | None:
        """The supervisor's answer; ``None`` when there is no supervisor any more."""
        try:
            send(self._connection, request)
            while (answers := self._inbox.receive()) is not None:
                if answers:
                    return answers[0]
        except TimeoutError:
            message = f"the embedded stack did not answer within {ANSWER_SECONDS:.0f} s; try again"
            raise LocalStackUnavailable(message) from None
        except ConnectionError:
            return None
        return None

    def close(self) -> None:
        """Give up the lease."""
        self._connection.close()


def connect(data_dir: Path) -> Lease | None:
    """A lease on the stack of ``data_dir``, if it runs."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(ANSWER_SECONDS)
    try:
        connection.connect(address(data_dir))
    except ConnectionError:
        connection.close()
        return None
    if not is_ours(connection):
        connection.close()
        message = (
            f"another user's process answers for {data_dir}; set CLUSTERING_DATA_DIR elsewhere"
        )
        raise LocalStackUnavailable(message)
    return Lease(connection)
