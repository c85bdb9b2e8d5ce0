import io

import numpy as np
import pytest
from PIL import Image

from clustering_pipeline.report import MapPoints, map_png
from clustering_pipeline_tests.report.points import blobs


def picture(points: MapPoints, title: str = "A map") -> Image.Image:
    return Image.open(io.BytesIO(map_png(points, title=title)))


@pytest.mark.parametrize(
    "points",
    [
        pytest.param(
            MapPoints(positions=np.zeros((0, 2)), labels=np.zeros(0, np.int64)), id="no-point"
        ),
        pytest.param(MapPoints(positions=np.zeros((1, 2)), labels=np.array([0])), id="one-point"),
        pytest.param(MapPoints(positions=np.zeros((9, 2)), labels=np.full(9, -1)), id="all-noise"),
        pytest.param(blobs(groups=3, dimensions=3, noise=2), id="space"),
        pytest.param(blobs(groups=60, each=20), id="sixty-groups"),
    ],
)
def test_any_map_becomes_a_picture(points):
    assert picture(points).size == (1000, 720)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("$not$ maths_{", id="dollars"),
        pytest.param("社会保障 · 医療", id="japanese"),
        pytest.param("ระบบประกันสังคม", id="thai"),
        pytest.param("\U0001f4a1 ideas \U00013000", id="beyond-any-font"),
    ],
)
def test_names_in_any_script_are_drawn_without_a_warning(name):
    assert picture(blobs(groups=1, names={0: name}), title=name).size == (1000, 720)


def test_a_busy_picture_stays_small():
    generator = np.random.default_rng(0)
    labels = generator.integers(-1, 60, size=30_000)
    points = MapPoints(positions=generator.normal(size=(30_000, 2)), labels=labels)
    assert len(map_png(points, title="Busy")) < 200_000


def test_labels_are_drawn():
    bare = picture(blobs(groups=1, names={0: " "}, noise=0))
    named = picture(blobs(groups=1, names={0: "WWWWWWWWWWWWWWWW"}))
    dark = [np.asarray(one.convert("L")).__lt__(90).sum() for one in (bare, named)]
    assert dark[1] > dark[0] + 300
