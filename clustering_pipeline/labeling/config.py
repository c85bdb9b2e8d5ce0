"""How groups are to be labelled: the contract's ``llm_labeling``, resolved."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

Source = Literal["payload", "literal", "vector", "blob"]


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
    response_shape: str | Mapping[str, object] | None = None
    parameters: Mapping[str, object] | None = None
    candidate_labels: tuple[str, ...] = ()

    @classmethod
    def from_mapping(cls, values: Mapping[str, object] | None) -> "LabelingConfig":
        """Read a validated ``llm_labeling``; a missing or null field takes its default."""
        given = {key: value for key, value in (values or {}).items() if value is not None}
        known = {field.name for field in fields(cls)} - {"input_mappings", "candidate_labels"}
        return cls(
            input_mappings=_mappings(given.get("labeling_inputs")),
            candidate_labels=_candidates(given.get("candidate_labels")),
            **{key: value for key, value in given.items() if key in known},  # ty: ignore
        )


def _mappings(inputs: object) -> tuple[InputMapping, ...]:
    listed = inputs.get("input_mappings") if isinstance(inputs, Mapping) else None
    return tuple(_mapping(item) for item in listed or () if isinstance(item, Mapping))  # ty: ignore


def _mapping(item: Mapping[str, object]) -> InputMapping:
    return InputMapping(
        input_key=str(item["input_key"]),
        source_type=item.get("source_type") or "payload",  # ty: ignore
        path=item.get("path"),  # ty: ignore
        override=item.get("override"),
    )


def _candidates(listed: object) -> tuple[str, ...]:
    if isinstance(listed, str):
        return (listed,)
    return tuple(str(item) for item in listed) if isinstance(listed, list | tuple) else ()
