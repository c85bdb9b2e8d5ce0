"""The supervisor's side of its socket: who uses the stack, and what they ask for."""

import logging
import selectors
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from clustering_pipeline.local import wire
from clustering_pipeline.model.errors import ClusteringError

# Takes a request, gives an answer, or raises what the asker is to be told.
Answer = Callable[[wire.Message], wire.Message]

_log = logging.getLogger(__name__)


class Leases:
    """Serves connections in one thread, the main one, for the sake of signals and of children
    that end with the thread that started them.
    """

    def __init__(self, listener: socket.socket, answer: Answer):
        self._answer = answer
        self._listener = listener
        self._inboxes: dict[socket.socket, wire.Inbox] = {}
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
        if not wire.is_ours(connection):
            connection.close()
            return
        self._inboxes[connection] = wire.Inbox(connection)
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

    def _reply(self, connection: socket.socket, request: wire.Message) -> None:
        try:
            answer = self._answer(request)
        except ClusteringError as error:
            answer = {"error": error.message}
        except Exception as error:  # noqa: BLE001 - others go on using the stack
            _log.exception("a request failed")
            answer = {"error": f"the embedded stack failed: {error!r}; its log tells more"}
        try:
            wire.send(connection, answer)
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
