"""How groups are to be labelled: the contract's ``llm_labeling``, resolved."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, TypeAlias, cast

Source = Literal["payload", "literal", "vector", "blob"]
Shape: TypeAlias = str | Mapping[str, object] | None

_LANGUAGE = "output_language"


@dataclass(frozen=True, kw_only=True)
class InputMapping:
    """One thing the prompt shows of each document."""

    input_key: str
    source_type: Source = "payload"
    path: str | None = None
    override: object = None


@dataclass(frozen=True, kw_only=True)
class LabelingConfig:
    """Field names, defaults and meaning are the contract's."""

    enabled: bool = False
    provider: str | None = None
    model_name: str | None = None
    input_mappings: tuple[InputMapping, ...] = ()
    include_summary: bool = True
    include_keywords: bool = True
    max_samples_per_cluster: int | None = None
    sample_text_max_length: int = 200
    sample_selection_strategy: str = "nearest"
    use_embedding_dedup: bool = True
    embedding_similarity_threshold: float = 0.8
    cache_ttl_seconds: int = 604_800
    labeling_context: str | None = None
    custom_prompt: str | None = None
    response_shape: Shape = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    """Arguments of the model's call, without ``output_language``."""
    output_language: str | None = None
    """Language of the labels, from ``parameters``; that of the documents when unset."""
    stop_words: tuple[str, ...] = ()
    """Words that no label is made of."""
    candidate_labels: Mapping[str, str] = field(default_factory=dict)
    """Label to description, a closed list to choose from; empty lets the model write its own."""

    @classmethod
    def from_mapping(cls, values: Mapping[str, object] | None) -> "LabelingConfig":
        """Read a validated ``llm_labeling``; a missing or null field takes its default."""
        given = {key: value for key, value in (values or {}).items() if value is not None}
        parameters = dict(cast("Mapping[str, object]", given.pop("parameters", {})))
        language = parameters.pop(_LANGUAGE, None)
        known = {field.name for field in fields(cls)}
        plain = {key: value for key, value in given.items() if key in known}
        read: dict[str, object] = {
            "input_mappings": _mappings(given.get("labeling_inputs")),
            "stop_words": tuple(map(str, cast("list[object]", given.get("stop_words", ())))),
            "candidate_labels": _candidates(given.get("candidate_labels")),
            "parameters": parameters,
            "output_language": None if language is None else str(language),
        }
        return cls(**(plain | read))  # ty: ignore[invalid-argument-type]


def _mappings(inputs: object) -> tuple[InputMapping, ...]:
    listed = inputs.get("input_mappings") if isinstance(inputs, Mapping) else None
    return tuple(map(_mapping, cast("list[Mapping[str, object]]", listed or [])))


def _mapping(item: Mapping[str, object]) -> InputMapping:
    override, path = item.get("override"), item.get("path")
    implied = "payload" if override is None else "literal"
    return InputMapping(
        input_key=str(item["input_key"]),
        source_type=cast("Source", item.get("source_type") or implied),
        path=None if path is None else str(path),
        override=override,
    )


def _candidates(listed: object) -> dict[str, str]:
    if isinstance(listed, Mapping):
        return {str(label): str(meaning) for label, meaning in listed.items()}
    return {str(label): "" for label in cast("list[object]", listed or [])}
