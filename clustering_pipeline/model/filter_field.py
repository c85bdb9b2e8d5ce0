"""The type of a ``filters`` field: kept as the client wrote it, checked when it arrives."""

from typing import Annotated, Any

from pydantic import AfterValidator

from clustering_pipeline.model.errors import InvalidFilter
from clustering_pipeline.model.filters import parse_filter
from clustering_pipeline.model.json_values import check_json

FILTERS = "filters"


def _check(filters: dict[str, Any]) -> dict[str, Any]:
    try:
        parse_filter(filters)
    except InvalidFilter as error:
        raise ValueError(error.message) from error
    return check_json(filters)


FilterObject = Annotated[dict[str, Any], AfterValidator(_check)]
