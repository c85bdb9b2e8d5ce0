"""Anything that speaks OpenAI's chat completions: OpenAI, Azure, Ollama, vLLM, LM Studio, …"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from clustering_pipeline.labeling.llm.replies import refusal, reply, streamed, told
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
    pause = retry_after(error.response.headers, datetime.now(UTC))
    return refusal(error.status_code, told(error.body) or said, message, pause)


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
    from httpx import Response
    from openai import AsyncOpenAI
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
_LIMITS = ("max_completion_tokens", "max_tokens")
"""Names that servers have for the length of an answer: today's, and one that is older."""
_UNKNOWN = re.compile(
    r"un(supported|recogni[sz]ed|known|expected)|not (supported|permitted|allowed|available)"
    r"|does(n't| not) support|extra|forbidden|invalid param|no such",
    re.IGNORECASE,
)
_ENDS = ("/chat/completions", "/embeddings", "/models")


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
        self._limit = _LIMITS[0]
        self._client: AsyncOpenAI | None = None

    async def complete(self, call: Call) -> Answer | Failure:
        """Answer one call; a server's doing comes back as a :class:`Failure`.

        The name of the limit that an answer came under is the one that later calls begin with.
        """
        named = self._limit
        outcome = await self._asked(call, named)
        if isinstance(outcome, Failure) and _disowns(outcome.message, named):
            other = next(name for name in _LIMITS if name != named)
            again = await self._asked(call, other)
            if isinstance(again, Answer):
                self._limit = other
            return again
        if isinstance(outcome, Answer):
            self._limit = named
        return outcome

    async def _asked(self, call: Call, limit: str) -> Answer | Failure:
        from openai import OpenAIError  # noqa: PLC0415 - 0.7 s

        try:
            response = await self._completion(call, limit)
        except OpenAIError as error:
            return failure_of(error, self.base_url)
        pause = retry_after(response.headers, datetime.now(UTC))
        return reply(_decoded(response.content), pause)

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
            address, query = split_address(self.base_url)
            # Azure's deployments take a key by this name only.
            azure = {"api-key": self._api_key} if "api-version" in query else None
            self._client = AsyncOpenAI(
                base_url=address,
                default_query=query or None,
                default_headers=azure,
                api_key=self._api_key,
                max_retries=0,
            )
        return self._client

    async def _completion(self, call: Call, limit: str) -> "Response":
        body: dict[str, object] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": call.system},
                {"role": "user", "content": _content(call)},
            ],
            **call.parameters,
        }
        if call.parameters.keys().isdisjoint(_LIMITS):
            body[limit] = call.max_tokens
        if call.format != "text":
            body["response_format"] = _response_format(call)
        from httpx import Response  # noqa: PLC0415

        return await self._connected().post(
            "/chat/completions", cast_to=Response, body=body, options={"timeout": call.timeout}
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


def _decoded(content: bytes) -> object:
    """The body as JSON, whatever type it is said to be of; as text where it is none."""
    text = content.decode("utf-8-sig", "replace")
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return streamed(text)


def _disowns(message: str, limit: str) -> bool:
    """Whether a refusal says that the server has no parameter of this name."""
    return limit in message and _UNKNOWN.search(message) is not None


def split_address(base_url: str) -> tuple[str, dict[str, str]]:
    """The address before the paths of the protocol, and the query that comes behind each."""
    parts = urlsplit(base_url)
    path = parts.path.rstrip("/")
    for end in _ENDS:
        path = path.removesuffix(end)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return urlunsplit((parts.scheme, parts.netloc, path, "", "")), query
