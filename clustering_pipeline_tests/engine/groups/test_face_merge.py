"""Made-up faces whose right answer is known."""

import numpy as np
import pytest

from clustering_pipeline.engine import merge_faces
from clustering_pipeline.engine.groups.face_merge import box_overlap, parse_box
from clustering_pipeline.model.definitions.vector_config import FaceClusterMergeConfig

HERE, NEAR, AWAY = [0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]
FACE, SAME_FACE, OTHER_FACE = [1.0, 0.0], [0.8, 0.6], [0.0, 1.0]


def sighting(box=None, frame=None, scene=None):
    return {"bbox": box, "frame_number": frame, "scene_id": scene}


def merged(*groups, **config):
    """Merge groups of two documents; each is given as (vector, sighting, sighting)."""
    vectors = [vector for vector, *_ in groups for _ in range(2)]
    payloads = [payload for _, *payloads in groups for payload in payloads]
    labels = np.repeat(np.arange(len(groups)), 2)
    return merge_faces(np.array(vectors), labels, payloads, FaceClusterMergeConfig(**config))


def test_near_faces_in_overlapping_boxes_are_one():
    found = merged(
        (FACE, sighting(HERE, 1), sighting(HERE, 2)),
        (SAME_FACE, sighting(NEAR, 1), sighting(AWAY, 9)),
    )
    assert found.labels.tolist() == [0, 0, 0, 0]
    (join,) = found.joins
    assert join.cosine == pytest.approx(0.8)
    assert join.box_overlap == pytest.approx(8 / 12)
    assert join.scene_overlap is None


def test_near_faces_in_the_same_scenes_are_one():
    found = merged(
        (FACE, sighting(scene="a"), sighting(scene="b")),
        (SAME_FACE, sighting(scene="b"), sighting(scene="b")),
    )
    assert found.labels.tolist() == [0, 0, 0, 0]
    assert found.joins[0].scene_overlap == 0.5


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        pytest.param((OTHER_FACE, sighting(HERE, 1), sighting(HERE, 2)), "another face", id="face"),
        pytest.param((SAME_FACE, sighting(AWAY, 1), sighting(AWAY, 2)), "elsewhere", id="boxes"),
        pytest.param((SAME_FACE, sighting(HERE, 7), sighting(HERE, 8)), "no frame", id="frames"),
        pytest.param((SAME_FACE, sighting(), sighting()), "nothing known", id="nothing"),
    ],
)
def test_without_both_signs_groups_stay_apart(second, reason):
    found = merged((FACE, sighting(HERE, 1), sighting(HERE, 2)), second)
    assert found.labels.tolist() == [0, 0, 1, 1], reason
    assert found.joins == ()


def test_a_frame_counts_within_its_scene():
    found = merged(
        (FACE, sighting(HERE, 1, "a"), sighting(HERE, 1, "a")),
        (SAME_FACE, sighting(HERE, 1, "b"), sighting(HERE, 1, "b")),
    )
    assert found.joins == ()


@pytest.mark.parametrize(
    ("config", "joined"),
    [
        pytest.param({}, True, id="defaults"),
        pytest.param({"enabled": False}, False, id="switched-off"),
        pytest.param({"centroid_cosine_threshold": 0.81}, False, id="cosine-too-small"),
        pytest.param({"centroid_cosine_threshold": 0.79}, True, id="cosine-reached"),
        pytest.param({"bbox_iou_threshold": 0.67}, False, id="boxes-overlap-too-little"),
        pytest.param({"bbox_iou_threshold": 0.66}, True, id="boxes-overlap-enough"),
    ],
)
def test_every_threshold_counts(config, joined):
    first = (FACE, sighting(HERE, 1), sighting(HERE, 2))
    second = (SAME_FACE, sighting(NEAR, 1), sighting(NEAR, 2))
    assert bool(merged(first, second, **config).joins) is joined


def test_what_is_joined_to_one_is_joined_to_all():
    angles = [0.0, 0.8, 1.6]
    faces = [[np.cos(angle), np.sin(angle)] for angle in angles]
    groups = [(face, sighting(scene="a"), sighting(scene="a")) for face in faces]
    found = merged(*groups)
    assert [(join.first, join.second) for join in found.joins] == [(0, 1), (1, 2)]
    assert found.labels.tolist() == [0] * 6
    assert found.before == 3


def test_noise_stays_noise():
    vectors = np.array([FACE, SAME_FACE, FACE])
    payloads = [sighting(scene="a")] * 3
    assert merge_faces(vectors, [0, 1, -1], payloads).labels.tolist() == [0, 0, -1]


def test_fields_may_have_other_names_and_paths():
    payloads = [{"face": {"box": HERE, "at": 3}}, {"face": {"box": HERE, "at": 3}}]
    config = FaceClusterMergeConfig(bbox_field="face.box", frame_field="face.at")
    found = merge_faces(np.array([FACE, SAME_FACE]), [0, 1], payloads, config)
    assert found.labels.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("value", "box"),
    [
        pytest.param([1, 2, 3, 4], (1, 2, 3, 4), id="corners"),
        pytest.param({"x1": 1, "y1": 2, "x2": 3, "y2": 4}, (1, 2, 3, 4), id="named-corners"),
        pytest.param({"x": 1, "y": 2, "width": 3, "height": 4}, (1, 2, 4, 6), id="extent"),
        pytest.param([3, 2, 1, 4], None, id="inside-out"),
        pytest.param([1, 2, 3], None, id="three-numbers"),
        pytest.param(["1", 2, 3, 4], None, id="text-inside"),
        pytest.param("1234", None, id="text"),
        pytest.param({"x": "a", "y": 1, "width": 1, "height": 1}, None, id="text-in-extent"),
        pytest.param({"x": 1}, None, id="incomplete"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_boxes_are_read_in_the_usual_forms(value, box):
    assert parse_box(value) == box


def test_overlap_of_boxes():
    assert box_overlap((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert box_overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert box_overlap((0, 0, 1, 1), (1, 0, 2, 1)) == 0


def test_scenes_and_frames_may_be_any_values_of_json():
    found = merged(
        (FACE, sighting(HERE, [1], ["a"]), sighting(HERE, {"at": 2}, {"part": 1})),
        (SAME_FACE, sighting(AWAY, [1], ["a"]), sighting(AWAY, {"at": 2}, {"part": 1})),
    )
    assert (found.joins[0].box_overlap, found.joins[0].scene_overlap) == (0.0, 1.0)
