"""Mode composite: the centroids of other executions are grouped, and documents follow."""

from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest

from clustering_pipeline.defs.instance.tags import COMPOSE, JOBS, PARENT, RETRY
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import (
    ExecutionNotFound,
    FieldTaken,
    InvalidDefinition,
    InvalidRequest,
    RunInterrupted,
    StateConflict,
)
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.ids import NOISE_ID, run_id_of
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution
from clustering_pipeline.service.executions.finish import fail
from clustering_pipeline.service.executions.plan import plan_of
from clustering_pipeline.service.executions.rollback import roll_back
from clustering_pipeline.service.results.map import visualization
from clustering_pipeline.service.results.verify import verify_documents, verify_run
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.planted import SUBJECTS, planted
from clustering_pipeline_tests.worlds.world import FEATURE, KMEANS, Ran, World

EARLY = {"sea": 30, "kitchen": 24, "court": 18}
LATE = {"sea": 27, "kitchen": 21, "space": 15}
QUICK = ExecuteClusterByIdRequest(defer_visualization=True)
TWO = KMEANS | {"algorithm_params": {"n_clusters": 2}}
THREE = KMEANS | {"algorithm_params": {"n_clusters": 3}}


@dataclass(frozen=True, kw_only=True)
class Composed:
    """Two collections that share two of four subjects, a definition for each, and one over both."""

    world: World
    collections: tuple[CollectionRecord, CollectionRecord]
    sources: tuple[Ran, Ran]
    ran: Ran

    @property
    def run_ids(self) -> list[str]:
        return [one.run_id for one in self.sources]

    def members(self, ran: Ran) -> pl.DataFrame:
        return self.world.pipeline.artifacts.read_frame(str(ran.execution.members_key))

    def subjects(self, ran: Ran) -> dict[str, set[str]]:
        """Group to the subjects of its documents."""
        payloads = {one.collection_id: self.world.payloads(one) for one in self.collections}
        found: dict[str, set[str]] = {}
        for collection, point, group in (
            self.members(ran).select("collection_id", "point_id", "cluster_id").iter_rows()
        ):
            found.setdefault(group, set()).add(payloads[collection][point]["subject"])
        return found

    def groups(self, ran: Ran) -> dict[str, str]:
        """Subject to the group that holds it alone."""
        return {subject: group for group, (subject,) in self.subjects(ran).items()}


def table(world: World, run: ExecutionRecord) -> pl.DataFrame:
    return world.pipeline.artifacts.read_frame(str(run.members_key))


def points(members: pl.DataFrame) -> list[tuple[str, str]]:
    return list(members.select("point_id", "cluster_id").iter_rows())


def uids(execution: ExecutionRecord) -> dict[str, str]:
    return {one.cluster_id: one.group_uid for one in execution.centroids}


def labels(execution: ExecutionRecord) -> dict[str, str]:
    return {one.cluster_id: one.label for one in execution.centroids}


def composite(world: World, *sources: ClusterRecord, **fields: Any) -> ClusterRecord:
    """A definition over the groups of others."""
    request = {
        "cluster_name": world.name("composite"),
        "source_cluster_ids": [one.cluster_id for one in sources],
        **fields,
    }
    return world.pipeline.catalog.clusters.create(LOCAL, validate(CreateClusterRequest, request))


@pytest.fixture(scope="module")
def composed(world: World) -> Composed:
    collections = (
        world.collection(planted(sizes=EARLY)),
        world.collection(planted(sizes=LATE, seed=8)),
    )
    sources = tuple(world.execute(world.define(one, THREE), request=QUICK) for one in collections)
    ran = world.execute(composite(world, *(one.cluster for one in sources)))
    return Composed(world=world, collections=collections, sources=sources, ran=ran)


def test_groups_of_a_subject_are_one_group_whichever_run_found_them(composed: Composed) -> None:
    assert composed.ran.result.success
    execution = composed.ran.execution
    assert (execution.mode, execution.plan) == ("composite", "composite")
    assert (execution.num_clusters, execution.num_points) == (4, 135)
    found = composed.subjects(composed.ran)
    assert sorted(map(sorted, found.values())) == [[one] for one in sorted(SUBJECTS)]


def test_the_record_tells_which_group_went_where(composed: Composed) -> None:
    execution = composed.ran.execution
    now = composed.groups(composed.ran)
    assert execution.source_execution_ids == composed.run_ids
    assert execution.composite_mapping == {
        source.run_id: {group: now[subject] for subject, group in composed.groups(source).items()}
        for source in composed.sources
    }
    assert execution.result().composite_mapping == execution.composite_mapping
    key = execution.artifact_key("manifest.json")
    manifest = composed.world.pipeline.artifacts.read_json(key)
    assert manifest["asked"]["source_execution_ids"] == composed.run_ids


def test_its_inputs_are_those_of_its_sources(composed: Composed) -> None:
    view, execution = composed.ran.cluster.metadata(), composed.ran.execution
    assert view.input_collections == [one.collection_id for one in composed.collections]
    assert view.source_cluster_ids == [one.cluster.cluster_id for one in composed.sources]
    assert (view.feature_uris, view.algorithm) == ([FEATURE], "agglomerative")
    assert (execution.source_documents, execution.vectors_clustered) == (135, 135)
    assert execution.input_reconciliation_ok
    assert execution.covered_batches == dict.fromkeys(view.input_collections, 0)


def test_it_has_everything_that_a_run_has(composed: Composed) -> None:
    world, ran = composed.world, composed.ran
    (alias,) = ran.cluster.state.output_collection_ids
    points = [one.payload for page in world.pipeline.documents.scroll(alias) for one in page]
    assert sum(one["is_centroid"] for one in points) == 4
    assert {one["source_collection_id"] for one in points if not one["is_centroid"]} == {
        one.collection_id for one in composed.collections
    }
    shown = visualization(world.pipeline, LOCAL, ran.cluster.cluster_id).head
    assert (shown.total_points, shown.dimensions, len(shown.centroids)) == (135, 2, 4)
    assert {one.verdict for one in verify_run(world.pipeline, ran.execution)} == {"same"}
    assert all(one.label and one.group_uid for one in ran.execution.centroids)


def test_the_next_run_takes_the_newest_of_each_source_and_keeps_the_groups(
    world: World, composed: Composed
) -> None:
    fresh = world.execute(composed.sources[1].cluster, request=QUICK)
    again = execute(world.pipeline, composed.ran.cluster, defer_visualization=True)
    assert again.source_execution_ids == [composed.run_ids[0], fresh.run_id]
    assert uids(again) == uids(composed.ran.execution)
    assert labels(again) == labels(composed.ran.execution)
    events = world.pipeline.catalog.lineages.find(again.run_id).events
    assert [one.event for one in events] == ["continued"] * 4
    assert (
        roll_back(world.pipeline, LOCAL, composed.ran.cluster.name).state.last_run_id
        == composed.ran.run_id
    )


def test_documents_of_all_sources_get_the_fields_and_only_what_differs_is_written(
    world: World,
) -> None:
    collections = [world.collection(planted(sizes=EARLY)), world.collection(planted(sizes=LATE))]
    sources = [world.define(one, THREE) for one in collections]
    for one in sources:
        execute(world.pipeline, one, defer_visualization=True)
    mapped = {"field_mappings": [{"source_field": "cluster_label", "target_field": "theme"}]}
    onto = composite(
        world, *sources, enrich_source_collection=True, source_enrichment_config=mapped
    )
    first = execute(world.pipeline, onto, defer_visualization=True)
    assert (first.write_back.written, first.write_back.failed) == (135, 0)
    for one in collections:
        themes = {(row["subject"], row["theme"]) for row in world.payloads(one).values()}
        assert len(themes) == 3
    second = execute(world.pipeline, onto, defer_visualization=True)
    assert (second.write_back.written, second.write_back.unchanged) == (0, 135)
    record = world.pipeline.catalog.clusters.by_id(onto.cluster_id)
    assert verify_documents(world.pipeline, record).fine

    gone = next(iter(world.payloads(collections[0])))
    world.pipeline.documents.delete_points(collections[0].qdrant_collection, point_ids=[gone])
    third = execute(world.pipeline, onto, defer_visualization=True)
    assert (third.num_points, third.source_documents) == (134, 134)
    assert third.input_reconciliation_ok
    assert (third.write_back.written, third.write_back.failed) == (0, 0)
    back = roll_back(world.pipeline, LOCAL, onto.name, first.run_id)
    assert back.state.last_run_id == first.run_id


def test_a_document_that_sources_hold_differently_is_where_one_of_its_groups_went(
    world: World,
) -> None:
    collection = world.collection(planted(sizes=EARLY))
    fine, coarse = world.define(collection, THREE), world.define(collection, TWO)
    runs = [execute(world.pipeline, one, defer_visualization=True) for one in (fine, coarse)]
    ran = execute(world.pipeline, composite(world, fine, coarse), defer_visualization=True)
    held = [dict(points(table(world, one))) for one in runs]
    now = points(table(world, ran))
    assert len(now) == len(dict(now)) == ran.num_points == 72
    options = {
        document: {
            ran.composite_mapping[one.run_id][groups[document]]
            for one, groups in zip(runs, held, strict=True)
        }
        for document, _ in now
    }
    assert all(group in options[document] for document, group in now)
    assert max(map(len, options.values())) == 2


def test_what_was_noise_everywhere_is_noise(world: World) -> None:
    density = {"clustering_method": "hdbscan", "algorithm_params": {"min_cluster_size": 10}}
    collections = [
        world.collection(planted(sizes=sizes, strays=6, seed=seed))
        for sizes, seed in ((EARLY, 3), (LATE, 4))
    ]
    sources = [world.define(one, density) for one in collections]
    runs = [execute(world.pipeline, one, defer_visualization=True) for one in sources]
    ran = execute(world.pipeline, composite(world, *sources), defer_visualization=True)
    noise = sum(one.pipeline_drop for one in runs)
    assert noise > 0
    members = world.pipeline.artifacts.read_frame(str(ran.members_key))
    lost = members.filter(cluster_id=NOISE_ID)
    assert (lost.height, ran.pipeline_drop) == (noise, noise)
    assert lost["probability"].to_list() == [0.0] * noise


def test_nothing_but_noise_is_no_group_at_all(world: World) -> None:
    strict = {"clustering_method": "hdbscan", "algorithm_params": {"min_cluster_size": 60}}
    collection = world.collection(planted(sizes=EARLY, spread=3.0))
    sources = [world.define(collection, strict) for _ in range(2)]
    runs = [execute(world.pipeline, one, defer_visualization=True) for one in sources]
    assert [one.num_clusters for one in runs] == [0, 0]
    ran = execute(world.pipeline, composite(world, *sources), defer_visualization=True)
    assert (ran.num_clusters, ran.num_points, ran.vectors_clustered) == (0, 72, 0)
    assert ran.composite_mapping == {one.run_id: {} for one in runs}


def test_any_definition_can_group_executions_that_are_named(
    world: World, composed: Composed
) -> None:
    other = world.define(world.collection(planted(sizes={"court": 12})), TWO)
    own = execute(world.pipeline, other, defer_visualization=True)
    named = {"mode": "composite", "source_execution_ids": composed.run_ids}
    request = validate(ExecuteClusterByIdRequest, named)
    assert plan_of(world.pipeline, other.resolved(request)) == "composite"
    assert JOBS["composite"] == COMPOSE
    ran = world.execute(other, job=COMPOSE, request=request)
    assert (ran.execution.num_clusters, ran.execution.num_points) == (2, 135)
    assert ran.cluster.metadata().input_collections == other.spec.collection_ids

    # Its own groups are made in full again, and nothing is assigned to those of others.
    assert plan_of(world.pipeline, other.resolved()) == "full"
    assigning = validate(ExecuteClusterByIdRequest, {"mode": "assign"})
    with pytest.raises(StateConflict, match="grouped groups of other executions"):
        plan_of(world.pipeline, other.resolved(assigning))
    back = execute(world.pipeline, other, defer_visualization=True)
    assert (back.mode, back.num_points, back.composite_mapping) == ("full", 12, {})
    assert own.num_points == 12


def test_a_filter_chooses_among_the_documents_of_the_sources(composed: Composed) -> None:
    chosen = {"field": "subject", "operator": "in", "value": ["sea", "space"]}
    ran = execute(
        composed.world.pipeline, composed.ran.cluster, filters=chosen, defer_visualization=True
    )
    assert (ran.num_points, ran.num_clusters) == (72, 2)
    gone = [where for one in ran.composite_mapping.values() for where in one.values()]
    assert gone.count(None) == 3


def test_composites_of_composites_and_groups_within_groups(
    world: World, composed: Composed
) -> None:
    divided = {
        "feature_uri": FEATURE,
        "clustering_method": "kmeans",
        "algorithm_params": {"n_clusters": 2},
        "hierarchical": True,
    }
    first, second = (one.cluster for one in composed.sources)
    tree = composite(world, first, second, composed.ran.cluster, vector_config=divided)
    ran = execute(world.pipeline, tree, defer_visualization=True)
    assert ran.num_clusters == 2
    below = [one for one in ran.centroids if one.hierarchy_level]
    assert below
    assert {one.parent_cluster_id for one in below} <= {one.cluster_id for one in ran.centroids}
    assert ran.composite_mapping.keys() == set(ran.source_execution_ids)

    flat = execute(world.pipeline, composite(world, tree, first), defer_visualization=True)
    assert flat.composite_mapping[ran.run_id].keys() == {"cl_0", "cl_1"}


def test_edits_are_kept(world: World, composed: Composed) -> None:
    ran = composed.ran
    by_subject = composed.groups(ran)
    uid = {one.cluster_id: one.group_uid for one in ran.execution.centroids}
    merged = [uid[by_subject[one]] for one in ("sea", "space")]
    edits = ClusterEdits(merge=[merged], rename={uid[by_subject["court"]]: "In court"})
    catalog = world.pipeline.catalog
    catalog.edits.put(ran.cluster.cluster_id, edits)
    edited = execute(world.pipeline, ran.cluster, defer_visualization=True)
    catalog.edits.put(ran.cluster.cluster_id, ClusterEdits())
    assert edited.num_clusters == 3
    gone = {group for one in edited.composite_mapping.values() for group in one.values()}
    assert gone == {one.cluster_id for one in edited.centroids}


def test_fewer_than_two_executions_are_nothing_to_group(world: World, composed: Composed) -> None:
    source, run_id = composed.sources[0].cluster, composed.run_ids[0]
    alone = composite(world, source)
    with pytest.raises(InvalidRequest, match="of at least two executions, not of 1"):
        planned(world, alone)
    twice = [run_id, run_id]
    with pytest.raises(InvalidRequest, match="of at least two executions, not of 1"):
        planned(world, source, mode="composite", source_execution_ids=twice)
    with pytest.raises(InvalidRequest, match="of at least two executions, not of 0"):
        planned(world, source, mode="composite")
    with pytest.raises(InvalidRequest, match="are for mode 'composite', not for mode 'full'"):
        planned(world, source, source_execution_ids=composed.run_ids)


def test_executions_must_be_there_and_have_their_results(world: World, composed: Composed) -> None:
    source, run_id = composed.sources[0].cluster, composed.run_ids[0]
    catalog = world.pipeline.catalog

    def asked(other: str) -> None:
        planned(world, source, mode="composite", source_execution_ids=[run_id, other])

    with pytest.raises(ExecutionNotFound):
        asked("run_0123")
    elsewhere = catalog.executions.by_id(composed.run_ids[1]).model_copy(
        update={"run_id": "run_4567", "namespace_id": "ns_other"}
    )
    catalog.executions.reserve(elsewhere)
    with pytest.raises(ExecutionNotFound):
        asked("run_4567")
    without = elsewhere.model_copy(
        update={"run_id": "run_89ab", "namespace_id": LOCAL.namespace_id, "members_key": None}
    )
    catalog.executions.reserve(without)
    with pytest.raises(StateConflict, match="the results of run_89ab are not kept"):
        asked("run_89ab")
    gone = without.model_copy(update={"run_id": "run_cdef", "members_key": "x", "artifacts": {}})
    catalog.executions.reserve(gone)
    with pytest.raises(StateConflict, match=r"embeddings\.parquet of run_cdef is not kept"):
        asked("run_cdef")


def test_executions_must_compare_documents_alike(world: World, composed: Composed) -> None:
    other = FEATURE.replace("text_extractor", "other_extractor")
    collection = world.collection(planted(sizes={"sea": 6}), vectors={other: "embedding"})
    strange = world.define(collection, KMEANS | TWO | {"feature_uri": other})
    ran = execute(world.pipeline, strange, defer_visualization=True)
    both = [composed.run_ids[0], ran.run_id]
    with pytest.raises(InvalidDefinition, match="need the same feature URIs"):
        planned(world, strange, mode="composite", source_execution_ids=both)

    by_value = {"cluster_type": "attribute", "attribute_config": {"attributes": ["subject"]}}
    attributes = world.define(collection, None, **by_value)
    named = {"mode": "composite", "source_execution_ids": both}
    with pytest.raises(InvalidDefinition, match="only vectors have centroids"):
        planned(world, attributes, **named)
    grouped = execute(world.pipeline, attributes)
    named["source_execution_ids"] = [composed.run_ids[0], grouped.run_id]
    with pytest.raises(InvalidDefinition, match="its groups have no centroids"):
        planned(world, composed.sources[0].cluster, **named)


def test_vectors_of_another_length_fail_the_run(world: World, composed: Composed) -> None:
    longer = world.define(world.collection(planted(sizes={"sea": 6}, dimensions=20)), TWO)
    execute(world.pipeline, longer, defer_visualization=True)
    ran = world.execute(composite(world, composed.sources[0].cluster, longer))
    assert ran.execution.failure_category == "input_rejected"
    assert "have different lengths" in ran.execution.error_message
    assert ran.cluster.claim is None


def test_sources_that_are_gone_or_have_not_run_are_named(world: World, composed: Composed) -> None:
    catalog = world.pipeline.catalog
    fresh = world.define(composed.collections[0], TWO)
    both = composite(world, composed.sources[0].cluster, fresh)
    with pytest.raises(StateConflict, match="has no completed run to group the groups of"):
        planned(world, both)
    catalog.clusters.delete(LOCAL, fresh.cluster_id)
    with pytest.raises(StateConflict, match=f"{fresh.cluster_id}, which is gone"):
        planned(world, both)
    # A run that nobody launched, as of a trigger, begins and fails in the open.
    ran = world.execute(both)
    assert ran.execution.failure_category == "conflict"
    assert (ran.cluster.state.error, ran.cluster.claim) == (ran.execution.error_message, None)


def test_the_retry_of_a_crashed_worker_groups_what_was_named(
    world: World, composed: Composed
) -> None:
    cluster = world.define(composed.collections[0], TWO)
    identity = RunIdentity(dagster_run_id="c" * 32, root_run_id="c" * 32)
    named = {
        "mode": "composite",
        "source_execution_ids": composed.run_ids,
        "filters": {"field": "subject", "operator": "in", "value": ["sea", "court"]},
    }
    asked = cluster.resolved(validate(ExecuteClusterByIdRequest, named))
    catalog = world.pipeline.catalog
    catalog.executions.begin(new_execution(cluster, identity, asked))
    fail(catalog, run_id_of(identity.dagster_run_id), RunInterrupted("its worker is gone"))
    retry = {PARENT: identity.dagster_run_id, RETRY: "1"}
    ran = world.ran(world.start(cluster, job=COMPOSE, tags=retry), cluster)
    assert ran.execution.source_execution_ids == composed.run_ids
    assert (ran.execution.mode, ran.execution.num_points) == ("composite", 75)

    # Whoever asks for the job again gets what the definition says: there, no source is named.
    ran = world.ran(
        world.start(cluster, job=COMPOSE, tags={PARENT: identity.dagster_run_id}), cluster
    )
    assert ran.execution.mode == "composite"
    assert "at least two executions, not of 0" in ran.execution.error_message
    assert ran.cluster.state.last_run_id != ran.run_id


def test_what_is_being_grouped_keeps_its_files(world: World) -> None:
    """A source goes on meanwhile, and keeps one run only."""
    there = world.over(kept_runs=1)
    collection = there.collection(planted(sizes={"sea": 9, "court": 6}))
    source, other = there.define(collection, TWO), there.define(collection, TWO)
    named = [execute(there.pipeline, one, defer_visualization=True) for one in (source, other)]
    identity = RunIdentity(dagster_run_id="d" * 32, root_run_id="d" * 32)
    request = {"mode": "composite", "source_execution_ids": [one.run_id for one in named]}
    asked = other.resolved(validate(ExecuteClusterByIdRequest, request))
    there.pipeline.catalog.executions.begin(new_execution(other, identity, asked))
    file = named[0].artifact_key("embeddings.parquet")
    execute(there.pipeline, source, defer_visualization=True)
    assert there.pipeline.artifacts.exists(file)
    fail(there.pipeline.catalog, run_id_of(identity.dagster_run_id), RunInterrupted("no more"))
    execute(there.pipeline, source, defer_visualization=True)
    assert not there.pipeline.artifacts.exists(file)


def test_documents_are_assigned_to_the_sources_not_to_their_composite(
    world: World, composed: Composed
) -> None:
    with pytest.raises(InvalidRequest, match="execute those in mode assign, then this one"):
        planned(world, composed.ran.cluster, mode="assign")


def test_fields_of_others_are_left_alone_on_the_documents_of_sources(
    world: World, composed: Composed
) -> None:
    collection = world.collection(planted(sizes={"sea": 6}))
    one = world.define(collection, TWO, enrich_source_collection=True)
    with pytest.raises(FieldTaken):
        composite(world, one, composed.sources[0].cluster, enrich_source_collection=True)
    own = execute(world.pipeline, one, defer_visualization=True)
    elsewhere = world.define(
        world.collection(planted(sizes={"sea": 6})), TWO, enrich_source_collection=True
    )
    both = [own.run_id, composed.run_ids[0]]
    with pytest.raises(FieldTaken, match="cannot write 'cluster_id'"):
        planned(world, elsewhere, mode="composite", source_execution_ids=both)


def planned(world: World, cluster: ClusterRecord, **overrides: Any) -> str:
    return plan_of(world.pipeline, cluster.resolved(validate(ExecuteClusterByIdRequest, overrides)))
