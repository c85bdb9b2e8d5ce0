"""Anything that speaks OpenAI's chat completions: OpenAI, Azure, Ollama, vLLM, LM Studio, …"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from clustering_pipeline.labeling.provider import (
    Answer,
    Call,
    Embedded,
    EmbeddingCall,
    Failure,
    Usage,
)

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


if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion
    from openai.types.chat.chat_completion import Choice
    from openai.types.create_embedding_response import CreateEmbeddingResponse
    from openai.types.create_embedding_response import Usage as EmbeddingUsage
    from openai.types.embedding import Embedding

_BASE_URLS = {
    "openai": "https://api.openai.com/v1",
    "google": "https://generativelanguage.googleapis.com/v1beta/openai/",
    "anthropic": "https://api.anthropic.com/v1/",
}
_MODELS = {
    "openai": "gpt-4.1-mini-2025-04-14",
    "google": "gemini-2.5-flash",
    "anthropic": "claude-3-5-haiku-20241022",
}
_LIMIT, _OLD_LIMIT = "max_completion_tokens", "max_tokens"


def open_provider(
    *,
    api_key: str | None,
    base_url: str | None,
    provider: str | None = None,
    model: str | None = None,
    embedding_model: str | None = None,
) -> "OpenAICompatible | None":
    """The provider a definition and the settings describe; ``None`` without key and address."""
    if not api_key and not base_url:
        return None
    name = provider if provider in _BASE_URLS else "openai"
    return OpenAICompatible(
        base_url=base_url or _BASE_URLS[name],
        api_key=api_key or "none",
        model=model or _MODELS[name],
        embedding_model=embedding_model,
    )


class OpenAICompatible:
    """Calls a server at ``base_url``; connects on the first call, in the loop that makes it."""

    def __init__(
        self, *, base_url: str, api_key: str, model: str, embedding_model: str | None = None
    ):
        self.model = model
        self.base_url = base_url
        self.embedding_model = embedding_model
        self._api_key = api_key
        self._limit = _LIMIT
        self._client: AsyncOpenAI | None = None

    async def complete(self, call: Call) -> Answer | Failure:
        """Answer one call; a server's doing comes back as a :class:`Failure`."""
        from openai import OpenAIError  # noqa: PLC0415 - 0.7 s

        try:
            return _answer(await self._completion(call))
        except OpenAIError as error:
            failure = failure_of(error, self.base_url)
        if failure.kind == "unsupported" and _LIMIT in failure.message and self._limit == _LIMIT:
            # Servers older than the name; all later calls use theirs.
            self._limit = _OLD_LIMIT
            return await self.complete(call)
        return failure

    async def embed(self, call: EmbeddingCall) -> Embedded | Failure:
        """A vector for each text, of the embedding model that was set."""
        from openai import OpenAIError  # noqa: PLC0415

        if self.embedding_model is None:
            return Failure(kind="unsupported", message="no embedding model is set")
        try:
            found = await self._connected().embeddings.create(
                model=self.embedding_model, input=list(call.texts), timeout=call.timeout
            )
        except OpenAIError as error:
            return failure_of(error, self.base_url)
        return _embedded(found, len(call.texts))

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _connected(self) -> "AsyncOpenAI":
        if self._client is None:
            from openai import AsyncOpenAI  # noqa: PLC0415

            # Retries are counted, paid for and ended in one place, which is not this one.
            self._client = AsyncOpenAI(base_url=self.base_url, api_key=self._api_key, max_retries=0)
        return self._client

    async def _completion(self, call: Call) -> "ChatCompletion":
        body: dict[str, object] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": call.system},
                {"role": "user", "content": _content(call)},
            ],
            self._limit: call.max_tokens,
            **call.parameters,
        }
        if call.format != "text":
            body["response_format"] = _response_format(call)
        from openai.types.chat import ChatCompletion  # noqa: PLC0415

        return await self._connected().post(
            "/chat/completions",
            cast_to=ChatCompletion,
            body=body,
            options={"timeout": call.timeout},
        )


def _content(call: Call) -> object:
    if not call.images:
        return call.user
    pictures = [{"type": "image_url", "image_url": {"url": image}} for image in call.images]
    return [{"type": "text", "text": call.user}, *pictures]


def _response_format(call: Call) -> Mapping[str, object]:
    if call.format == "json_object":
        return {"type": "json_object"}
    shape = {"name": "group_label", "strict": True, "schema": dict(call.schema)}
    return {"type": "json_schema", "json_schema": shape}


def _embedded(found: "CreateEmbeddingResponse", wanted: int) -> Embedded | Failure:
    """What compatible servers send is not always what the client's types promise."""
    listed = cast("list[Embedding] | None", found.data) or []
    if len(listed) != wanted:
        message = f"the model's server gave {len(listed)} vectors for {wanted} texts"
        return Failure(kind="refused", message=message)
    used = cast("EmbeddingUsage | None", found.usage)
    return Embedded(
        vectors=[one.embedding for one in sorted(listed, key=lambda one: one.index)],
        usage=Usage(prompt_tokens=(used.prompt_tokens or 0) if used else 0),
    )


def _answer(completion: "ChatCompletion") -> Answer:
    """What compatible servers send is not always what the client's types promise."""
    choices = cast("list[Choice] | None", completion.choices)
    if not choices:
        return Answer(text="")
    used = completion.usage
    return Answer(
        text=choices[0].message.content or "",
        finish_reason=choices[0].finish_reason or "stop",
        usage=Usage(
            prompt_tokens=(used.prompt_tokens or 0) if used else 0,
            completion_tokens=(used.completion_tokens or 0) if used else 0,
        ),
    )
