"""What endpoints ask for by their signature: what the app has opened, who calls, and in which
namespace.

What waits for nothing is a coroutine, which needs no thread of its own.
"""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Header, Query, Request, Security
from fastapi.security import HTTPBearer

from clustering_pipeline.api.services import Services
from clustering_pipeline.model.errors import Forbidden, InvalidRequest, NamespaceNotFound
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.tenants import KeyRecord
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.settings import Settings
from clustering_pipeline.stores.catalog import Catalog


async def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


TheServices = Annotated[Services, Depends(_services)]


async def _pipeline(services: TheServices) -> Pipeline:
    return services.pipeline


async def _catalog(services: TheServices) -> Catalog:
    return services.pipeline.catalog


async def _settings(services: TheServices) -> Settings:
    return services.settings


ThePipeline = Annotated[Pipeline, Depends(_pipeline)]
TheCatalog = Annotated[Catalog, Depends(_catalog)]
TheSettings = Annotated[Settings, Depends(_settings)]


_BEARER = HTTPBearer(auto_error=False, description="An API key, `sk_…`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A key at work in one of its namespaces."""

    key: KeyRecord
    scope: Scope


async def _key(request: Request, _: Annotated[object, Security(_BEARER)]) -> KeyRecord:
    """The key that ``Authenticated`` found before anything else was looked at."""
    return cast("KeyRecord", request.state.key)


TheKey = Annotated[KeyRecord, Depends(_key)]
"""For what is in no namespace."""


async def _writing_key(key: TheKey) -> KeyRecord:
    if not key.may_write:
        message = f"the key {key.hint} may only read: use one with write access"
        raise Forbidden(message)
    return key


TheWritingKey = Annotated[KeyRecord, Depends(_writing_key)]


def _reader(
    key: TheKey,
    catalog: TheCatalog,
    x_namespace: Annotated[str | None, Header(description="Id or name of a namespace.")] = None,
    namespace: Annotated[
        str | None, Query(description="The same, where the header is missing.")
    ] = None,
) -> Caller:
    name = x_namespace or namespace
    if not name:
        message = "say which namespace, by id or name, in the header X-Namespace (or ?namespace=)"
        raise InvalidRequest(message)
    return Caller(key=key, scope=_scope(catalog, key, name))


def _scope(catalog: TheCatalog, key: KeyRecord, name: str) -> Scope:
    # One wording, so that nobody learns which namespaces others have.
    message = f"the key {key.hint} may not use a namespace {name[:200]!r}"
    try:
        namespace = catalog.namespaces.get(key.organization_id, name)
    except NamespaceNotFound as error:
        raise Forbidden(message) from error
    if not key.reaches(namespace.scope):
        raise Forbidden(message)
    return namespace.scope


Reader = Annotated[Caller, Depends(_reader)]
"""Whoever may read in the namespace asked for."""


async def _writer(caller: Reader, _: TheWritingKey) -> Caller:
    return caller


Writer = Annotated[Caller, Depends(_writer)]
"""Whoever may change things in it."""
