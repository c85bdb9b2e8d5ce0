"""Every error as the contract's envelope."""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path

from clustering_pipeline.logs import tell
from clustering_pipeline.model.definitions.validation import refused_as
from clustering_pipeline.model.errors import (
    ArtifactNotFound,
    ClusteringError,
    InvalidRequest,
    MalformedRequest,
    TooManyRequests,
)
from clustering_pipeline.model.public_text import for_clients, without_stores

LOG = logging.getLogger(__name__)
TYPES: Mapping[int, str] = {
    400: "BadRequestError",
    401: "UnauthorizedError",
    403: "ForbiddenError",
    404: "NotFoundError",
    409: "AlreadyExistsError",
    422: "ValidationError",
    429: "TooManyRequestsError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
}
_EXPLAINED: Mapping[int, str] = {
    400: "The request cannot be read: its body is not JSON, or is too large.",
    401: "There is no key, or nobody holds it.",
    403: "The key may not use this namespace, or may only read.",
    404: "Nothing has that id or name in this namespace.",
    409: "Something that exists stands in the way.",
    422: "The request breaks a rule, or asks for what is not available yet.",
    429: "Too much was asked for at once; `Retry-After` says how many seconds to wait.",
    500: "Something went wrong here.",
    503: "A store does not answer.",
}
_NOT_JSON = "json_invalid"
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})


class ErrorDetail(BaseModel):
    """What is wrong."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    message: str
    """One sentence that names the thing and the fix."""
    type: str
    """Kind of error, one for each status."""
    code: str | None = None
    """The exact error, finer than the kind."""
    details: dict[str, Any] | None = None
    """More about it: `validation_errors` lists every problem of a request."""


class ErrorResponse(BaseModel):
    """The form of every error."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    success: bool = Field(default=False)
    """Always false."""
    status: int
    """The HTTP status."""
    error: ErrorDetail
    """What it is about."""


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These errors as OpenAPI has them."""
    return {
        status: {"model": ErrorResponse, "description": _EXPLAINED[status]} for status in statuses
    }


def envelope(
    status: int,
    message: str,
    *,
    code: str | None = None,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error as clients read it; half surrogate pairs that they sent become ``?``."""
    kind = TYPES.get(status, TYPES[400] if status < 500 else TYPES[500])
    error: dict[str, Any] = {"message": message, "type": kind}
    error |= {"code": code} if code else {}
    error |= {"details": dict(details)} if details else {}
    body = {"success": False, "status": status, "error": error}
    return Response(
        json.dumps(body, ensure_ascii=False, default=str).encode(errors="replace"),
        status_code=status,
        headers=dict(headers or {}),
        media_type="application/json",
    )


def answer(error: ClusteringError) -> Response:
    """The envelope of one of our own errors."""
    tell(LOG, "request refused", code=_code(type(error)), status=error.status)
    return envelope(
        error.status,
        _public_message(error),
        code=_code(type(error)),
        details=error.details,
        headers=_headers(error),
    )


def handle_errors(app: FastAPI) -> None:
    """Makes the app answer with envelopes; what nobody foresaw is for ``Observed`` to answer."""
    app.add_exception_handler(ClusteringError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _ours(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ClusteringError)  # noqa: S101 - registered for these alone
    return answer(error)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for these alone
    problems: Sequence[Any] = error.errors()
    if problems[0]["type"] == _NOT_JSON:
        return answer(not_json(str(problems[0]["ctx"]["error"])))
    return answer(refused_as(InvalidRequest, problems))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these alone
    if error.status_code == 400:
        return answer(not_json("it is not text in UTF-8, or nests too deep"))
    if error.status_code == 405:
        return _method_not_allowed(request, error.headers or {})
    message = {404: "no such address: /docs lists those there are"}.get(error.status_code)
    return envelope(error.status_code, message or error.detail, headers=error.headers)


def _method_not_allowed(request: Request, headers: Mapping[str, str]) -> Response:
    """Each route knows its own method alone: the document knows all of an address."""
    path = request.scope["path"]
    addresses = request.app.openapi()["paths"].items()
    operations = [known for address, known in addresses if compile_path(address)[0].match(path)]
    methods = sorted(
        {method.upper() for operation in operations for method in operation if method in _METHODS}
    )
    allowed = ", ".join(methods) or headers.get("Allow", "none")
    message = f"{request.method} is not allowed here: use {allowed}"
    return envelope(405, message, code="method_not_allowed", headers={**headers, "Allow": allowed})


def not_json(problem: str) -> MalformedRequest:
    """The refusal of a body that is not JSON."""
    message = f"the body is not JSON ({problem}): send a JSON object, or nothing"
    return MalformedRequest(message)


def _code(error: type[ClusteringError]) -> str:
    name = error.__name__
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _public_message(error: ClusteringError) -> str:
    ours = error.status >= 500 or isinstance(error, ArtifactNotFound)
    return for_clients(error.message) if ours else without_stores(error.message)


def _headers(error: ClusteringError) -> dict[str, str]:
    if error.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.details.get("retry_after", 1))}
    return {}
