"""How documents are grouped by what their payload says."""

from typing import Annotated, Literal

from pydantic import Field

from clustering_pipeline.model.base import RequestModel

FieldPath = Annotated[str, Field(min_length=1)]


class AttributeConfig(RequestModel):
    """One group per combination of values."""

    attributes: list[FieldPath] = Field(min_length=1)
    """Payload fields, dotted paths allowed; for a hierarchy the first one is on top."""
    description: str | None = None
    """A note for readers."""
    hierarchical_grouping: bool = False
    """Whether each first value becomes a parent, with the rest as its children."""
    aggregation_method: Literal["most_frequent", "first", "last"] | None = None
    """How a group's other attributes are summed up; null is ``most_frequent``."""
