"""The map stays where it was, as far as the documents do."""

import numpy as np
import polars as pl
import pytest

from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.pipeline.run.columns import axes_of
from clustering_pipeline.service.executions.plan import plan_of
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, Done, World

SIZES = {"sea": 40, "kitchen": 30, "space": 30}


def places(world: World, ran: Done) -> pl.DataFrame:
    table = world.pipeline.artifacts.read_frame(ran.execution.members_key)
    return table.select("point_id", "x", "y").sort("point_id")


def moved(before: pl.DataFrame, after: pl.DataFrame) -> float:
    """How far documents of both moved, against the width of the map."""
    both = before.join(after, on="point_id", suffix="_after")
    old, new = both.select("x", "y").to_numpy(), both.select("x_after", "y_after").to_numpy()
    return float(np.linalg.norm(new - old, axis=1).mean() / np.ptp(old, axis=0).max())


@pytest.fixture(scope="module")
def first(world: World) -> Done:
    return world.run(world.define(world.collection(planted(sizes=SIZES)), KMEANS))


def test_the_first_map_has_nothing_to_follow(first):
    shown = first.execution
    assert (shown.layout_stability_applied, shown.layout_stability_reason) == (
        "none",
        "there is no earlier map",
    )


def test_the_same_documents_do_not_move_at_all(world, first):
    again = world.run(first.cluster)
    assert places(world, again).equals(places(world, first))
    assert again.execution.layout_stability_applied == "align"


def test_more_documents_move_the_others_little(world):
    collection = world.collection(planted(sizes=SIZES))
    cluster = world.define(collection, KMEANS)
    before = world.run(cluster)
    world.add(collection.qdrant_collection, planted(sizes={"court": 60}, seed=9, first_id=1_000))
    after = world.run(cluster)
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
    flat = world.run(cluster)
    deep = world.execute(cluster, request=ExecuteClusterByIdRequest(vis_n_components=3))
    assert deep.execution.layout_stability_reason == f"the map of {flat.run_id} has 2 dimensions"


def test_a_deferred_map_is_drawn_by_the_next_run_that_does_not_defer_it(world):
    collection = world.collection(planted(sizes=SIZES))
    cluster = world.define(collection, KMEANS)
    request = ExecuteClusterByIdRequest(defer_visualization=True)
    deferred = world.execute(cluster, request=request)
    members = world.pipeline.artifacts.read_frame(deferred.execution.members_key)
    assert (deferred.result.success, axes_of(members)) == (True, [])
    assert deferred.execution.layout_stability_reason == "the map is deferred"
    assert plan_of(world.pipeline, cluster.resolved()) == "full"
    drawn = world.run(cluster)
    assert places(world, drawn).null_count().sum_horizontal().item() == 0
    assert drawn.execution.layout_stability_reason == (
        f"the map of {deferred.run_id} has no dimensions"
    )


def test_with_a_transform_documents_stay_and_new_ones_go_to_their_kind(world):
    collection = world.collection(planted(sizes=SIZES))
    cluster = world.define(collection, KMEANS | {"layout_stability": "transform"})
    before = world.run(cluster)
    more = planted(sizes={"kitchen": 10}, seed=9, first_id=1_000)
    world.add(collection.qdrant_collection, more)
    after = world.run(cluster)
    assert after.execution.layout_stability_applied == "transform"
    assert moved(places(world, before), places(world, after)) == 0.0
    new = places(world, after).filter(pl.col("point_id").cast(pl.Int64) >= 1_000)
    subjects = dict(zip(map(str, range(1, 101)), planted(sizes=SIZES).subjects, strict=True))
    kin = places(world, before).filter(pl.col("point_id").replace_strict(subjects) == "kitchen")
    for axis in ("x", "y"):
        assert new[axis].is_between(kin[axis].min(), kin[axis].max()).all()
