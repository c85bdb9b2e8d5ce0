"""The ``dg`` component, ``clustering_pipeline.components.ClusterComponent`` in a defs.yaml."""

from collections.abc import Callable
from typing import Annotated, Any

import dagster as dg
from pydantic import BaseModel, ConfigDict, Field, create_model

from clustering_pipeline.as_code import cluster_definitions
from clustering_pipeline.defs.component import ClusterScaffolder, with_request
from clustering_pipeline.model.errors import InvalidDefinition
from clustering_pipeline.resources import PARTS


def _says(description: str, written: Any = None) -> Any:
    """What ``dg`` tells of an attribute, and how it stands in YAML where that differs."""
    return dg.Resolver.default(description=description, model_field_type=written)


class _WithRequest(BaseModel):
    """Attributes of the component."""

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """With the whole definition in it."""
        return with_request(super().model_json_schema(*args, **options), PARTS)


@dg.scaffold_with(ClusterScaffolder)
class ClusterComponent(dg.Component, dg.Model, dg.Resolvable):
    """One cluster definition as an asset graph of its own."""

    # Conditions and policies are values of Dagster's.
    model_config = ConfigDict(arbitrary_types_allowed=True)

    definition: Annotated[
        str | None, _says("Path of a YAML or JSON definition, relative to this component.")
    ] = None
    cluster: Annotated[
        dict[str, Any] | None, _says("The definition itself, in place of a path.")
    ] = None
    key_prefix: Annotated[
        str | list[str] | None, _says("What comes before the definition's name in asset keys.")
    ] = None
    group_name: Annotated[
        str | None, _says("The assets' group; the definition's name unless given.")
    ] = None
    deps: Annotated[list[dg.ResolvedAssetKey], _says("The assets that write the documents.")] = (
        Field(default_factory=list)
    )
    owners: Annotated[
        list[str], _says("E-mail addresses, or `team:name`; the same for every asset.")
    ] = Field(default_factory=list)
    tags: Annotated[dict[str, str], _says("The same for every asset.")] = Field(
        default_factory=dict
    )
    automation_condition: Annotated[
        dg.AutomationCondition[dg.AssetKey] | None,
        _says("When the graph is run by itself; the same for every asset.", str | None),
    ] = None
    freshness_policy: Annotated[
        dg.FreshnessPolicy | None, _says("How old `published` may become.", str | None)
    ] = None
    resources: Annotated[
        dict[str, Any], _says("Outside systems of your own; the environment says the others.")
    ] = Field(default_factory=dict)

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """How ``dg`` lists it."""
        return dg.ComponentTypeSpec(
            description=cls.__doc__,
            tags=["clustering", "qdrant"],
            produces=["asset", "asset_check", "job", "resource"],
        )

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """The attributes, with the whole definition in their schema."""
        model = cls.model()
        return create_model(model.__name__, __base__=(_WithRequest, model))

    @staticmethod
    @dg.template_var
    def env_var() -> Callable[[str], dg.EnvVar]:
        """``{{ env_var('QDRANT_API_KEY') }}`` is read when a run begins, and never shown."""
        return dg.EnvVar

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The definition's assets, checks, job and resources."""
        if (self.cluster is None) == (self.definition is None):
            message = (
                f"{context.path} has {'no definition' if self.cluster is None else 'two'}: "
                "write it below `cluster`, or name its file as `definition`"
            )
            raise InvalidDefinition(message)
        return cluster_definitions(
            context.path / self.definition if self.definition else self.cluster or {},
            key_prefix=self.key_prefix or (),
            group_name=self.group_name,
            deps=self.deps,
            owners=self.owners,
            tags=self.tags,
            automation_condition=self.automation_condition,
            freshness_policy=self.freshness_policy,
            resources=self.resources,
        )
