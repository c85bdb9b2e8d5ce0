"""Parameters as resolved: what was given over the defaults of the model, checked."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from clustering_pipeline.model.algorithms import parameters
from clustering_pipeline.model.errors import InvalidParameters
from clustering_pipeline.model.parameters import Parameters
from clustering_pipeline.model.preprocessing import PreprocessingStep, Step

Settings = TypeVar("Settings", Parameters, Step)

STEPS: TypeAdapter[Step] = TypeAdapter(PreprocessingStep)


def resolved(method: str, given: Mapping[str, Any] | Parameters | None) -> Parameters:
    """The parameters of ``method``; raises ``InvalidParameters`` naming the ones it takes."""
    if isinstance(given, Parameters):
        return given
    try:
        return parameters(method, given or {})
    except PydanticCustomError as error:
        raise InvalidParameters(error.message()) from error
    except ValidationError as error:
        message = f"{method}: {_first(error)}"
        raise InvalidParameters(message) from error


def resolved_step(given: Mapping[str, Any] | Step) -> Step:
    """A preprocessing step with its defaults; raises ``InvalidParameters``."""
    if isinstance(given, Step):
        return given
    try:
        return STEPS.validate_python(dict(given))
    except ValidationError as error:
        message = f"preprocessing step: {_first(error)}"
        raise InvalidParameters(message) from error


def seeded(settings: Settings, random_state: int) -> Settings:
    """``settings`` with ``random_state``, where they take a seed and none was given."""
    fields = type(settings).model_fields
    if "random_state" not in fields or "random_state" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"random_state": random_state})


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in detail["loc"])
    return f"{place} {detail['msg']}".strip()
