"""What ``dg`` knows of the component before it loads one: its schema, and how one begins."""

import json
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster.components.component_scaffolding import scaffold_component
from pydantic import BaseModel, Field

from clustering_pipeline.model.algorithms.registry import PARAMS
from clustering_pipeline.model.definitions.create import CreateClusterRequest

Schema = dict[str, Any]
_REQUEST = CreateClusterRequest.__name__
_NULL = {"type": "null"}


def with_request(
    attributes: Schema, parts: Mapping[str, type[dg.ConfigurableResource[Any]]]
) -> Schema:
    """The JSON schema of the component's attributes, with the whole definition in it.

    What is wrong is to be named, so that nothing is one of several alternatives in it: of those a
    validator says only that none fits.
    """
    request = _named(CreateClusterRequest.model_json_schema())
    definitions = request.pop("$defs")
    _tie_parameters(definitions["VectorConfig"])
    definitions[_REQUEST] = {**request, "required": ["cluster_name"]}
    own = {"cluster": {"$ref": f"#/$defs/{_REQUEST}"}, "resources": _parts_schema(parts)}
    properties = attributes["properties"]
    for name, schema in own.items():
        properties[name] = {"description": properties[name]["description"], **schema}
    by_path = {"required": ["definition"]}
    return {
        **attributes,
        "$defs": {**attributes.get("$defs", {}), **definitions},
        "if": {"not": by_path},
        "then": {"required": ["cluster"]},
    }


def _named(schema: Any) -> Any:
    """Null or something is something where it is not null."""
    if isinstance(schema, list):
        return [_named(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    named = {key: _named(value) for key, value in schema.items()}
    choices = named.get("anyOf", [])
    if len(choices) == 2 and choices[1] == _NULL:
        del named["anyOf"]
        named |= {"if": {"not": _NULL}, "then": choices[0]}
    return named


def _tie_parameters(vectors: Schema) -> None:
    """Each method takes its own parameters."""
    vectors["allOf"] = [
        {
            "if": {
                "properties": {
                    "clustering_method": {"const": method},
                    "algorithm_params": {"type": "object"},
                },
                "required": ["clustering_method", "algorithm_params"],
            },
            "then": {"properties": {"algorithm_params": _flat(params)}},
        }
        for method, params in PARAMS.items()
    ]


def _flat(model: type[BaseModel]) -> Schema:
    """A schema that stands by itself."""
    schema = _named(model.model_json_schema())
    definitions = schema.pop("$defs", {})

    def inlined(node: Any) -> Any:
        if isinstance(node, list):
            return [inlined(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return inlined(definitions[node["$ref"].rpartition("/")[2]])
        return {key: inlined(value) for key, value in node.items()}

    return inlined(schema)


def _parts_schema(parts: Mapping[str, type[dg.ConfigurableResource[Any]]]) -> Schema:
    return {
        "type": ["object", "string", "null"],
        "additionalProperties": False,
        "properties": {
            name: {
                "type": ["object", "string"],
                "description": part.__doc__,
                "additionalProperties": False,
                "properties": {
                    field: {"description": info.description or ""}
                    for field, info in part.model_fields.items()
                },
            }
            for name, part in parts.items()
        },
    }


class ScaffoldParams(BaseModel):
    """What ``dg scaffold defs`` asks for."""

    collection: str = Field(default="my_collection", description="The collection to cluster.")
    feature_uri: str = Field(
        default="mixpeek://text_extractor@v1/embedding",
        description="The vector to cluster, as mixpeek://extractor@version/output.",
    )


class ClusterScaffolder(dg.Scaffolder[ScaffoldParams]):
    """Begins a component: a definition, and comments on what else there is."""

    @classmethod
    def get_scaffold_params(cls) -> type[ScaffoldParams]:
        """See ``ScaffoldParams``."""
        return ScaffoldParams

    def scaffold(self, request: dg.ScaffoldRequest[ScaffoldParams]) -> None:
        """Writes ``defs.yaml``, or ``component.py`` where Python is asked for."""
        if request.scaffold_format == "python":
            scaffold_component(request)
            return
        name = request.target_path.parent.name if request.append else request.target_path.name
        text = _DEFS_YAML.format(
            type=request.type_name,
            name=json.dumps(name),
            collection=json.dumps(request.params.collection),
            feature_uri=json.dumps(request.params.feature_uri),
        )
        path = request.target_path if request.append else request.target_path / "defs.yaml"
        with path.open("a" if request.append else "w") as file:
            file.write(f"---\n{text}" if request.append else text)


_DEFS_YAML = """\
type: {type}

attributes:
  # What to cluster, how, and where the results go.  `definition: topics.yaml` in place of it
  # names a file beside this one.
  cluster:
    # The assets and their job are named after it; stored definitions are told apart by it.
    cluster_name: {name}
    collection_ids: [{collection}]
    vector_config:
      feature_uri: {feature_uri}
      # hdbscan, kmeans, leiden, agglomerative, ...: `dg check yaml` lists them and what they take.
      clustering_method: hdbscan
      # algorithm_params: {{min_cluster_size: 15}}
    # filters: {{language: en}}
    # enrich_source_collection: true

  # The assets that write the documents.
  # deps: [ingestion/documents]
  # key_prefix: [marketing]
  # group_name: topics
  # owners: [team:search]
  # tags: {{domain: search}}
  # automation_condition: "{{{{ dg.AutomationCondition.eager() }}}}"
  # freshness_policy: "{{{{ dg.FreshnessPolicy.cron(deadline_cron='0 9 * * 1', \
lower_bound_delta=datetime.timedelta(days=1)) }}}}"

  # Outside systems; what is left out is what the environment says (CLUSTERING_QDRANT_URL, ...).
  # resources:
  #   qdrant:
  #     url: "{{{{ env_var('QDRANT_URL') }}}}"
  #     api_key: "{{{{ env_var('QDRANT_API_KEY') }}}}"
"""
