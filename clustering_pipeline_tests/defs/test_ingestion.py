"""A batch for each materialization of somebody's own asset."""

import dagster as dg

from clustering_pipeline.defs.ingestion import batch_after
from clustering_pipeline.defs.resources import RESOURCE
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import World


@dg.asset
def speeches() -> None:
    """What loads documents."""


def test_each_materialization_completes_one_batch(world: World):
    collection = world.collection(planted(sizes={"sea": 3}))
    sensor = batch_after("speeches", [collection.collection_name])
    assert sensor.name == "batch_after_speeches"
    batches = world.pipeline.catalog.batches

    def look(instance: dg.DagsterInstance, cursor: str | None) -> str | None:
        context = dg.build_sensor_context(
            instance=instance, cursor=cursor, resources={RESOURCE: world.pipeline}
        )
        found = sensor.evaluate_tick(context)
        return found.cursor

    def completed() -> int:
        return batches.completed(LOCAL, [collection.collection_id])[collection.collection_id]

    with dg.DagsterInstance.ephemeral() as instance:
        cursor = look(instance, None)
        assert completed() == 0
        dg.materialize([speeches], instance=instance)
        after = look(instance, cursor)
        # The daemon died before it kept the cursor.
        look(instance, cursor)
        assert completed() == 1
        for _ in range(2):
            dg.materialize([speeches], instance=instance)
        look(instance, after)
        assert completed() == 3
        # A sensor that begins now does not make up for all that there was.
        look(instance, None)
        assert completed() == 3
    assert {one.status for one in batches.list(LOCAL, collection.collection_id)} == {"completed"}
