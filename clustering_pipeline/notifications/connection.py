"""An HTTP connection to addresses that were checked, with one deadline for all of it."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Sequence

from clustering_pipeline.notifications.receiver import PORTS, Place, Receiver


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
