"""Groups outlive runs: their uid, number, label and the names that people gave them."""

import polars as pl
import pytest

from clustering_pipeline.defs.instance.tags import RELABEL
from clustering_pipeline.model.errors import GroupNotFound, InvalidRequest
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.service.executions.delete import remove_cluster
from clustering_pipeline.service.results.groups import published_groups
from clustering_pipeline.service.results.lineage import cluster_lineage, run_diff
from clustering_pipeline_tests.labeling.loopback import serving, well
from clustering_pipeline_tests.pipeline.stages.test_labels import asking
from clustering_pipeline_tests.worlds.planted import SIZES, planted
from clustering_pipeline_tests.worlds.world import KMEANS, Done, Ran, World

HDBSCAN = {"clustering_method": "hdbscan", "algorithm_params": {"min_cluster_size": 15}}
FIRST = {"sea": 60, "kitchen": 45, "space": 30}


def uids(world: World, ran: Done) -> dict[str, str]:
    """Subject of most of its members to the uid of each group."""
    members = table(world, ran, "members").filter(pl.col("cluster_id") != NOISE_ID)
    subjects = table(world, ran, "embeddings").select(
        "point_id", subject=pl.col("payload").str.json_path_match("$.subject")
    )
    found = (
        members.join(subjects, on="point_id").group_by("subject").agg(pl.col("group_uid").mode())
    )
    return {subject: some[0] for subject, some in found.iter_rows()}


def table(world: World, ran: Done, name: str) -> pl.DataFrame:
    return world.pipeline.artifacts.read_frame(ran.execution.artifact_key(f"{name}.parquet"))


def numbers(ran: Done) -> dict[str, str]:
    return {one.group_uid: one.cluster_id for one in ran.execution.centroids}


def told(world: World, ran: Done) -> list[tuple[str, str | None]]:
    lineage = world.pipeline.catalog.lineages.find(ran.run_id)
    return sorted((one.event, one.cluster_id) for one in lineage.events)


@pytest.fixture(scope="module")
def grown(world: World) -> tuple[Ran, Ran]:
    """A run, and one after a fourth subject came and most of the first went."""
    documents = planted(sizes=FIRST)
    collection = world.collection(documents)
    cluster = world.define(collection, HDBSCAN)
    first = world.execute(cluster)
    more = planted(sizes={"court": 70, "kitchen": 10}, seed=8, first_id=1_000)
    world.add(collection.qdrant_collection, more)
    return first, world.execute(cluster)


def test_a_first_run_numbers_by_size(world, grown):
    first, _ = grown
    assert [one.cluster_id for one in first.execution.centroids] == ["cl_0", "cl_1", "cl_2"]
    assert told(world, first) == [("born", "cl_0"), ("born", "cl_1"), ("born", "cl_2")]


def test_groups_that_continue_keep_uid_number_and_label(world, grown):
    first, second = grown
    before, after = uids(world, first), uids(world, second)
    assert {subject: after[subject] for subject in before} == before
    assert numbers(second).items() >= numbers(first).items()
    labels = {one.group_uid: one.label for one in second.execution.centroids}
    assert labels.items() >= {one.group_uid: one.label for one in first.execution.centroids}.items()


def test_a_new_group_takes_the_next_number_and_views_stay_by_size(world, grown):
    _, second = grown
    assert [one.cluster_id for one in second.execution.centroids] == [
        "cl_3",
        "cl_0",
        "cl_1",
        "cl_2",
    ]
    found = published_groups(
        world.pipeline.catalog, second.cluster.scope, second.cluster.cluster_id
    )
    assert [one.group_uid for one in found.groups] == [
        one.group_uid for one in second.execution.centroids
    ]


def test_what_happened_is_in_the_catalog_in_parquet_and_in_dagster(world, grown):
    _, second = grown
    expected = [("born", "cl_3"), ("continued", "cl_0"), ("continued", "cl_2"), ("grown", "cl_1")]
    assert told(world, second) == expected
    stored = table(world, second, "lineage").select("event", "cluster_id").rows()
    assert sorted(stored) == expected
    assert second.metadata("published")["lineage"].startswith("2 continued, ")


def test_uids_are_wherever_groups_are(world, grown):
    _, second = grown
    known = numbers(second)
    clusters = table(world, second, "clusters").select("group_uid", "cluster_id").rows()
    assert dict(clusters) == known
    (alias,) = second.cluster.state.output_collection_ids
    points = [one.payload for page in world.pipeline.documents.scroll(alias) for one in page]
    assert {(one["group_uid"], one["cluster_id"]) for one in points} - {(None, NOISE_ID)} == set(
        known.items()
    )


def test_the_same_documents_again_change_nothing(world, grown):
    _, second = grown
    again = world.run(second.cluster)
    assert numbers(again) == numbers(second)
    assert {kind for kind, _ in told(world, again)} == {"continued"}


def test_a_name_by_people_follows_the_group_onto_the_documents(world):
    collection = world.collection(planted(sizes=FIRST))
    mappings = [
        {"source_field": "cluster_label", "target_field": "topic"},
        {"source_field": "group_uid", "target_field": "topic_uid"},
    ]
    cluster = world.define(
        collection,
        HDBSCAN,
        enrich_source_collection=True,
        source_enrichment_config={"field_mappings": mappings},
    )
    first = world.run(cluster)
    world.pipeline.catalog.executions.relabel(cluster.scope, first.run_id, {"cl_1": "Cooking"})
    more = planted(sizes={"court": 70, "kitchen": 10}, seed=8, first_id=1_000)
    world.add(collection.qdrant_collection, more)
    second = world.run(cluster)
    (renamed,) = [one for one in second.execution.centroids if one.cluster_id == "cl_1"]
    assert (renamed.label, second.execution.label_overrides) == ("Cooking", {"cl_1": "Cooking"})
    assert ("relabelled", "cl_1") not in told(world, second)
    shown = {(one["topic"], one["topic_uid"]) for one in world.payloads(collection).values()}
    assert ("Cooking", renamed.group_uid) in shown
    assert {uid for _, uid in shown} - {None} == set(numbers(second))


def test_groups_whose_documents_were_all_replaced_are_known_by_their_place(world):
    documents = planted(sizes=FIRST)
    collection = world.collection(documents)
    cluster = world.define(collection, KMEANS | {"algorithm_params": {"n_clusters": 3}})
    first = world.run(cluster)
    world.pipeline.documents.delete_points(collection.qdrant_collection, point_ids=documents.ids)
    others = planted(sizes=FIRST, seed=8, first_id=1_000)
    world.add(collection.qdrant_collection, others)
    second = world.run(cluster)
    assert uids(world, second) == uids(world, first)
    lineage = world.pipeline.catalog.lineages.find(second.run_id)
    continued = [one for one in lineage.events if one.event == "continued"]
    assert [one.matched_by for one in continued] == ["centroid"] * 3


def test_groups_that_hardly_change_keep_their_label_and_no_model_is_asked(world):
    collection = world.collection(planted(sizes=FIRST))
    labelling = {"enabled": True, "provider": "openai", "cache_ttl_seconds": 0}
    cluster = world.define(collection, HDBSCAN, llm_labeling=labelling)
    with serving(well) as server:
        there = world.over(provider_of=asking(server))
        first = there.run(cluster)
        asked = server.calls
        more = planted(sizes={"court": 70, "kitchen": 10}, seed=8, first_id=1_000)
        world.add(collection.qdrant_collection, more)
        second = there.run(cluster)
        assert (asked, server.calls) == (3, 4)
    labels = {one.group_uid: one.label for one in second.execution.centroids}
    assert labels.items() >= {one.group_uid: one.label for one in first.execution.centroids}.items()


def test_labels_alone_leave_identities_as_they_are(world):
    collection = world.collection(planted(sizes=SIZES))
    first = world.run(world.define(collection, KMEANS))
    again = world.execute(first.cluster, job=RELABEL)
    assert again.result.success
    assert numbers(again) == numbers(first)
    assert {kind for kind, _ in told(world, again)} == {"continued"}


def test_groups_within_groups_have_identities_of_their_own(world):
    collection = world.collection(planted(sizes={"sea": 40, "kitchen": 30}))
    config = {"algorithm_params": {"n_clusters": 2}, "hierarchical": True, "max_hierarchy_depth": 1}
    cluster = world.define(collection, KMEANS | config)
    first, second = world.run(cluster), world.run(cluster)
    assert numbers(first) == numbers(second)
    levels = {one.hierarchy_level for one in first.execution.centroids}
    assert (levels, len(numbers(first))) == ({0, 1}, len(first.execution.centroids))


def test_history_is_read_run_by_run_and_group_by_group(world, grown):
    first, second = grown
    catalog, cluster = world.pipeline.catalog, second.cluster
    found = cluster_lineage(catalog, cluster.scope, cluster.cluster_id)
    assert [one.run_id for one in found.runs][-2:] == [second.run_id, first.run_id]
    of_one = cluster_lineage(catalog, cluster.scope, cluster.cluster_id, group="cl_3")
    assert of_one.group_uid == second.execution.centroids[0].group_uid
    assert [one.event for run in of_one.runs for one in run.events][-1] == "born"
    with pytest.raises(GroupNotFound, match=r"has no group 'cl_9': .* by its group_uid"):
        cluster_lineage(catalog, cluster.scope, cluster.cluster_id, group="cl_9")


def test_two_runs_are_compared_in_either_direction(world, grown):
    first, second = grown
    scope = second.cluster.scope
    forth = run_diff(world.pipeline, scope, second.run_id, first.run_id)
    back = run_diff(world.pipeline, scope, first.run_id, second.run_id)
    assert forth.counts == {"born": 1, "continued": 2, "grown": 1}
    assert back.counts == {"died": 1, "continued": 2, "shrunk": 1}
    assert (forth.documents_added, forth.documents_removed) == (80, 0)
    assert (back.documents_added, back.documents_removed) == (0, 80)
    assert forth.documents_kept + forth.documents_moved == sum(FIRST.values())


@pytest.fixture(scope="module")
def other(world: World) -> Done:
    """A run of another definition."""
    return world.run(world.define(world.collection(planted(sizes=FIRST)), KMEANS))


def test_runs_of_two_definitions_are_not_compared(world, grown, other):
    with pytest.raises(InvalidRequest, match="runs of two definitions"):
        run_diff(world.pipeline, other.cluster.scope, other.run_id, grown[0].run_id)


def test_a_definition_takes_its_lineage_along(world, other):
    remove_cluster(world.pipeline, other.cluster.scope, other.cluster.cluster_id)
    assert world.pipeline.catalog.lineages.find(other.run_id) is None
