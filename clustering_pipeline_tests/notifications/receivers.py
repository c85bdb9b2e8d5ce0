"""A receiver of webhooks: a real HTTP server on the loopback that does as it is told."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

from clustering_pipeline.notifications.sender import Sender

LOOPBACK = Sender(allowed=(ip_network("127.0.0.0/8"),), seconds=30.0)
"""Posts to this machine, as the setting allows it to."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[[BaseHTTPRequestHandler, threading.Event], None]


def status(code: int, **headers: str) -> Behaviour:
    """Answers with a status, and headers."""

    def answer(handler: BaseHTTPRequestHandler, _over: threading.Event) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()

    return answer


def hang(_handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """Says nothing until the test is over."""
    over.wait()


def drip(handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """Says something again and again, and never enough."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while not over.wait(0.02):
        handler.wfile.write(b".")


@dataclass(kw_only=True)
class Receiver:
    """What a running receiver has heard, and what it does next: the last one for ever."""

    url: str = ""
    port: int = 0
    heard: list[Received] = field(default_factory=list)
    then: list[Behaviour] = field(default_factory=lambda: [status(200)])

    def next(self) -> Behaviour:
        return self.then.pop(0) if len(self.then) > 1 else self.then[0]


@contextmanager
def receiving(*then: Behaviour) -> Generator[Receiver]:
    """A receiver that behaves so, one request after the other; with 200 when nothing is said."""
    receiver, over = Receiver(), threading.Event()
    if then:
        receiver.then = list(then)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.heard.append(Received(path=self.path, headers=headers, body=body))
            self.close_connection = True
            receiver.next()(self, over)

        def log_message(self, *_arguments: object) -> None:
            """Nobody reads it."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_arguments: object) -> None:
            """Whoever posts may leave at any time."""

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        receiver.url = f"http://127.0.0.1:{receiver.port}/hooks?from=us"
        thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        yield receiver
        over.set()
        server.shutdown()
        thread.join()
