"""What a client's exception means for the next step."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from clustering_pipeline.labeling.provider import Failure

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAIError

_BUSY = frozenset({408, 409, 425, 429})
_UNSUPPORTED = frozenset({400, 415, 422})
_NO_QUOTA = "insufficient_quota"


def failure_of(error: "OpenAIError", base_url: str) -> Failure:
    """The failure behind an exception of the ``openai`` client."""
    from openai import APIConnectionError, APIStatusError, APITimeoutError  # noqa: PLC0415

    place = urlsplit(base_url).netloc.rpartition("@")[2]
    if isinstance(error, APITimeoutError):
        return Failure(kind="timeout", message=f"the model at {place} did not answer in time")
    if isinstance(error, APIConnectionError):
        cause = error.__cause__ or error
        message = f"the model at {place} cannot be reached: {cause}"
        return Failure(kind="unreachable", message=message.rstrip(": "))
    if isinstance(error, APIStatusError):
        return _refusal(error)
    return Failure(kind="refused", message=f"the model's answer cannot be read: {error}")


def _refusal(error: "APIStatusError") -> Failure:
    said = " ".join(str(error.message).split())[:300]
    message = f"the model's server answered {error.status_code}: {said}"
    if error.status_code in _UNSUPPORTED:
        return Failure(kind="unsupported", message=message)
    waits = error.status_code in _BUSY or error.status_code >= 500
    if not waits or _NO_QUOTA in said:
        return Failure(kind="refused", message=message)
    pause = retry_after(error.response.headers, datetime.now(UTC))
    return Failure(kind="busy", message=message, retry_after=pause)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait: ``retry-after-ms``, or ``retry-after`` in seconds or as a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    try:
        at = parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return max(0.0, (at - now).total_seconds())
