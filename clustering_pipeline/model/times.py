"""A point in time as records keep and show it: UTC, to the millisecond."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer, WithJsonSchema

from clustering_pipeline.model.clock import to_milliseconds


def iso(moment: datetime) -> str:
    """``2026-11-21T08:00:00.000Z``: of one length, so that texts order as the times do."""
    return f"{to_milliseconds(moment).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


Moment = Annotated[
    datetime,
    AfterValidator(to_milliseconds),
    PlainSerializer(iso, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
