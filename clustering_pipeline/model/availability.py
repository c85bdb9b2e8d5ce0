"""Fields of the contract whose behaviour is still to come, as data.

Until it is there, such a field is accepted where it changes nothing (its default, or "off") and
refused otherwise: nothing is stored and then ignored. Building a behaviour deletes its line.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from clustering_pipeline.model.create_request import CreateClusterRequest
from clustering_pipeline.model.errors import NotAvailableYet
from clustering_pipeline.model.execute_request import ExecuteClusterByIdRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a field may be meanwhile; ``[]`` in ``path`` goes through a list."""

    path: str
    allows: Callable[[Any], bool]
    instead: str


def only(path: str, values: Sequence[object]) -> Limit:
    """The field is accepted with these values."""
    return Limit(
        path=path,
        allows=lambda value: value in values,
        instead=f"use {' or '.join(map(_spoken, values))}",
    )


def _spoken(value: object) -> str:
    return "nothing (null)" if value is None else repr(value)


DEFINITION = (
    only("source_cluster_ids", [None]),
    Limit(
        path="source_enrichment_config.field_mappings[].source_field",
        allows=lambda field: not field.startswith("metadata."),
        instead="map another result",
    ),
)

EXECUTION = (
    only("mode", ["full", "assign"]),
    only("source_execution_ids", [None, []]),
)


def check_available(request: CreateClusterRequest | ExecuteClusterByIdRequest) -> None:
    """Raises ``NotAvailableYet`` naming the first field that asks for what is not there."""
    limits = DEFINITION if isinstance(request, CreateClusterRequest) else EXECUTION
    for limit in limits:
        for value in _values(request, limit.path.split(".")):
            if not limit.allows(value):
                message = f"{limit.path} {_shown(value)} is not available yet: {limit.instead}"
                raise NotAvailableYet(message)


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield value
    elif isinstance(value, BaseModel):
        inner = getattr(value, path[0].removesuffix("[]"))
        for item in (inner or ()) if path[0].endswith("[]") else (inner,):
            yield from _values(item, path[1:])


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
