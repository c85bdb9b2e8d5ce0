"""A definition kept as code: its own asset keys and group, its record kept equal to the file."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clustering_pipeline.defs.graph import Context, Graph
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.validation import read_mapping, validate
from clustering_pipeline.model.errors import InvalidDefinition
from clustering_pipeline.model.ids import run_id_of
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.pipeline.run.pipeline import Pipeline

Source = CreateClusterRequest | Mapping[str, Any] | str | Path


def fixed_definition(source: Source, *, scope: Scope = LOCAL) -> Graph:
    """The graph of one definition given as a YAML or JSON file, a mapping, or a request.

    Raises InvalidDefinition when it breaks a rule or has no ``cluster_name``: the name is what
    ties the assets to their record.
    """
    request = read_definition(source)
    if not request.cluster_name:
        message = "a definition kept as code needs a cluster_name; its assets are named after it"
        raise InvalidDefinition(message)
    name = asset_name(request.cluster_name)

    def cluster_of(context: Context, pipeline: Pipeline, graph: Graph) -> str:
        # The first stage applies the file; what it began is what the others go on with.
        run_id = run_id_of(context.run.run_id, graph.part(context))
        begun = pipeline.catalog.executions.find(run_id)
        if begun is not None and begun.spec and begun.spec.cluster_name == request.cluster_name:
            return begun.cluster_id
        return pipeline.catalog.clusters.apply(scope, request).cluster_id

    return Graph(
        group_name=name, key_prefix=(name,), cluster_of=cluster_of, enriches=request.enriches
    )


def read_definition(source: Source) -> CreateClusterRequest:
    """The request in a file or a mapping, validated."""
    if isinstance(source, CreateClusterRequest):
        return source
    if isinstance(source, str | Path):
        return validate(CreateClusterRequest, read_mapping(Path(source)))
    return validate(CreateClusterRequest, dict(source))


def asset_name(cluster_name: str) -> str:
    """The name as Dagster takes it: letters, digits and underscores."""
    return re.sub(r"\W+", "_", cluster_name, flags=re.ASCII).strip("_").lower() or "cluster"
