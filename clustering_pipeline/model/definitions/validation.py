"""Turns what a client sent, or what a YAML or JSON file holds, into a model, or into one error that
says what to change.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from clustering_pipeline.model.algorithms.preprocessing import STEP_METHODS
from clustering_pipeline.model.base import RequestModel
from clustering_pipeline.model.definitions.vector_config import OLDER_PARAMS
from clustering_pipeline.model.errors import (
    InvalidDefinition,
    InvalidFilter,
    InvalidParameters,
    InvalidRequest,
)
from clustering_pipeline.model.filters.tree import FILTERS

Model = TypeVar("Model", bound=RequestModel)
Location = Sequence[int | str]


class Problem(TypedDict):
    """One thing that is wrong, as ``details.validation_errors`` lists it."""

    type: str
    location: list[int | str]
    message: str


_PARAMETER_FIELDS = frozenset({"algorithm_params", "preprocessing_steps", *OLDER_PARAMS})
_PLAIN = {
    "missing": "is required",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
}
_WHOLE = frozenset({"unknown_key", "model_type", "model_attributes_type"})
_TAGS = frozenset(STEP_METHODS)


def validate(model: type[Model], payload: Any) -> Model:
    """``payload`` as ``model``.

    Raises the leaf of ``InvalidRequest`` that fits, its message one sentence about the first
    problem and ``details.validation_errors`` a list of all of them.
    """
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        raise refusal(model, error) from error


def refusal(model: type[RequestModel], error: ValidationError) -> InvalidRequest:
    """What pydantic found, as this project's error."""
    leaf = _leaf(model, error.errors(include_url=False)[0]["loc"])
    return refused_as(leaf, error.errors(include_url=False))


def refused_as(leaf: type[InvalidRequest], details: Sequence[ErrorDetails]) -> InvalidRequest:
    """The error that tells the first problem in a sentence, and lists all of them."""
    problems = [_problem(detail) for detail in details]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return leaf(_sentence(problems[0]) + more, details={"validation_errors": problems})


def _leaf(model: type[RequestModel], location: Location) -> type[InvalidRequest]:
    if FILTERS in location:
        return InvalidFilter
    return InvalidParameters if _PARAMETER_FIELDS & set(location) else model.refused_as


def _problem(detail: ErrorDetails) -> Problem:
    return {
        "type": detail["type"],
        "location": [part for part in detail["loc"] if part not in _TAGS],
        "message": _message(detail),
    }


def _message(detail: ErrorDetails) -> str:
    if detail["type"] in _PLAIN:
        return _PLAIN[detail["type"]]
    if detail["type"] in {"union_tag_not_found", "union_tag_invalid"}:
        return f"needs a method, one of {', '.join(STEP_METHODS)}"
    return detail["msg"].removeprefix("Value error, ").replace("Input should", "should")


def _sentence(problem: Problem) -> str:
    place = ".".join(str(part) for part in problem["location"])
    if place:
        return f"{place}: {problem['message']}"
    return f"the request {problem['message']}" if problem["type"] in _WHOLE else problem["message"]


def read_mapping(file: Path) -> dict[str, Any]:
    """What a YAML or JSON file holds; raises InvalidDefinition when that is no mapping."""
    parsed = _parse(file)
    if not isinstance(parsed, dict):
        message = f"{file} holds no mapping of fields to values"
        raise InvalidDefinition(message)
    return parsed


def _parse(file: Path) -> Any:
    try:
        # YAML holds JSON too.
        return yaml.safe_load(file.read_text())
    except OSError as error:
        message = f"cannot read {file}: {error.strerror}"
        raise InvalidDefinition(message) from error
    except yaml.YAMLError as error:
        message = f"{file} is neither YAML nor JSON: {' '.join(str(error).split())}"
        raise InvalidDefinition(message) from error
