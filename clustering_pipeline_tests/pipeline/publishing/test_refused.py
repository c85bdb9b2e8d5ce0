"""A result that its gates refuse, as Dagster and the catalog show it."""

from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import Ran, World

DENSITY = {
    "clustering_method": "hdbscan",
    "algorithm_params": {"min_cluster_size": 8, "min_samples": 3},
}
STRICT = {"minimum_density_validity": 0.999, "minimum_silhouette": 0.1}


def verdict(ran: Ran) -> tuple[bool, str | None]:
    (found,) = [
        one for one in ran.result.get_asset_check_evaluations() if one.check_name == "quality_gates"
    ]
    return found.passed, found.description


def test_a_refused_result_ends_its_run_and_says_why(world: World) -> None:
    collection = world.collection(planted(sizes={"sea": 30, "court": 20}))
    definition = world.define(collection, DENSITY, quality_gates={"minimum_density_validity": -1.0})
    first = world.execute(definition)
    assert verdict(first) == (True, None)
    patch = validate(PatchClusterRequest, {"quality_gates": STRICT})
    world.pipeline.catalog.clusters.patch(LOCAL, definition.name, patch)

    second = world.execute(definition)
    assert second.result.success
    passed, reason = verdict(second)
    assert (passed, second.execution.refusals) == (False, [reason])
    assert reason.startswith("density validity (DBCV) 0.")
    assert reason.endswith("is below minimum_density_validity 0.999")
    assert (second.execution.status, second.cluster.state.status) == (
        "completed",
        "COMPLETED_WITH_ERRORS",
    )
    task = world.pipeline.catalog.tasks.get(second.execution.task_id)
    assert task.status == "COMPLETED_WITH_ERRORS"
    assert second.cluster.state.last_run_id == first.run_id
    # Readers have what they had: the candidate made no collection, its files are kept.
    (alias,) = definition.state.output_collection_ids
    names = [one for one in world.pipeline.documents.collections() if one.startswith(alias)]
    assert names == [f"{alias}__{first.run_id}"]
    assert world.pipeline.artifacts.exists(second.execution.members_key)
