"""The base of every algorithm's parameters, and the types several of them share."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from clustering_pipeline.model.base import RequestModel
from clustering_pipeline.model.errors import InvalidParameters

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


def _some(jobs: int) -> int:
    if jobs == 0:
        message = "must not be 0: -1 uses all cores"
        raise ValueError(message)
    return jobs


Jobs = Annotated[int, AfterValidator(_some)]

Metric = Literal[
    "euclidean",
    "l2",
    "sqeuclidean",
    "manhattan",
    "cityblock",
    "l1",
    "chebyshev",
    "minkowski",
    "cosine",
    "correlation",
    "canberra",
    "braycurtis",
    "hamming",
]
NeighborSearch = Literal["auto", "ball_tree", "kd_tree", "brute"]


class Parameters(RequestModel):
    """Parameters of one algorithm, by the names its users know."""

    refused_as = InvalidParameters
    method: ClassVar[str]
