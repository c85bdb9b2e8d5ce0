"""What labelling is given and what it gives back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from clustering_pipeline.labeling.config import LabelingConfig
from clustering_pipeline.labeling.inputs import Inputs
from clustering_pipeline.labeling.prices import PRICES, Price
from clustering_pipeline.labeling.provider import Format, Provider
from clustering_pipeline.model.executions.execution import LabelingLedger
from clustering_pipeline.model.ids import dotted_number


@dataclass(frozen=True, kw_only=True)
class Example:
    """A document that stands for its group: what the prompt shows of it."""

    row: int
    inputs: Inputs


@dataclass(frozen=True, kw_only=True)
class Group:
    """One group to label."""

    number: int
    cluster_id: str
    size: int
    keyphrases: tuple[str, ...] = ()
    """Best first."""
    examples: tuple[Example, ...] = ()
    """Most telling first."""
    nearest: tuple[int, ...] = ()
    """Numbers of the groups it is most easily confused with, nearest first."""

    @property
    def mark(self) -> str:
        """``4`` of ``cl_4``, ``4.1`` of ``cl_4_sub_1``."""
        return dotted_number(self.cluster_id)


@dataclass(frozen=True, kw_only=True)
class Named:
    """A label with what came along; also what a cache keeps."""

    label: str
    summary: str | None = None
    keywords: tuple[str, ...] = ()
    probability: float | None = None
    """How sure the model is, where it chose from a closed list."""
    extra: Mapping[str, object] = field(default_factory=dict)
    """Further fields, as ``response_shape`` asked for."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a run allows: money, time and what may leave the system."""

    max_cost: float | None = None
    """US dollars; once spent, the remaining groups keep their keyphrases."""
    prices: Mapping[str, Price] = field(default_factory=lambda: PRICES)
    concurrency: int = 16
    deadline: float = 600.0
    """Seconds for all groups; what is not named by then keeps its keyphrases."""
    call_timeout: float = 60.0
    """Seconds for one call."""
    retry_pause: float = 0.5
    """Seconds before the first retry; doubled for each further one."""
    scrub: bool = False
    """Whether e-mail addresses, phone and card numbers are blanked before texts leave."""
    min_group_size: int = 0
    """Smaller groups keep their keyphrases: no text of theirs leaves."""


NO_PROVIDER = (
    "llm_labeling is enabled but no model is reachable: set CLUSTERING_LLM_API_KEY or "
    "CLUSTERING_LLM_BASE_URL; the labels are keyphrases"
)


@dataclass(frozen=True, kw_only=True)
class LabelRequest:
    """Everything labelling needs to know; without a provider, labels are keyphrases."""

    groups: tuple[Group, ...]
    config: LabelingConfig = field(default_factory=LabelingConfig)
    provider: Provider | None = None
    unreachable: str = NO_PROVIDER
    """Why there is no provider, in one sentence."""
    terms: Terms = field(default_factory=Terms)
    cached: Mapping[str, Named] = field(default_factory=dict)
    """Earlier answers by :func:`~clustering_pipeline.labeling.cache_keys`."""
    human_names: Mapping[int, str] = field(default_factory=dict)
    """Names people gave, by group number: they win."""
    format: Format = "json_schema"
    """The strictest form of answer to try, as an earlier run found it."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """What readers see of a group."""

    number: int
    cluster_id: str
    label: str
    summary: str | None = None
    keywords: tuple[str, ...] = ()
    source: Literal["llm", "keyphrases", "human"] = "keyphrases"
    probability: float | None = None
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LabelingError:
    """Why groups kept their keyphrases."""

    error: str
    clusters: tuple[str, ...]

    def as_json(self) -> str:
        """The item of ``llm_labeling_errors``."""
        return json.dumps(
            {"error": self.error, "clusters": list(self.clusters)}, ensure_ascii=False
        )


@dataclass(frozen=True, kw_only=True)
class Labels:
    """One label per group, in the order of the request, and what it took."""

    groups: tuple[Label, ...]
    errors: tuple[LabelingError, ...] = ()
    ledger: LabelingLedger = field(default_factory=LabelingLedger)
    fresh: Mapping[str, Named] = field(default_factory=dict)
    """Answers worth keeping, by cache key."""
    format: Format = "json_schema"
    """The strictest form of answer the server gave; a later request may start there."""

    @property
    def by_number(self) -> dict[int, Label]:
        """The label of each group."""
        return {label.number: label for label in self.groups}

    @property
    def error_strings(self) -> list[str]:
        """What ``llm_labeling_errors`` holds."""
        return [error.as_json() for error in self.errors]
