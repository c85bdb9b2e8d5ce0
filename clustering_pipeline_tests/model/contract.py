"""The facts of the contract (names, types, bounds, defaults), and ours in the same form."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from clustering_pipeline.api import errors as api_errors
from clustering_pipeline.model import collections, listing
from clustering_pipeline.model.algorithms import density, graph, partitioning, preprocessing
from clustering_pipeline.model.automation import triggers
from clustering_pipeline.model.definitions import (
    create,
    enrichment,
    execute,
    labeling,
    one_shot,
    patch,
    state,
    vector_config,
    views,
)
from clustering_pipeline.model.executions import task
from clustering_pipeline.model.executions import views as execution_views

REQUESTS: dict[str, type[BaseModel]] = {
    "CreateClusterRequest": create.CreateClusterRequest,
    "VectorBasedConfigInput": vector_config.VectorConfig,
    "AttributeBasedConfig": vector_config.AttributeConfig,
    "SourceEnrichmentConfig": enrichment.SourceEnrichmentConfig,
    "EnrichmentFieldMapping": enrichment.EnrichmentFieldMapping,
    "FaceClusterMergeConfig": vector_config.FaceClusterMergeConfig,
    "WeightLearningConfig": vector_config.WeightLearningConfig,
    "LLMLabelingInput": labeling.LLMLabeling,
    "LabelingInputs": labeling.LabelingInputs,
    "InputMapping": labeling.InputMapping,
    "PatchClusterRequest": patch.PatchClusterRequest,
    "ExecuteClusterByIdRequest": execute.ExecuteClusterByIdRequest,
    "ListClustersRequest": listing.ListClustersRequest,
    "ListClusterExecutionsRequest": listing.ListClusterExecutionsRequest,
    "SortOption": listing.SortOption,
    "KMeansParams": partitioning.KMeansParams,
    "GaussianMixtureParams": partitioning.GaussianMixtureParams,
    "MeanShiftParams": partitioning.MeanShiftParams,
    "HDBSCANParams": density.HDBSCANParams,
    "DBSCANParams": density.DBSCANParams,
    "OPTICSParams": density.OPTICSParams,
    "AgglomerativeParams": graph.AgglomerativeParams,
    "SpectralParams": graph.SpectralParams,
    "LeidenParams": graph.LeidenParams,
    "EVoCParams": graph.EVoCParams,
    "UMAPParams": preprocessing.UMAPStep,
    "WhiteningParams": preprocessing.WhiteningStep,
    "TSNEParams": preprocessing.TSNEStep,
    "ApplyClusterEnrichmentRequest": execute.ApplyClusterEnrichmentRequest,
    "CreateTriggerRequest": triggers.CreateTriggerRequest,
    "UpdateTriggerRequest": triggers.UpdateTriggerRequest,
    "ListTriggersRequest": triggers.ListTriggersRequest,
    "TriggerHistoryRequest": triggers.TriggerHistoryRequest,
    "TriggerExecutionConfig": triggers.TriggerExecutionConfig,
}
ALGORITHMS = (
    "AgglomerativeParams",
    "DBSCANParams",
    "GaussianMixtureParams",
    "HDBSCANParams",
    "KMeansParams",
    "MeanShiftParams",
    "OPTICSParams",
    "SpectralParams",
)
ONE_SHOT: dict[str, type[BaseModel]] = {
    "ExecuteClusterRequest": one_shot.ExecuteClusterRequest,
    "ClusteringConfig": one_shot.ClusteringConfig,
    "FeatureVectorRef": one_shot.FeatureVectorRef,
    "FeatureAddress": one_shot.FeatureAddress,
    "UMAPParams": one_shot.OneShotUMAP,
    "TSNEParams": one_shot.OneShotTSNE,
    "NoReduction": one_shot.NoReduction,
    "LLMLabeling": one_shot.OneShotLabeling,
    "AttributeBasedConfig": vector_config.AttributeConfig,
    **{name: REQUESTS[name] for name in ALGORITHMS},
}
ONE_SHOT_VIEWS: dict[str, type[BaseModel]] = {
    "ClusterCentroid": one_shot.ClusterCentroid,
    "ExecuteClusterResponse": one_shot.ExecuteClusterResponse,
}
VIEWS: dict[str, type[BaseModel]] = {
    "ClusterMetadata": views.ClusterMetadata,
    "ClusterModel": views.ClusterModel,
    "ClusterStats": state.ClusterStats,
    "ClusterListStats": listing.ClusterListStats,
    "ListClustersResponse": listing.ListClustersResponse,
    "PaginationResponse": listing.PaginationResponse,
    "TaskResponse": task.TaskResponse,
    "ClusterExecutionResult": execution_views.ClusterExecutionResult,
    "ClusterExecutionCentroid": execution_views.ClusterExecutionCentroid,
    "ClusterExecutionMetrics": execution_views.ClusterExecutionMetrics,
    "ClusterExecutionListStats": listing.ClusterExecutionListStats,
    "ListClusterExecutionsResponse": listing.ListClusterExecutionsResponse,
    "ClusterGroupsResponse": execution_views.ClusterGroupsResponse,
    "ClusterGroup": execution_views.ClusterGroup,
    "ClusterApplicationConfig": collections.ClusterApplicationConfig,
    "ClusteringEnrichmentResponse": execute.ClusteringEnrichmentResponse,
    "GenericDeleteResponse": views.GenericDeleteResponse,
    "ErrorResponse": api_errors.ErrorResponse,
    "ErrorDetail": api_errors.ErrorDetail,
    "TriggerModel": triggers.TriggerModel,
    "ListTriggersResponse": triggers.ListTriggersResponse,
    "TriggerHistoryResponse": triggers.TriggerHistoryResponse,
    "TriggerExecutionHistoryItem": triggers.TriggerExecutionHistoryItem,
}
# Read as free-form JSON and checked by their own parsers.
FREE = frozenset({"FilterCondition"})

_BOUNDS = {
    "minimum": "ge",
    "exclusiveMinimum": "gt",
    "maximum": "le",
    "exclusiveMaximum": "lt",
    "minItems": "min_length",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
}
BOUND_NAMES = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")
_KEPT = frozenset({"default", "enum", "pattern"})
_OPEN = frozenset({"any", "object", "string", "integer", "number", "boolean", "null"})


def contract() -> dict[str, dict[str, dict[str, Any]]]:
    """Model to field to facts; where the two sources differ the later one is right."""
    sources = json.loads(Path(__file__).with_name("contract.json").read_text())
    merged = {name: dict(fields) for name, fields in sources["clusters"].items()}
    for name, fields in sources["later"].items():
        known = merged.setdefault(name, {})
        for field, facts in fields.items():
            earlier = known.get(field, {})
            # Where the later one is silent, the earlier one still holds.
            known[field] = {key: earlier[key] for key in _KEPT & earlier.keys()} | facts
    return merged


def one_shot_contract() -> dict[str, dict[str, dict[str, Any]]]:
    """The same of the call without a definition, which keeps defaults of its own."""
    return json.loads(Path(__file__).with_name("contract.json").read_text())["execute"]


def json_types(spelled: str) -> set[str]:
    """The JSON types behind a type as the contract's files spell it."""
    if spelled == "any":
        return set()
    found: set[str] = set()
    for name in spelled.split("|"):
        if name.startswith("list of"):
            found.add("array")
        else:
            found |= {name} if name in _OPEN else _NAMED.get(name, frozenset({"object"}))
    return found


_NAMED = {
    **dict.fromkeys(
        (
            "ClusterType",
            "ClusteringAlgorithm",
            "FailureCategory",
            "LLMProvider",
            "ModelName",
            "ResponseShape",
            "TaskStatusEnum",
            "TaskType",
            "datetime",
        ),
        frozenset({"string"}),
    ),
    "Degenerate": frozenset({"boolean", "string"}),
}


def ours(model: type[BaseModel], *, answered: bool = False) -> dict[str, dict[str, Any]]:
    """Field to facts of one of our models, from its JSON schema: as read, or as answered."""
    schema = model.model_json_schema(mode="serialization" if answered else "validation")
    definitions = schema.get("$defs", {})
    required = schema.get("required", ())
    return {
        name: {
            **_facts(field, definitions),
            "required": name in required,
            "default": field.get("default", _made(model.model_fields.get(name))),
        }
        for name, field in schema["properties"].items()
    }


def _made(field: FieldInfo | None) -> Any:
    """An empty default, which JSON schema does not tell."""
    factory = field.default_factory if field else None
    return factory() if factory in {dict, list} else None


def _facts(field: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {"types": set(), "enum": set()}
    pending = [field]
    while pending:
        part = pending.pop()
        part = definitions[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        pending += [*part.get("anyOf", ()), *part.get("oneOf", ())]
        facts["types"] |= {part["type"]} if "type" in part else set()
        facts["enum"] |= {*part.get("enum", ()), part.get("const")} - {None}
        facts |= {_BOUNDS[key]: part[key] for key in _BOUNDS.keys() & part.keys()}
    return facts
