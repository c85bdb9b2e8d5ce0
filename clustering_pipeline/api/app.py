"""The HTTP API as one app."""

from copy import deepcopy
from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI

from clustering_pipeline.api.addresses import KeepSlashes, KnownQueries
from clustering_pipeline.api.document import finished, viewer
from clustering_pipeline.api.errors import documented, handle_errors
from clustering_pipeline.api.middleware.authenticated import Authenticated
from clustering_pipeline.api.middleware.limits import Limited, Sized
from clustering_pipeline.api.middleware.observed import Observed
from clustering_pipeline.api.routes import ROUTERS, health
from clustering_pipeline.api.services import Services

ABOUT = """Clusters over a vector database.

Register a collection, define a cluster over it, execute it, follow the task, and read groups with
names. Send `Authorization: Bearer sk_…` and `X-Namespace` with every call.
"""
ALWAYS = (400, 401, 403, 422, 429, 500, 503)


def create_app(services: Services) -> FastAPI:
    """The app over open stores; whoever opened them closes them."""
    app = _routed()
    app.state.services = services
    settings = services.settings
    # The last one added is the first to see a request.
    app.add_middleware(
        Sized, most=settings.api_max_body_bytes, most_documents=settings.api_max_documents_bytes
    )
    app.add_middleware(Limited, per_second=settings.api_requests_per_second)
    app.add_middleware(Authenticated, catalog=services.pipeline.catalog)
    app.add_middleware(KeepSlashes)
    app.add_middleware(Observed)
    return app


def openapi_document() -> dict[str, Any]:
    """What ``/openapi.json`` serves; needs no store."""
    return deepcopy(_document())


@cache
def _document() -> dict[str, Any]:
    # To make it takes a second.
    return finished(_undocumented(KnownQueries()).openapi())


def _routed() -> FastAPI:
    known = KnownQueries()
    app = _undocumented(known)
    app.openapi_schema = openapi_document()
    known.learn(app.openapi_schema)
    return app


def _undocumented(known: KnownQueries) -> FastAPI:
    app = FastAPI(
        title="Clustering pipeline",
        version=version("clustering-pipeline"),
        description=ABOUT,
        # See ``document``.
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        # Clients that send JSON without saying so are understood.
        strict_content_type=False,
        redirect_slashes=False,
    )
    handle_errors(app)
    app.include_router(viewer)
    app.include_router(health.router)
    for router in ROUTERS:
        app.include_router(
            router, prefix="/v1", responses=documented(*ALWAYS), dependencies=[Depends(known)]
        )
    return app
