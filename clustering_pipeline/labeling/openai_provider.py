"""Anything that speaks OpenAI's chat completions: OpenAI, Azure, Ollama, vLLM, LM Studio, …"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from clustering_pipeline.labeling.provider import Answer, Call, Failure, Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI

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
_BUSY = {408, 409, 425, 429}


def open_provider(
    *,
    api_key: str | None,
    base_url: str | None,
    provider: str | None = None,
    model: str | None = None,
) -> "OpenAICompatible | None":
    """The provider a definition and the settings describe; ``None`` without key and address."""
    if not api_key and not base_url:
        return None
    name = provider or "openai"
    return OpenAICompatible(
        base_url=base_url or _BASE_URLS.get(name, _BASE_URLS["openai"]),
        api_key=api_key or "none",
        model=model or _MODELS.get(name, _MODELS["openai"]),
    )


class OpenAICompatible:
    """Calls a server at ``base_url``; connects on the first call, in the loop that makes it."""

    def __init__(self, *, base_url: str, api_key: str, model: str):
        self.model = model
        self.base_url = base_url
        self._api_key = api_key
        self._client: AsyncOpenAI | None = None

    async def complete(self, call: Call) -> Answer | Failure:
        """Answer one call; a server's doing comes back as a :class:`Failure`."""
        import openai  # noqa: PLC0415 - 0.7 s

        try:
            completion = await self._connected().chat.completions.create(**self._arguments(call))
        except openai.APITimeoutError:
            return Failure(
                kind="timeout", message=f"the model did not answer in {call.timeout:.0f} s"
            )
        except openai.APIConnectionError as error:
            message = f"the model at {self.base_url} cannot be reached: {error.__cause__ or error}"
            return Failure(kind="unreachable", message=message)
        except openai.APIStatusError as error:
            return _refusal(error)
        return _answer(completion)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _connected(self) -> "AsyncOpenAI":
        if self._client is None:
            from openai import AsyncOpenAI  # noqa: PLC0415

            self._client = AsyncOpenAI(base_url=self.base_url, api_key=self._api_key, max_retries=0)
        return self._client

    def _arguments(self, call: Call) -> dict[str, object]:
        arguments: dict[str, object] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": call.system},
                {"role": "user", "content": _content(call)},
            ],
            "max_completion_tokens": call.max_tokens,
            "timeout": call.timeout,
            "extra_body": dict(call.parameters),
        }
        if call.format != "text":
            arguments["response_format"] = _response_format(call)
        return arguments


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


def _refusal(error) -> Failure:
    message = f"the model's server answered {error.status_code}: {str(error.message)[:200]}"
    if error.status_code in _BUSY or error.status_code >= 500:
        return Failure(
            kind="busy", message=message, retry_after=_retry_after(error.response.headers)
        )
    kind = "unsupported" if error.status_code in {400, 404, 422} else "refused"
    return Failure(kind=kind, message=message)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return float(headers["retry-after"])
    except (KeyError, ValueError):
        return None


def _answer(completion) -> Answer:
    choice = completion.choices[0] if completion.choices else None
    used = completion.usage
    return Answer(
        text=(choice.message.content or "") if choice else "",
        finish_reason=(choice.finish_reason or "stop") if choice else "stop",
        usage=Usage(
            prompt_tokens=used.prompt_tokens if used else 0,
            completion_tokens=used.completion_tokens if used else 0,
        ),
    )
