"""The API as clients meet it: over HTTP on the loopback, on the embedded stack."""

import socket
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn

from clustering_pipeline.api.app import create_app
from clustering_pipeline.api.services import open_services
from clustering_pipeline.model.key import Access
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.orchestration.pipeline import Pipeline
from clustering_pipeline.settings import Settings

START_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running server, and the stores behind it."""

    url: str
    settings: Settings
    pipeline: Pipeline

    def key(
        self,
        *,
        access: Access = Access.WRITE,
        organization_id: str = LOCAL.organization_id,
        namespace_ids: Sequence[str] | None = None,
    ) -> str:
        """A fresh API key."""
        made = self.pipeline.catalog.keys.create(
            organization_id, access=access, namespace_ids=namespace_ids
        )
        return made.secret

    def client(
        self, *, scope: Scope = LOCAL, access: Access = Access.WRITE, **options: Any
    ) -> httpx.Client:
        """A client with a key of its own in one namespace."""
        key = self.key(access=access, organization_id=scope.organization_id)
        headers = {"Authorization": f"Bearer {key}", "X-Namespace": scope.namespace_id}
        return httpx.Client(base_url=self.url, headers=headers, timeout=120.0, **options)

    def tenant(self, name: str) -> Scope:
        """A namespace of an organisation that nobody else is in."""
        catalog = self.pipeline.catalog
        organization = catalog.organizations.create(name)
        return catalog.namespaces.create(organization.organization_id, "main").scope


@contextmanager
def serving(settings: Settings, pipeline: Pipeline) -> Generator[Served]:
    """Serves the app from a thread until the block ends."""
    with (
        open_services(settings, pipeline) as services,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        app = create_app(services)
        port = listening.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_up(url)
            yield Served(url=url, settings=settings, pipeline=pipeline)
        finally:
            server.should_exit = True
            thread.join()


def _wait_until_up(url: str) -> None:
    # The socket listens already: the request waits in its queue until the server takes it.
    httpx.get(f"{url}/healthz", timeout=START_SECONDS).raise_for_status()
