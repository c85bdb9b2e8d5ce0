"""The clustering methods: what each takes, and how many documents it may be given."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic_core import PydanticCustomError

from clustering_pipeline.model.algorithms.density import DENSITY
from clustering_pipeline.model.algorithms.graph import GRAPH
from clustering_pipeline.model.algorithms.parameters import Parameters
from clustering_pipeline.model.algorithms.partitioning import PARTITIONING

Method = Literal[
    "kmeans",
    "dbscan",
    "hdbscan",
    "agglomerative",
    "spectral",
    "gaussian_mixture",
    "mean_shift",
    "optics",
    "attribute_based",
    "leiden",
    "evoc",
    "auto",
]

PARAMS: dict[str, type[Parameters]] = {
    model.method: model for model in (*PARTITIONING, *DENSITY, *GRAPH)
}

_UNKNOWN_PARAMETER = "unknown_parameter"

LARGEST_SAMPLE = 100_000
LARGEST_SAMPLES = {"kmeans": 1_000_000, "gaussian_mixture": 1_000_000}
DEFAULT_SAMPLE = 50_000
DEFAULT_SAMPLES: dict[str, int | None] = {
    "kmeans": 100_000,
    "gaussian_mixture": 100_000,
    "mean_shift": 100_000,
    "leiden": 100_000,
    "evoc": 100_000,
    # Values are counted, not compared: there is nothing to save by sampling.
    "attribute_based": None,
}


def largest_sample(method: str) -> int:
    """The most documents the method may be fitted on."""
    return LARGEST_SAMPLES.get(method, LARGEST_SAMPLE)


def default_sample(method: str) -> int | None:
    """The documents the method is fitted on when nothing is said; None is all of them."""
    return DEFAULT_SAMPLES.get(method, DEFAULT_SAMPLE)


def parameters(method: str, given: Mapping[str, Any]) -> Parameters:
    """The parameters of ``method`` with its defaults; keys of other methods are refused by name.

    Raises pydantic's ValidationError, or PydanticCustomError for keys the method does not take.
    """
    model = PARAMS[method]
    strange = [str(key) for key in given if key not in model.model_fields]
    if strange:
        problem = _strange(method, strange)
        raise PydanticCustomError(_UNKNOWN_PARAMETER, "{problem}", {"problem": problem})
    return model.model_validate(dict(given))


def _strange(method: str, keys: list[str]) -> str:
    taken = ", ".join(PARAMS[method].model_fields) or "no parameters"
    return f"{method} takes no {', '.join(map(_with_owners, keys[:5]))}; it takes: {taken}"


def _with_owners(key: str) -> str:
    owners = [method for method, model in PARAMS.items() if key in model.model_fields]
    return f"{key[:60]!r} (a parameter of {', '.join(owners)})" if owners else repr(key[:60])
