"""A cluster definition: as clients write it, change it, and as a run uses it."""

from clustering_pipeline.model.create_request import ClusterType, CreateClusterRequest
from clustering_pipeline.model.execute_request import ExecuteClusterByIdRequest
from clustering_pipeline.model.patch_request import PatchClusterRequest, patched
from clustering_pipeline.model.spec import ClusterSpec, overridden

__all__ = [
    "ClusterSpec",
    "ClusterType",
    "CreateClusterRequest",
    "ExecuteClusterByIdRequest",
    "PatchClusterRequest",
    "overridden",
    "patched",
]
