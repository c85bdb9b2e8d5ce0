"""A part of the graph, materialized by hand or by the relabel job, stands on the published run."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from clustering_pipeline.defs.instance.tags import RELABEL
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.ids import run_mark
from clustering_pipeline.pipeline.publishing.clear_fields import clear_unheld
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, Ran, World

CONFIG = KMEANS | {"algorithm_params": {"n_clusters": 2}}


@dataclass(frozen=True, kw_only=True)
class Kept:
    world: World
    collection: CollectionRecord
    ran: Ran

    def part(self, *names: str) -> Ran:
        return self.world.materialize(self.ran.cluster, *names)

    def marks(self) -> set[str | None]:
        mark = run_mark(self.ran.cluster.cluster_id)
        return {one.get(mark) for one in self.world.payloads(self.collection).values()}

    def forget(self) -> None:
        """As if nothing had ever been written onto the documents."""
        clear_unheld(self.world.pipeline, self.ran.cluster)


@pytest.fixture(scope="module")
def published(world: World) -> Kept:
    collection = world.collection(planted(sizes={"sea": 30, "court": 20}))
    ran = world.execute(world.define(collection, CONFIG, enrich_source_collection=True))
    return Kept(world=world, collection=collection, ran=ran)


@pytest.fixture
def kept(published: Kept) -> Iterator[Kept]:
    """Afterwards, nobody holds the definition and the next part can begin."""
    yield published
    cluster = published.world.pipeline.catalog.clusters.by_id(published.ran.cluster.cluster_id)
    assert cluster.claim is None


def refusal(ran: Ran) -> str:
    assert not ran.result.success
    assert (ran.execution.status, ran.cluster.state.status) == ("failed", "FAILED")
    assert ran.execution.failure_category == "conflict"
    return ran.execution.error_message


def test_a_part_that_publishes_nothing_ends_and_changes_nothing(kept):
    before = kept.world.pipeline.catalog.clusters.by_id(kept.ran.cluster.cluster_id).state
    part = kept.part("definition", "embeddings")
    assert part.result.success
    assert (part.execution.status, part.execution.num_clusters) == ("completed", 0)
    after = part.cluster.state
    assert (after.status, after.last_run_id) == ("COMPLETED", before.last_run_id)
    assert after.last_attempt_id == part.run_id


def test_labels_are_made_again_for_the_published_groups(kept):
    # A later run that failed half-way left other assignments, which nobody is to read.
    assert kept.part("embeddings", "reduced_embeddings", "assignments").result.success
    before = kept.world.pipeline.catalog.clusters.by_id(kept.ran.cluster.cluster_id).state
    shown = kept.world.pipeline.catalog.executions.by_id(before.last_run_id)
    part = kept.part("cluster_labels", "published", "enriched_documents")
    assert part.result.success
    assert part.cluster.state.last_run_id == part.run_id
    assert part.execution.artifact_key("assignments.parquet") == shown.artifact_key(
        "assignments.parquet"
    )
    assert part.execution.artifact_key("labels.parquet").endswith(f"{part.run_id}/labels.parquet")
    assert [(one.cluster_id, one.num_members) for one in part.execution.centroids] == [
        ("cl_0", 30),
        ("cl_1", 20),
    ]
    assert part.execution.vectors_retrieved == 50
    # Their names are the same, so the documents keep the fields and the mark they have.
    assert kept.marks() == {kept.ran.run_id}
    assert part.execution.write_back.status == "completed"
    assert (part.execution.write_back.written, part.execution.write_back.unchanged) == (0, 50)


def test_the_relabel_job_runs_labels_and_what_follows(kept):
    again = kept.world.execute(kept.ran.cluster, job=RELABEL)
    assert again.result.success
    assert [stage.name for stage in again.execution.stages] == [
        "definition",
        "cluster_labels",
        "published",
        "enriched_documents",
    ]
    assert (again.execution.status, again.cluster.state.status) == ("completed", "COMPLETED")
    assert kept.marks() == {kept.ran.run_id}
    # Twice removed, the files are still those of the run that made them.
    twice = kept.world.execute(kept.ran.cluster, job=RELABEL)
    assert twice.execution.artifact_key("embeddings.parquet") == again.execution.artifact_key(
        "embeddings.parquet"
    )


def test_publishing_alone_leaves_the_write_back_to_come(kept):
    kept.forget()
    part = kept.part("published")
    assert part.result.success
    planned = part.execution.write_back
    assert (planned.status, planned.written) == ("pending", 0)
    assert kept.marks() == {None}
    finished = kept.part("enriched_documents")
    assert finished.result.success
    executions = kept.world.pipeline.catalog.executions
    done = executions.by_id(part.run_id).write_back
    assert (done.status, done.written, done.failed) == ("completed", 50, 0)
    assert kept.marks() == {part.run_id}
    assert finished.cluster.state.last_run_id == part.run_id


def test_a_document_that_is_gone_is_counted_and_the_others_are_written(kept):
    kept.forget()
    part = kept.part("published")
    gone = kept.world.pipeline.documents
    name = kept.collection.qdrant_collection
    (lost,) = gone.retrieve(name, ["7"], vector_names=["embedding"])
    gone.delete_points(name, point_ids=["7"])
    finished = kept.part("enriched_documents")
    write_back = kept.world.pipeline.catalog.executions.by_id(part.run_id).write_back
    gone.upsert(name, [7], {"embedding": lost.vectors["embedding"][None]}, [lost.payload])
    assert finished.result.success
    assert (write_back.status, write_back.written, write_back.failed) == ("completed", 49, 1)
    assert write_back.error.startswith("7: ")
    assert finished.metadata("enriched_documents")["failed"] == 1


@pytest.mark.parametrize(
    ("chosen", "named"),
    [
        pytest.param(
            ["embeddings", "cluster_labels"],
            "cluster_labels would mix this run's embeddings with the assignments of",
            id="labels-without-groups",
        ),
        pytest.param(
            ["embeddings", "cluster_summaries"],
            "cluster_summaries would mix this run's embeddings with the assignments of",
            id="summaries-without-groups",
        ),
        pytest.param(
            ["embeddings", "assignments"],
            "assignments would mix this run's embeddings with the reduced_embeddings of",
            id="groups-without-space",
        ),
        pytest.param(
            ["reduced_embeddings", "assignments", "published"],
            "published would mix this run's assignments, reduced_embeddings with the "
            "cluster_labels of",
            id="publishing-without-labels",
        ),
    ],
)
def test_results_of_two_runs_are_not_mixed(kept, chosen, named):
    before = kept.world.pipeline.catalog.clusters.by_id(kept.ran.cluster.cluster_id).state
    part = kept.part(*chosen)
    assert named in refusal(part)
    assert part.cluster.state.last_run_id == before.last_run_id


def test_a_part_of_what_was_never_published_says_so(world):
    definition = world.define(world.collection(planted(sizes={"sea": 9})), CONFIG)
    part = world.execute(definition, job=RELABEL)
    assert refusal(part) == (
        f"cluster_labels needs assignments, and {definition.name!r} has published nothing yet: "
        "materialize the whole graph"
    )


def test_a_first_part_leaves_the_definition_pending(world):
    definition = world.define(world.collection(planted(sizes={"sea": 9})), CONFIG)
    part = world.materialize(definition, "embeddings")
    assert part.result.success
    assert (part.execution.status, part.cluster.state.status) == ("completed", "PENDING")
    assert world.execute(definition).result.success
