"""The API as clients meet it: over HTTP on the loopback, on the embedded stack."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from clustering_pipeline.api.server import serving
from clustering_pipeline.defs.instance.launcher import WorkerLauncher
from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.model.tenants import Access
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.launcher import Launcher
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.worlds.planted import Documents


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
        # Without certificates to load: there is no TLS on the loopback.
        return httpx.Client(
            base_url=self.url,
            headers=headers,
            timeout=120.0,
            verify=False,  # noqa: S501 - see above
            **options,
        )

    def collection(self, documents: Documents) -> str:
        """The name of a collection of the default namespace that holds the documents."""
        name = f"talks {uuid4().hex[:8]}"
        stored = self.pipeline.documents
        stored.create_collection(name, {"embedding": documents.vectors.shape[1]})
        stored.upsert(name, documents.ids, {"embedding": documents.vectors}, documents.payloads)
        request = RegisterCollectionRequest(collection_name=name)
        self.pipeline.catalog.collections.register(LOCAL, request)
        return name

    def tenant(self, name: str) -> Scope:
        """A namespace of an organisation that nobody else is in."""
        catalog = self.pipeline.catalog
        organization = catalog.organizations.create(name)
        return catalog.namespaces.create(organization.organization_id, "main").scope


@contextmanager
def served_app(
    settings: Settings, pipeline: Pipeline, launcher: Launcher | None = None
) -> Generator[Served]:
    """The API on a free port until the block ends; runs have a process of their own by default."""
    with serving(settings, pipeline, launcher or WorkerLauncher(settings=settings)) as server:
        yield Served(url=server.url, settings=settings, pipeline=pipeline)
