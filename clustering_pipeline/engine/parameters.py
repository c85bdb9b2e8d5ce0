"""Parameters as resolved: what was given over the defaults of the model, checked."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from clustering_pipeline.model.algorithms.parameters import Parameters
from clustering_pipeline.model.algorithms.preprocessing import STEP_METHODS, PreprocessingStep, Step
from clustering_pipeline.model.algorithms.registry import PARAMS, parameters
from clustering_pipeline.model.errors import InvalidParameters

Settings = TypeVar("Settings", Parameters, Step)

LARGEST_SEED = 2**32 - 1
STEPS: TypeAdapter[Step] = TypeAdapter(PreprocessingStep)


def resolved(method: str, given: Mapping[str, Any] | Parameters | None) -> Parameters:
    """The parameters of ``method``; raises ``InvalidParameters`` naming the ones it takes."""
    if isinstance(given, Parameters):
        return _own(method, given)
    if given is not None and not isinstance(given, Mapping):
        message = f"params of {method} must be a mapping of names to values, not {given!r}"
        raise InvalidParameters(message)
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
    if not isinstance(given, Mapping) or "method" not in given:
        message = (
            f"preprocessing is a list of steps such as {{'method': 'umap'}}, not {given!r}; "
            f"the methods are: {', '.join(STEP_METHODS)}"
        )
        raise InvalidParameters(message)
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
    return settings.model_copy(update={"random_state": checked_seed(random_state)})


def checked_seed(random_state: int) -> int:
    """The seed as Python's own number; raises ``InvalidParameters`` when it is none."""
    if not isinstance(random_state, Integral) or not 0 <= random_state <= LARGEST_SEED:
        message = (
            f"random_state must be a whole number from 0 to {LARGEST_SEED}, not {random_state!r}"
        )
        raise InvalidParameters(message)
    return int(random_state)


def _own(method: str, given: Parameters) -> Parameters:
    if given.method == method:
        return given
    taken = ", ".join(PARAMS[method].model_fields) or "no parameters"
    message = f"{method} takes no parameters of {given.method}; it takes: {taken}"
    raise InvalidParameters(message)


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in detail["loc"])
    return f"{place} {detail['msg']}".strip()
