"""A definition as the catalog keeps it."""

from typing import Any

from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest, ExecutionMode
from clustering_pipeline.model.definitions.spec import ClusterSpec, overridden
from clustering_pipeline.model.definitions.state import ClusterState
from clustering_pipeline.model.definitions.views import ClusterMetadata, ClusterModel
from clustering_pipeline.model.errors import InvalidRequest, public_category
from clustering_pipeline.model.scope import Owner, Scoped
from clustering_pipeline.model.status import ClusterStatus


class ClusterRecord(Scoped):
    """What the client wrote (``spec``), what runs found (``state``), and who runs it (``claim``).

    ``version`` grows with every change of ``spec`` or ``state``.
    """

    cluster_id: str
    version: int = 1
    spec: CreateClusterRequest
    state: ClusterState
    claim: Owner | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return self.spec.cluster_name or self.cluster_id

    @property
    def status(self) -> ClusterStatus:
        """Of its last execution, unless it is archived."""
        return ClusterStatus.ARCHIVED if self.state.archived_at else self.state.status

    def resolved(self, overrides: ExecuteClusterByIdRequest | None = None) -> ClusterSpec:
        """What a run uses; raises ``InvalidRequest`` when an override does not fit.

        A composite definition makes composite runs, unless another mode than full is asked for.
        """
        given = overrides or ExecuteClusterByIdRequest()
        mode = _mode(self.spec, given)
        return ClusterSpec(
            cluster_id=self.cluster_id,
            cluster_name=self.name,
            organization_id=self.organization_id,
            namespace_id=self.namespace_id,
            version=self.version,
            definition=overridden(self.spec, given),
            mode=mode,
            assignment_threshold=given.assignment_threshold,
            from_pool=given.from_pool,
            source_execution_ids=given.source_execution_ids or None,
            defer_visualization=bool(given.defer_visualization),
        )

    def metadata(self) -> ClusterMetadata:
        """The flat view."""
        fields = self.state.model_dump() | _written(self.spec) | _vectors(self.spec)
        return ClusterMetadata.model_validate(
            {
                **fields,
                **_attributes(self.spec),
                "cluster_id": self.cluster_id,
                "cluster_name": self.name,
                "organization_id": self.organization_id,
                "namespace_id": self.namespace_id,
                "failure_category": public_category(self.state.failure_category),
                "last_execution_task_id": self.state.task_id,
                "status": self.status,
            }
        )

    def model(self) -> ClusterModel:
        """The nested view."""
        fields = self.state.model_dump() | self.spec.model_dump()
        own = {"cluster_id": self.cluster_id, "status": self.status}
        return ClusterModel.model_validate({**fields, **own})


def _mode(spec: CreateClusterRequest, overrides: ExecuteClusterByIdRequest) -> ExecutionMode:
    """Raises InvalidRequest for what a run of that mode would pass over."""
    mode = "composite" if spec.source_cluster_ids and overrides.mode == "full" else overrides.mode
    if overrides.source_execution_ids and mode != "composite":
        message = f"source_execution_ids are for mode 'composite', not for mode {mode!r}"
        raise InvalidRequest(message)
    if overrides.from_pool and mode != "full":
        message = f"from_pool is for mode 'full', not for mode {mode!r}"
        raise InvalidRequest(message)
    return mode


def _written(spec: CreateClusterRequest) -> dict[str, Any]:
    return spec.model_dump() | {
        "input_collections": list(spec.collection_ids or ()),
        "enrich_source": spec.enriches,
    }


def _vectors(spec: CreateClusterRequest) -> dict[str, Any]:
    config = spec.vector_config
    if config is None or spec.cluster_type == "attribute":
        algorithm = "attribute_based" if spec.cluster_type == "attribute" else None
        return dict.fromkeys(_VECTOR_FIELDS) | {"algorithm": algorithm}
    return {name: getattr(config, name) for name in _VECTOR_FIELDS if hasattr(config, name)} | {
        "algorithm": config.clustering_method,
        "algorithm_params": dict(config.given_params) or None,
        "feature_uris": list(config.uris) or None,
        "hierarchical_vector": config.hierarchical,
        "preprocessing_steps": _steps(spec),
    }


def _steps(spec: CreateClusterRequest) -> list[dict[str, Any]] | None:
    steps = spec.vector_config.preprocessing_steps if spec.vector_config else None
    return None if steps is None else [step.model_dump() for step in steps]


def _attributes(spec: CreateClusterRequest) -> dict[str, Any]:
    config = spec.attribute_config
    by_vectors = spec.cluster_type == "vector"
    unused = by_vectors and (
        spec.vector_config is None or spec.vector_config.clustering_method != "attribute_based"
    )
    if config is None or unused:
        return dict.fromkeys(_ATTRIBUTE_FIELDS)
    return {
        "clustered_attributes": config.attributes,
        "hierarchical_grouping": config.hierarchical_grouping,
        "aggregation_method": config.aggregation_method,
    }


_VECTOR_FIELDS = (
    "algorithm_params",
    "effective_feature_method",
    "face_cluster_merge",
    "feature_uris",
    "hierarchical_vector",
    "layout_stability",
    "max_hierarchy_depth",
    "multi_feature_strategy",
    "preprocessing_steps",
    "sample_size",
    "vis_n_components",
)
_ATTRIBUTE_FIELDS = ("clustered_attributes", "hierarchical_grouping", "aggregation_method")
