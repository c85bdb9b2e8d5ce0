"""How groups get their names when a model gives them."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from clustering_pipeline.model.base import RequestModel
from clustering_pipeline.model.json_values import JsonObject, JsonValue, Text

Provider = Literal["openai", "google", "anthropic"]
SourceType = Literal["payload", "literal", "vector", "blob"]


def _with_a_word(entry: str) -> str:
    if not any(map(str.isalpha, entry)):
        message = f"{entry!r} holds no word: name the words that no label shall be made of"
        raise ValueError(message)
    return entry


LabelText = Annotated[str, Field(min_length=1, max_length=200)]

StopWord = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_with_a_word)]

MOST_CANDIDATES = 255
MOST_STOP_WORDS = 1_000
# What a source cannot do without.
NEEDS = {"payload": "path", "vector": "path", "blob": "path", "literal": "override"}


class InputMapping(RequestModel):
    """One thing the model is told about a document."""

    input_key: str = Field(min_length=1)
    """What the model sees it called."""
    source_type: SourceType | None = None
    """Where it comes from; null is ``literal`` with an override and ``payload`` without."""
    path: str | None = Field(default=None, min_length=1)
    """Dotted path in the payload; of a ``vector``, a feature URI of the definition or its output.

    A ``vector`` tells the model how near the document is to the centre of its group. What a path in
    the payload leads to is sent as an image where it is the address of one, as an ``http(s)`` or
    ``data:image/`` URI; a ``blob`` is an image whatever its address ends with.
    """
    override: JsonValue = None
    """A value that stands for whatever the document says."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = NEEDS[self.source]
        if getattr(self, needed) is None and self.override is None:
            message = f"of source_type {self.source!r} needs {needed}"
            raise ValueError(message)
        return self

    @property
    def source(self) -> SourceType:
        """``source_type``, or what its absence means."""
        if self.source_type is not None:
            return self.source_type
        return "payload" if self.override is None else "literal"


class LabelingInputs(RequestModel):
    """What the model is told about the documents of a group."""

    input_mappings: list[InputMapping] = Field(min_length=1)
    """At least one; without any mapping the text fields are chosen by measure."""


class LLMLabeling(RequestModel):
    """Labels, summaries and keywords from a language model; a failure never fails a run."""

    enabled: bool = False
    """Only true sends documents to a model; otherwise labels are keyphrases."""
    description: str | None = None
    """A note for readers."""
    labeling_inputs: LabelingInputs | None = None
    """What the model is told; null chooses text fields by measure."""
    provider: Provider | None = None
    """Whose defaults apply; any server that speaks OpenAI's protocol serves."""
    model_name: str | None = Field(default=None, min_length=1, max_length=200)
    """The model, by the name its server knows; null is the provider's default."""
    include_summary: bool = True
    """Whether a sentence about the group is asked for."""
    include_keywords: bool = True
    """Whether keywords are asked for."""
    max_samples_per_cluster: int | None = Field(default=None, ge=1, le=20)
    """Documents the model sees of a group; null is 3–20 by its size and spread."""
    sample_text_max_length: int = Field(default=200, ge=50, le=500)
    """Characters the model sees of each text."""
    sample_selection_strategy: Literal["nearest", "representative"] = "nearest"
    """The documents nearest to the centroid, or a mixture of central, spread and dense ones."""
    use_embedding_dedup: bool = True
    """Whether labels that mean the same are found by embedding, where a model for it is set."""
    embedding_similarity_threshold: float = Field(default=0.8, ge=0.5, le=1)
    """Cosine from which two labels mean the same."""
    cache_ttl_seconds: int = Field(default=604_800, ge=0, le=2_592_000)
    """How long an answer may be used again; 0 asks every time."""
    labeling_context: str | None = Field(default=None, max_length=2000)
    """What the model should know about the documents as a whole."""
    custom_prompt: str | None = Field(default=None, min_length=1)
    """Instructions in place of the usual ones."""
    response_shape: str | JsonObject | None = None
    """Further fields to ask for, in words or as a JSON schema."""
    parameters: JsonObject = Field(default_factory=dict)
    """Further arguments of the model's call."""
    candidate_labels: list[LabelText] | dict[LabelText, Text] | None = None
    """A closed list to choose from, or label to description; at most 255."""

    stop_words: list[StopWord] = Field(default_factory=list, max_length=MOST_STOP_WORDS)
    """Words that no label is made of, keyphrases included: an extension of this server's.

    Several words in one entry are left out where they stand side by side.
    """

    @property
    def vector_paths(self) -> tuple[str, ...]:
        """Which vectors its inputs tell of."""
        listed = self.labeling_inputs.input_mappings if self.labeling_inputs else []
        return tuple(
            mapping.path for mapping in listed if mapping.source == "vector" and mapping.path
        )

    @model_validator(mode="after")
    def _few_candidates(self) -> Self:
        candidates = self.candidate_labels
        if candidates is not None and not 1 <= len(candidates) <= MOST_CANDIDATES:
            message = f"candidate_labels must hold 1 to {MOST_CANDIDATES} labels"
            raise ValueError(message)
        return self
