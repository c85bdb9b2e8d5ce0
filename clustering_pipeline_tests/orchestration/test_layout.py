"""The map stays where it was, as far as the documents do."""

import numpy as np
import polars as pl
import pytest

from clustering_pipeline.model.definition import ExecuteClusterByIdRequest
from clustering_pipeline.model.errors import NotAvailableYet
from clustering_pipeline_tests.orchestration.planted import planted
from clustering_pipeline_tests.orchestration.world import KMEANS, Ran, World

SIZES = {"sea": 40, "kitchen": 30, "space": 30}


def places(world: World, ran: Ran) -> pl.DataFrame:
    table = world.pipeline.artifacts.read_frame(ran.execution.members_key)
    return table.select("point_id", "x", "y").sort("point_id")


def moved(before: pl.DataFrame, after: pl.DataFrame) -> float:
    """How far documents of both moved, against the width of the map."""
    both = before.join(after, on="point_id", suffix="_after")
    old, new = both.select("x", "y").to_numpy(), both.select("x_after", "y_after").to_numpy()
    return float(np.linalg.norm(new - old, axis=1).mean() / np.ptp(old, axis=0).max())


@pytest.fixture(scope="module")
def first(world: World) -> Ran:
    return world.execute(world.define(world.collection(planted(sizes=SIZES)), KMEANS))


def test_the_first_map_has_nothing_to_follow(first):
    shown = first.execution
    assert (shown.layout_stability_applied, shown.layout_stability_reason) == (
        "none",
        "there is no earlier map",
    )


def test_the_same_documents_do_not_move_at_all(world, first):
    again = world.execute(first.cluster)
    assert places(world, again).equals(places(world, first))
    assert again.execution.layout_stability_applied == "align"


def test_more_documents_move_the_others_little(world):
    collection = world.collection(planted(sizes=SIZES))
    cluster = world.define(collection, KMEANS)
    before = world.execute(cluster)
    world.add(collection.qdrant_collection, planted(sizes={"court": 60}, seed=9, first_id=1_000))
    after = world.execute(cluster)
    request = ExecuteClusterByIdRequest(layout_stability="none")
    free = world.execute(cluster, request=request)
    assert after.execution.layout_stability_reason == (
        f"100 documents are on the map of {before.run_id} too"
    )
    assert free.execution.layout_stability_applied == "none"
    assert moved(places(world, before), places(world, after)) <= moved(
        places(world, before), places(world, free)
    )


def test_a_map_of_other_dimensions_is_drawn_anew(world):
    cluster = world.define(world.collection(planted(sizes=SIZES)), KMEANS)
    flat = world.execute(cluster)
    deep = world.execute(cluster, request=ExecuteClusterByIdRequest(vis_n_components=3))
    assert deep.execution.layout_stability_reason == f"the map of {flat.run_id} has 2 dimensions"


def test_a_saved_reducer_is_not_there_yet(world):
    with pytest.raises(NotAvailableYet, match="layout_stability"):
        world.define(
            world.collection(planted(sizes=SIZES)), KMEANS | {"layout_stability": "transform"}
        )
