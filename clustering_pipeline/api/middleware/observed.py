"""Every request gets an id and a line in the log, and an answer even when something breaks."""

import logging
import re
import time
import traceback
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clustering_pipeline.api.errors import envelope
from clustering_pipeline.logs import belonging, tell

LOG = logging.getLogger(__name__)
HEADER = "X-Request-ID"
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")


class Observed:
    """The outermost layer.

    A line holds method, path, status, time and the key's id; never a header, a query or a body,
    for those may hold secrets.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on, watches what is answered, and answers itself where nobody did."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        answered: dict[str, Any] = {}

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered["status"] = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        began = time.perf_counter()
        with belonging(request_id=request_id):
            try:
                await self._app(scope, receive, watched)
            except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an envelope
                tell(LOG, "request failed", logging.ERROR, **_broken_at(error))
                if not answered:
                    await _broken(request_id)(scope, receive, watched)
            finally:
                tell(LOG, "request", **_facts(scope, answered, began))


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(HEADER, "")
    return given if _SAFE_ID.fullmatch(given) else f"req_{uuid.uuid4().hex}"


def _broken(request_id: str) -> ASGIApp:
    message = f"something went wrong here: report it with the request id {request_id}"
    return envelope(500, message, details={"request_id": request_id})


def _broken_at(error: Exception) -> dict[str, str]:
    """Where, and by what kind of error: what it says may quote a document."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return {"because": type(error).__name__, "traceback": frames}


def _facts(scope: Scope, answered: dict[str, Any], began: float) -> dict[str, Any]:
    key = scope["state"].get("key")
    return {
        "method": scope["method"],
        "path": scope["path"],
        "status": answered.get("status"),
        "milliseconds": round((time.perf_counter() - began) * 1000, 1),
        "key_id": key.key_id if key else None,
    }
