"""A point in time as records keep it: UTC, to the millisecond."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator

from clustering_pipeline.model.clock import to_milliseconds

Moment = Annotated[datetime, AfterValidator(to_milliseconds)]
