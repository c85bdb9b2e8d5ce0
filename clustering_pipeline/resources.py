"""The outside systems as Dagster's resources: what its UI shows of them, and what a team replaces.

A part that a team gives says all of where its system is and by which key; what is left out of it
is not looked for in the environment, which may be meant for another server.
"""

import os
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, ClassVar

import dagster as dg
from pydantic import Field
from pydantic.config import JsonDict

from clustering_pipeline.defs.resources import RESOURCE, opened_for
from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.model.base import listed
from clustering_pipeline.model.errors import InvalidSettings
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.settings import Settings

_SECRET: JsonDict = {"dagster__is_secret": True}


class _Part(dg.ConfigurableResource[Any]):
    """Parts of equal configuration are one resource, so that definitions with them merge."""

    settings: ClassVar[Mapping[str, str]]
    """Field to the setting that it stands for."""
    policy: ClassVar[frozenset[str]] = frozenset()
    """Fields that the environment answers for where they are left out: what an operator allows."""

    @property
    def _values(self) -> tuple[object, ...]:
        return type(self), *((name, type(value), value) for name, value in self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Part) and self._values == other._values

    def __hash__(self) -> int:
        return hash(self._values)

    def given(self) -> dict[str, object]:
        """The settings that the part decides."""
        values = dict(iter(self))
        return {
            setting: values[name]
            for name, setting in self.settings.items()
            if values[name] is not None or name not in self.policy
        }


class QdrantResource(_Part):
    """The Qdrant that holds the documents, and the output collections."""

    settings: ClassVar[Mapping[str, str]] = {"url": "qdrant_url", "api_key": "qdrant_api_key"}

    url: str | None = Field(
        default=None,
        description="`http(s)://host:6333` or `grpc://host:6334`; unset is the embedded Qdrant.",
    )
    api_key: str | None = Field(
        default=None, description="Key of that server.", json_schema_extra=_SECRET
    )


class CatalogResource(_Part):
    """The MongoDB that holds definitions and what became of them."""

    settings: ClassVar[Mapping[str, str]] = {"uri": "mongodb_uri", "database": "mongodb_database"}

    uri: str | None = Field(
        default=None,
        description="`mongodb://…`, its password included; unset is the embedded mongod.",
        json_schema_extra=_SECRET,
    )
    database: str = Field(default="clustering", description="Name of the database.")


class ArtifactsResource(_Part):
    """Where runs write their files; S3's credentials come from the standard AWS variables."""

    settings: ClassVar[Mapping[str, str]] = {"root": "artifacts", "s3_endpoint": "s3_endpoint"}

    root: str | None = Field(
        default=None, description="A folder or `s3://bucket/prefix`; unset is the data directory."
    )
    s3_endpoint: str | None = Field(default=None, description="An S3 server other than Amazon's.")


class LabelProviderResource(_Part):
    """The model that names groups; without a key and a base URL labels are keyphrases."""

    settings: ClassVar[Mapping[str, str]] = {
        "base_url": "llm_base_url",
        "api_key": "llm_api_key",
        "provider": "llm_provider",
        "model": "llm_model",
        "embedding_model": "llm_embedding_model",
        "max_cost": "llm_max_cost",
        "scrub": "llm_scrub",
    }
    policy: ClassVar[frozenset[str]] = frozenset({"max_cost", "scrub"})

    base_url: str | None = Field(
        default=None, description="A server that speaks OpenAI's protocol; unset is the provider's."
    )
    api_key: str | None = Field(
        default=None, description="Key of that server.", json_schema_extra=_SECRET
    )
    provider: str = Field(
        default="openai", description="Whose key it is: `openai`, `google` or `anthropic`."
    )
    model: str | None = Field(
        default=None, description="The model where a definition names none; unset, the provider's."
    )
    embedding_model: str | None = Field(
        default=None, description="Finds labels that mean the same; unset, their words do."
    )
    max_cost: float | None = Field(
        default=None, description="US dollars a run may spend on labels; unset is the setting."
    )
    scrub: bool | None = Field(
        default=None,
        description="Whether personal data are blanked before texts leave; unset is the setting.",
    )


class EmbeddingProviderResource(_Part):
    """The server that makes vectors of texts; what is unset is as for labels."""

    settings: ClassVar[Mapping[str, str]] = {
        "base_url": "embedding_base_url",
        "api_key": "embedding_api_key",
    }

    base_url: str | None = Field(
        default=None, description="A server that speaks OpenAI's protocol; unset is the labels'."
    )
    api_key: str | None = Field(
        default=None, description="Key of that server.", json_schema_extra=_SECRET
    )


PARTS: dict[str, type[_Part]] = {
    "qdrant": QdrantResource,
    "catalog": CatalogResource,
    "artifacts": ArtifactsResource,
    "label_provider": LabelProviderResource,
    "embedding_provider": EmbeddingProviderResource,
}


@dg.resource(
    required_resource_keys={f"{RESOURCE}_{name}" for name in PARTS},
    description="What stages, checks and sensors work with: the parts, opened together.",
)
def _pipeline(context: dg.InitResourceContext) -> Iterator[Pipeline]:
    given: dict[str, object] = {}
    for name in PARTS:
        given |= getattr(context.resources, f"{RESOURCE}_{name}").given()
    settings = Settings(**given)
    with opened_for(context, lambda: open_pipeline(settings)) as pipeline:
        yield pipeline


def clustering_resources(parts: Mapping[str, object] | None = None) -> dict[str, object]:
    """Everything that the assets ask for, by Dagster's keys.

    ``parts`` are those of ``PARTS`` that a team has itself; the environment says the others.
    Raises InvalidSettings for a part that is unknown, or is no resource of its kind.
    """
    given = {name: _part(name, value) for name, value in (parts or {}).items()}
    if "label_provider" in given:
        # Unset, it sends texts with the labels' key: not to a server that the environment names.
        given.setdefault("embedding_provider", EmbeddingProviderResource())
    own = {name: given.get(name) or _of_environment(part) for name, part in PARTS.items()}
    return {RESOURCE: _pipeline, **{f"{RESOURCE}_{name}": _only(own[name]) for name in PARTS}}


@cache
def _only(part: object) -> object:
    """The first of equal parts: Dagster merges definitions only if they share the very object."""
    return part


def _part(name: str, value: object) -> object:
    """A part that a team gives, as a resource or by its fields."""
    if name not in PARTS:
        message = f"there is no resource {name!r} to give; there is: {', '.join(PARTS)}"
        raise InvalidSettings(message)
    kind = PARTS[name]
    if isinstance(value, Mapping):
        unknown = sorted(map(str, value.keys() - kind.model_fields.keys()))
        if unknown:
            fields = ", ".join(kind.model_fields)
            message = f"resource {name!r} takes no {listed(unknown)}; it takes: {fields}"
            raise InvalidSettings(message)
        return kind(**value)
    if not isinstance(value, kind):
        message = (
            f"resource {name!r} is a {type(value).__name__}: give its fields, a {kind.__name__} of "
            "clustering_pipeline.resources, or a class of your own that extends it"
        )
        raise InvalidSettings(message)
    return value


def _of_environment(part: type[_Part]) -> object:
    """What the settings say, by reference to their variables where Dagster can refer to them."""
    settings = Settings()
    values: dict[str, object] = {}
    for name, setting in part.settings.items():
        variable = f"CLUSTERING_{setting}".upper()
        value = getattr(settings, setting)
        if os.environ.get(variable) and part.model_fields[name].annotation in {str, str | None}:
            value = dg.EnvVar(variable)
        if value is not None and name not in part.policy:
            values[name] = value
    return part(**values)
