"""The app behind a socket, in a thread of its own or in this one."""

import contextlib
import gc
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from clustering_pipeline.api.app import create_app
from clustering_pipeline.api.services import open_services
from clustering_pipeline.model.errors import LocalStackUnavailable
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.launcher import Launcher
from clustering_pipeline.settings import Settings

LOOPBACK = "127.0.0.1"
_WAIT_SECONDS = 5
# A cursor carries filters, which may be long; httptools takes 64 KiB, and this is for h11.
_LONGEST_ADDRESS = 96 * 1024
_OFTEN = (700, 10, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An app that answers."""

    url: str
    thread: threading.Thread


@contextmanager
def serving(
    settings: Settings,
    pipeline: Pipeline,
    launcher: Launcher,
    *,
    host: str = LOOPBACK,
    port: int = 0,
) -> Generator[Server]:
    """Serves from a thread until the block ends; port 0 takes any that is free.

    Requests under way get some seconds to end, and runs that were started are cancelled.
    """
    with (
        open_services(settings, pipeline, launcher) as services,
        _listening(host, port) as listening,
    ):
        # The socket listens already: who asks early waits until the server takes the request.
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(services),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_WAIT_SECONDS,
                h11_max_incomplete_event_size=_LONGEST_ADDRESS,
            )
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield Server(url=f"http://{host}:{listening.getsockname()[1]}", thread=thread)
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def short_pauses() -> Generator[None]:
    """Garbage collection passes over what is there by now, and looks at what comes as often as
    Python's own.

    What is there are the hundreds of thousands of objects of the libraries: to look through them
    takes a quarter of a second, in which nobody is answered.  What comes has to be looked at
    often: a request that is refused may leave a few objects that refer to each other, and with
    them its body of megabytes.
    """
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(*_OFTEN)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def _listening(host: str, port: int) -> Generator[socket.socket]:
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        message = f"cannot listen on {host}:{port} ({error.strerror}); choose another port"
        raise LocalStackUnavailable(message) from error
    with contextlib.closing(listening):
        yield listening
