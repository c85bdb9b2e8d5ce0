"""The one seam: something that answers a prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Format = Literal["json_schema", "json_object", "text"]
FORMATS: tuple[Format, ...] = ("json_schema", "json_object", "text")
"""How an answer may be asked for, strictest first."""

LENGTH = frozenset(
    (
        "length",
        "max_tokens",
        "max_output_tokens",
        "max_completion_tokens",
        "max_length",
        "model_length",
        "token_limit",
        "model_context_window_exceeded",
    )
)
"""Words of servers for an answer that had no more room."""
FILTERED = frozenset(
    (
        "content_filter",
        "content_filtered",
        "safety",
        "recitation",
        "prohibited_content",
        "blocklist",
        "spii",
        "image_safety",
        "refusal",
        "sensitive",
        "guardrail_intervened",
    )
)
"""Words of servers for an answer that a filter stopped."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens as the server counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class Call:
    """One question: a system message, a user message, and the shape the answer must have."""

    system: str
    user: str
    images: tuple[str, ...] = ()
    schema: Mapping[str, object] = field(default_factory=dict)
    format: Format = "json_schema"
    max_tokens: int = 600
    timeout: float = 60.0
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, and the server's word for why it ended there."""

    text: str
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)

    @property
    def is_cut(self) -> bool:
        """Whether the answer ended before the model had: all other words mean that it is whole."""
        return self.finish_reason.strip().casefold() in LENGTH | FILTERED


@dataclass(frozen=True, kw_only=True)
class EmbeddingCall:
    """Texts to be turned into vectors by one request."""

    texts: tuple[str, ...]
    timeout: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A vector for each text, in their order."""

    vectors: Sequence[Sequence[float]]
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """No answer, in one sentence, and what may help."""

    kind: Literal["busy", "unreachable", "timeout", "unsupported", "refused"]
    message: str
    retry_after: float | None = None
    """Seconds the server asked for."""
    names_form: bool = False
    """Whether the server named the form of the answer as what it cannot do."""
    of_text: bool = False
    """Whether a filter, or how long the text is, is at fault: another text may pass."""
    usage: Usage | None = None
    """Of a question that was read all the same; ``None`` where it was not."""


class Provider(Protocol):
    """Answers calls, several at a time; never raises for a server's doing."""

    @property
    def model(self) -> str:
        """The model's name, for prices, caches and records."""
        ...

    @property
    def base_url(self) -> str:
        """Where the model listens: with its name, what tells one server's model from another's."""
        ...

    @property
    def embedding_model(self) -> str | None:
        """The model that embeds, if one is set."""
        ...

    async def complete(self, call: Call) -> Answer | Failure:
        """Answer one call, once: retries are the caller's."""
        ...

    async def embed(self, call: EmbeddingCall) -> Embedded | Failure:
        """A vector for each text; asked only where an embedding model is set."""
        ...

    async def close(self) -> None:
        """Let connections go; called once, in the loop that made the calls."""
        ...
