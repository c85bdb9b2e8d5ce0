"""What labelling is given and what it gives back."""

import json
from dataclasses import dataclass, field
from typing import Literal

from clustering_pipeline.labeling.config import LabelingConfig
from clustering_pipeline.labeling.inputs import Inputs
from clustering_pipeline.labeling.provider import Provider


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


@dataclass(frozen=True, kw_only=True)
class LabelRequest:
    """Everything labelling needs to know; without a provider, labels are keyphrases."""

    groups: tuple[Group, ...]
    config: LabelingConfig = field(default_factory=LabelingConfig)
    provider: Provider | None = None
    concurrency: int = 16
    deadline: float = 600.0
    """Seconds for the whole stage; what is not named by then keeps its keyphrases."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """What readers see of a group."""

    number: int
    cluster_id: str
    label: str
    summary: str | None = None
    keywords: tuple[str, ...] = ()
    source: Literal["llm", "keyphrases"] = "keyphrases"


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
    """One label per group, in the order of the request, and what went wrong on the way."""

    groups: tuple[Label, ...]
    errors: tuple[LabelingError, ...] = ()

    @property
    def by_number(self) -> dict[int, Label]:
        """The label of each group."""
        return {label.number: label for label in self.groups}

    @property
    def error_strings(self) -> list[str]:
        """What ``llm_labeling_errors`` holds."""
        return [error.as_json() for error in self.errors]
