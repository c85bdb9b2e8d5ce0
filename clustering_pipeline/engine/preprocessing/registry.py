"""Preprocessing methods by the names of their modules."""

from importlib import import_module
from typing import Any

from clustering_pipeline.engine.preprocessing.step import Preprocessing
from clustering_pipeline.model.algorithms.preprocessing import Step


def step_named(step: Step) -> Preprocessing[Any]:
    """The method of a step."""
    name = step.model_dump()["method"]
    found: Preprocessing[Any] = import_module(f"{__package__}.{name}").STEP
    return found
