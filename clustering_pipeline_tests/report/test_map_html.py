import json
import re

import numpy as np
import pytest

from clustering_pipeline.report import MapPoints, write_map
from clustering_pipeline_tests.report.points import blobs


def figure(page: bytes) -> dict:
    return json.loads(re.search(r"const figure = (.*);\nconst map", page.decode()).group(1))


def traces(points: MapPoints, **options) -> list[dict]:
    return figure(write_map(points, title="A map", **options))["data"]


def test_a_map_without_points_is_still_a_page():
    page = write_map(
        MapPoints(positions=np.zeros((0, 2)), labels=np.zeros(0, np.int64)), title="Nothing"
    )
    assert figure(page)["data"] == []
    assert "documents: 0 · groups: 0" in figure(page)["layout"]["title"]["text"]


def test_one_point_makes_one_trace():
    points = MapPoints(
        positions=np.array([[1.5, -2.0]]), labels=np.array([0]), names={0: "alone"}, texts=["hello"]
    )
    (trace,) = traces(points)
    assert (trace["name"], trace["x"], trace["y"]) == ("alone (1)", [1.5], [-2.0])
    assert trace["text"] == ["hello"]


def test_every_group_has_a_trace_of_its_own_and_noise_is_grey_and_listed_last():
    drawn = traces(blobs(groups=3, noise=4, names={0: "zero", 1: "one"}))
    listed = sorted(drawn, key=lambda trace: trace["legendrank"])
    assert [trace["name"] for trace in listed] == [
        "zero (8)",
        "one (7)",
        "Cluster 2 (6)",
        "noise (4)",
    ]
    assert drawn[0]["name"] == "noise (4)", "beneath the groups"
    assert listed[-1]["marker"]["color"] == "#c4c8cf"


def test_sixty_groups_have_sixty_colours():
    colors = {trace["marker"]["color"] for trace in traces(blobs(groups=60))}
    assert len(colors) == 60


@pytest.mark.parametrize(
    ("dimensions", "kind", "axes"),
    [
        pytest.param(2, "scattergl", "xy", id="plane"),
        pytest.param(3, "scatter3d", "xyz", id="space"),
    ],
)
def test_positions_decide_plane_or_space(dimensions, kind, axes):
    (trace,) = traces(blobs(groups=1, dimensions=dimensions))
    assert trace["type"] == kind
    assert all(axis in trace for axis in axes)


def test_no_text_or_label_can_leave_its_place():
    evil = "</script><script>alert(1)</script> <b>bold</b> %{x} \u2028"
    points = blobs(groups=1, names={0: evil}, texts=[evil] * 6)
    page = write_map(points, title=evil).decode()
    body = page[page.index("<body>") :]
    assert body.count("<script>") == 1
    assert "<b>bold" not in json.dumps(figure(page.encode()))
    assert "%{x}" not in figure(page.encode())["data"][0]["hovertemplate"].replace("%{text}", "")


def test_long_texts_are_cut_and_wrapped():
    (trace,) = traces(blobs(groups=1, texts=["word " * 400] * 6))
    lines = trace["text"][0].split("<br>")
    assert max(map(len, lines)) <= 60
    assert len(lines) <= 6


def test_a_large_map_draws_an_even_part_of_every_group_and_says_so():
    points = blobs(groups=4, each=500)
    page = write_map(points, title="Large", most_points=400)
    sizes = [len(trace["x"]) for trace in figure(page)["data"]]
    assert sum(sizes) == 400
    assert min(sizes) >= 90
    assert "drawn: 400" in figure(page)["layout"]["title"]["text"]


def test_the_page_asks_the_network_for_nothing():
    page = write_map(blobs(groups=2), title="Alone").decode()
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", page)
