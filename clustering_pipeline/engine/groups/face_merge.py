"""Join groups that show one face: near centroids, and boxes or scenes that agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.groups.attributes import key_of, value_at
from clustering_pipeline.engine.groups.centroids import centroids, members_of
from clustering_pipeline.engine.groups.numbering import canonical
from clustering_pipeline.engine.vectors import Labels, as_vectors, unit_rows
from clustering_pipeline.model.definitions.vector_config import FaceClusterMergeConfig
from clustering_pipeline.model.filters.tree import split_path

Box: TypeAlias = tuple[float, float, float, float]
CORNERS = (("x1", "y1", "x2", "y2"), ("xmin", "ymin", "xmax", "ymax"))
EXTENT = ("x", "y", "width", "height")


@dataclass(frozen=True, kw_only=True)
class Join:
    """Two groups, by their numbers before the merge, and the signals that joined them."""

    first: int
    second: int
    cosine: float
    box_overlap: float | None
    scene_overlap: float | None


@dataclass(frozen=True, kw_only=True)
class Merge:
    """``labels`` (n,) int64 in canonical numbers, ``before`` and ``joins`` for the record."""

    labels: Labels
    before: int
    joins: tuple[Join, ...]


@dataclass(frozen=True, kw_only=True)
class Sightings:
    """Where a group was seen: its boxes by frame, and its scenes."""

    boxes: Mapping[str, list[Box]]
    scenes: frozenset[str]


def merge_faces(
    vectors: ArrayLike,
    labels: ArrayLike,
    payloads: Sequence[Mapping[str, Any]],
    config: FaceClusterMergeConfig | None = None,
) -> Merge:
    """Join two groups when the cosine of their centroids reaches its threshold and either the mean
    overlap of their boxes, on frames both have, or the Jaccard index of their scenes reaches its
    own.  What is joined to one is joined to all it is joined to.
    """
    config = config or FaceClusterMergeConfig()
    points, groups = as_vectors(vectors), np.asarray(labels, dtype=np.int64)
    members = members_of(groups)
    if not config.enabled or len(members) < 2:
        return Merge(labels=canonical(groups), before=len(members), joins=())
    units = unit_rows(centroids(points, groups).vectors.astype(np.float64))
    seen = [_sightings([payloads[row] for row in rows], config) for rows in members]
    near = units @ units.T
    pairs = np.argwhere(np.triu(near >= config.centroid_cosine_threshold, k=1)).tolist()
    candidates = (_join(first, second, float(near[first, second]), seen) for first, second in pairs)
    joins = tuple(join for join in candidates if _agrees(join, config))
    target = _joined(len(members), joins)
    merged = np.where(groups >= 0, target[np.maximum(groups, 0)], groups)
    return Merge(labels=canonical(merged), before=len(members), joins=joins)


def box_overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes (left, top, right, bottom)."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    common = max(width, 0) * max(height, 0)
    union = _area(first) + _area(second) - common
    return common / union if union > 0 else 0.0


def parse_box(value: Any) -> Box | None:
    """A box as corners: from a list of four, or from a mapping of corners or of x, y, width and
    height; None when it is neither, or empty.
    """
    if isinstance(value, Mapping):
        return _box_of_mapping(value)
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 4:
        return _corners(value)
    return None


def _box_of_mapping(value: Mapping[str, Any]) -> Box | None:
    for names in CORNERS:
        if all(name in value for name in names):
            return _corners([value[name] for name in names])
    if not all(name in value for name in EXTENT):
        return None
    left, top, width, height = (value[name] for name in EXTENT)
    if not all(isinstance(part, int | float) for part in (left, top, width, height)):
        return None
    return _corners([left, top, left + width, top + height])


def _corners(values: Sequence[Any]) -> Box | None:
    if not all(isinstance(value, int | float) for value in values):
        return None
    left, top, right, bottom = (float(value) for value in values)
    return (left, top, right, bottom) if right > left and bottom > top else None


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _sightings(payloads: Sequence[Mapping[str, Any]], config: FaceClusterMergeConfig) -> Sightings:
    box, frame, scene = (
        split_path(field) for field in (config.bbox_field, config.frame_field, config.scene_field)
    )
    boxes: dict[str, list[Box]] = {}
    for payload in payloads:
        area, where = parse_box(value_at(payload, box)), value_at(payload, frame)
        if area is not None and where is not None:
            # Frames are counted within a scene, where there are scenes.
            boxes.setdefault(key_of([value_at(payload, scene), where]), []).append(area)
    scenes = (value_at(payload, scene) for payload in payloads)
    return Sightings(
        boxes=boxes, scenes=frozenset(key_of(name) for name in scenes if name is not None)
    )


def _join(first: int, second: int, cosine: float, seen: Sequence[Sightings]) -> Join:
    return Join(
        first=first,
        second=second,
        cosine=cosine,
        box_overlap=_mean_overlap(seen[first].boxes, seen[second].boxes),
        scene_overlap=_scene_overlap(seen[first].scenes, seen[second].scenes),
    )


def _mean_overlap(first: Mapping[str, list[Box]], second: Mapping[str, list[Box]]) -> float | None:
    """Over the frames both have, the mean of each frame's best pair of boxes."""
    shared = [frame for frame in first if frame in second]
    if not shared:
        return None
    best = [
        max(box_overlap(own, other) for own in first[frame] for other in second[frame])
        for frame in shared
    ]
    return float(np.mean(best))


def _scene_overlap(first: frozenset[str], second: frozenset[str]) -> float | None:
    return len(first & second) / len(first | second) if first and second else None


def _agrees(join: Join, config: FaceClusterMergeConfig) -> bool:
    boxes = join.box_overlap is not None and join.box_overlap >= config.bbox_iou_threshold
    scenes = join.scene_overlap is not None and join.scene_overlap >= config.scene_jaccard_threshold
    return boxes or scenes


def _joined(count: int, joins: Sequence[Join]) -> NDArray[np.int64]:
    """For each group the smallest number among those it is joined to, directly or not."""
    target = np.arange(count)
    for join in joins:
        first, second = sorted((target[join.first], target[join.second]))
        target[target == second] = first
    return target
