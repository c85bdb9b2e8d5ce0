"""The ``dg`` component, ``clustering_pipeline.components.ClusterComponent`` in a defs.yaml."""

from typing import Any

import dagster as dg
from pydantic import Field

from clustering_pipeline.as_code import cluster_definitions


class ClusterComponent(dg.Component, dg.Model, dg.Resolvable):
    """One cluster definition as an asset graph of its own."""

    definition: str | None = Field(
        default=None, description="Path of a YAML or JSON definition, relative to this component."
    )
    cluster: dict[str, Any] | None = Field(
        default=None, description="The definition itself, in place of a path."
    )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The definition's assets, checks, job and resource."""
        if self.cluster is not None:
            return cluster_definitions(self.cluster)
        return cluster_definitions(context.path / (self.definition or "cluster.yaml"))
