"""A model's server on this machine: speaks OpenAI's protocol, behaves as a scenario says."""

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai  # noqa: F401 - its import takes a second, which no deadline of a test should hold

PROMPT_PRICE_MODEL = "gpt-4.1-mini"


@dataclass(frozen=True)
class Reply:
    """What the server does with one request."""

    content: str | None = None
    status: int = 200
    finish_reason: str = "stop"
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0
    drops: bool = False
    usage: bool = True
    body: object = None
    """The whole body in place of a completion, as JSON or as bytes."""


Scenario = Callable[["Server", dict], Reply]


class Server:
    """Where it listens, what it was asked, and how many at once."""

    def __init__(self, scenario: Scenario):
        self.scenario = scenario
        self.requests: list[dict] = []
        self.addresses: list[str] = []
        self.keys: list[str | None] = []
        self.embedded: list[list[str]] = []
        self.refuses: Callable[[list[str]], tuple[int, str] | None] = lambda _texts: None
        self.at_once = self.most_at_once = 0
        self.prompt_tokens = self.completion_tokens = self.embedding_tokens = 0
        self.lock = threading.Lock()
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = _Quiet(("127.0.0.1", 0), handler)
        self.base_url = f"http://127.0.0.1:{self._http.server_port}/v1"

    @property
    def calls(self) -> int:
        return len(self.requests)

    def prompts(self) -> list[str]:
        return [request["messages"][1]["content"] for request in self.requests]

    def run(self) -> threading.Thread:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        return thread

    def close(self) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


@contextlib.contextmanager
def serving(scenario: Scenario) -> Iterator[Server]:
    server = Server(scenario)
    thread = server.run()
    try:
        yield server
    finally:
        server.close()
        thread.join()


class _Quiet(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = False

    def handle_error(self, request, client_address) -> None:
        """A client that hangs up is part of some scenarios."""


class _Handler(BaseHTTPRequestHandler):
    owner: Server
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *args) -> None:
        """Silence."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        owner = self.owner
        owner.addresses.append(self.path)
        owner.keys.append(self.headers["api-key"])
        if self.path.partition("?")[0].endswith("/embeddings"):
            return self._embed(request)
        with owner.lock:
            owner.requests.append(request)
            owner.at_once += 1
            owner.most_at_once = max(owner.most_at_once, owner.at_once)
        try:
            self._reply(owner.scenario(owner, request), request)
        finally:
            with owner.lock:
                owner.at_once -= 1
        return None

    def _reply(self, reply: Reply, request: dict) -> None:
        self.owner.closing.wait(reply.after)
        if reply.drops:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if reply.body is not None:
            self._send(reply.status, reply.body, reply.headers)
            return
        if reply.status != 200:
            self._send(reply.status, {"error": {"message": reply.content}}, reply.headers)
            return
        self._send(200, self._completion(reply, request), reply.headers)

    def _completion(self, reply: Reply, request: dict) -> dict:
        message = {"role": "assistant", "content": reply.content}
        asked = sum(count(one["content"]) + 4 for one in request["messages"])
        said = count(reply.content or "")
        with self.owner.lock:
            self.owner.prompt_tokens += asked
            self.owner.completion_tokens += said
        usage = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
        return {
            "id": "chat",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": request["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason}],
            **({"usage": usage} if reply.usage else {}),
        }

    def _embed(self, request: dict) -> None:
        refused = self.owner.refuses(request["input"])
        if refused:
            self._send(refused[0], {"error": {"message": refused[1]}}, {})
            return
        asked = sum(map(count, request["input"]))
        with self.owner.lock:
            self.owner.embedded.append(request["input"])
            self.owner.embedding_tokens += asked
        rows = [
            {"object": "embedding", "index": at, "embedding": letters(text)}
            for at, text in enumerate(request["input"])
        ]
        usage = {"prompt_tokens": asked, "total_tokens": asked}
        body = {"object": "list", "data": rows, "model": request["model"], "usage": usage}
        self._send(200, body, {})

    def _send(self, status: int, body: object, headers: dict[str, str]) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "content-type": "application/json",
            "content-length": str(len(data)),
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def count(content) -> int:
    """Tokens by a rule of the server's own: pieces of six letters, three digits, or one mark."""
    if isinstance(content, list):
        return sum(
            count(part.get("text", "")) if part["type"] == "text" else 1_000 for part in content
        )
    return len(re.findall(r"[A-Za-z]{1,9}|\d{1,3}|[^\sA-Za-z\d]", content))


def letters(text: str) -> list[float]:
    """An embedding that only knows which letters a text holds."""
    return [float(text.lower().count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"]


def answer(label: str, **fields) -> str:
    body = {"label": label, "summary": f"Documents on {label}.", "keywords": ["one", "two"]}
    return json.dumps(body | fields)


def named(request: dict) -> str:
    """A label from the first keyphrases of the prompt, as a good model would."""
    content = request["messages"][1]["content"]
    text = content if isinstance(content, str) else content[0]["text"]
    found = re.search(r"rare elsewhere: ([^.]*)\.", text)
    return "Talk of " + " and ".join(found.group(1).split(", ")[:2])


def well(server: Server, request: dict) -> Reply:
    return Reply(content=answer(named(request)))


def at_length(_server: Server, request: dict) -> Reply:
    """As long an answer as models usually give."""
    label = named(request)
    summary = (
        f"Reports in which officials and experts discuss {label.lower()} over several years, "
        "with figures, complaints and plans for the time ahead."
    )
    keywords = ["yearly reports", "officials", "expert views", "public plans", "complaints"]
    return Reply(content=answer(label, summary=summary, keywords=keywords))
