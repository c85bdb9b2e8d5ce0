"""What tests read off an answer."""

from typing import Any

import httpx

from clustering_pipeline.api.errors import TYPES


def ok(answer: httpx.Response) -> Any:
    """The body of an answer that is what was asked for."""
    assert answer.status_code == 200, answer.text
    return answer.json()


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and sentence of an error, which is in the envelope and has a request id."""
    body = answer.json()
    assert set(body) == {"success", "status", "error"}
    assert (body["success"], body["status"]) == (False, answer.status_code)
    assert set(body["error"]) <= {"message", "type", "code", "details"}
    assert body["error"]["type"] == TYPES.get(answer.status_code, "BadRequestError")
    assert answer.headers["X-Request-ID"]
    return answer.status_code, body["error"]["message"]


def problems_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """What is wrong with a request, one by one."""
    assert answer.status_code == 422, answer.text
    return answer.json()["error"]["details"]["validation_errors"]
