"""The key comes before anything else: nobody without one makes us read a body."""

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from clustering_pipeline.api.errors import answer
from clustering_pipeline.model.errors import ClusteringError, Unauthorized
from clustering_pipeline.model.tenants import KeyRecord
from clustering_pipeline.stores.catalog import Catalog

PREFIX = "/v1/"


class Authenticated:
    """Finds the key of every call below ``/v1`` and leaves it in ``request.state.key``."""

    def __init__(self, app: ASGIApp, *, catalog: Catalog):
        self._app = app
        self._catalog = catalog

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on, or answers 401."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            try:
                scope["state"]["key"] = await self._key(Headers(scope=scope))
            except ClusteringError as error:
                await answer(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _key(self, headers: Headers) -> KeyRecord:
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            message = "send an API key in the header Authorization: Bearer sk_…"
            raise Unauthorized(message)
        key = await run_in_threadpool(self._catalog.keys.holding, secret.strip())
        if key is None:
            message = "nobody holds this API key: it is unknown, or was revoked"
            raise Unauthorized(message)
        return key
