"""When two groups are the same face."""

from pydantic import Field

from clustering_pipeline.model.base import RequestModel
from clustering_pipeline.model.parameters import Share


class FaceClusterMergeConfig(RequestModel):
    """Two groups join when their centroids are near and either boxes or scenes agree."""

    enabled: bool = True
    """False keeps the settings and does nothing."""
    centroid_cosine_threshold: Share = 0.55
    """Cosine that two centroids must reach."""
    bbox_iou_threshold: Share = 0.4
    """Mean overlap of boxes on frames both groups have, one of the two signs."""
    scene_jaccard_threshold: Share = 0.3
    """Jaccard similarity of the scenes of both groups, the other sign."""
    bbox_field: str = Field(default="bbox", min_length=1)
    """Payload field of the box."""
    frame_field: str = Field(default="frame_number", min_length=1)
    """Payload field of the frame."""
    scene_field: str = Field(default="scene_id", min_length=1)
    """Payload field of the scene."""
