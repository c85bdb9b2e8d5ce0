"""Several writers at once: nothing is lost, nothing is done twice."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import (
    ClusteringError,
    ExecutionInFlight,
    FieldTaken,
    NameTaken,
)
from clustering_pipeline.model.executions.execution import ExecutionProgress
from clustering_pipeline.model.scope import LOCAL, Owner
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline_tests.model.factories import execution, request

WRITERS = 8


@pytest.fixture
def catalogs(mongodb_uri, database, speeches):
    """One catalog a writer, each with its own connection, as separate processes have."""
    opened = [Catalog.connect(mongodb_uri, database.name) for _ in range(WRITERS)]
    yield opened
    for one in opened:
        one.close()


def at_once(work, catalogs):
    """What each writer's work returned or raised, all begun at the same moment."""
    start = Barrier(len(catalogs))

    def begin(pair):
        start.wait()
        try:
            return work(*pair)
        except ClusteringError as error:
            return error

    with ThreadPoolExecutor(len(catalogs)) as pool:
        return list(pool.map(begin, enumerate(catalogs)))


def kinds(outcomes):
    return sorted(type(outcome).__name__ for outcome in outcomes)


def test_no_change_is_lost(catalogs):
    made = catalogs[0].clusters.create(LOCAL, request(cluster_name="topics"))

    def work(number, catalog):
        if number % 2:
            patch = validate(PatchClusterRequest, {"description": f"by {number}"})
            catalog.clusters.patch(LOCAL, "topics", patch)
        weights = {f"w{number}": number}
        return catalog.clusters.update_state(
            made.cluster_id, **({"learned_weights": weights} if number == 0 else {}), error="x"
        )

    at_once(work, catalogs)
    after = catalogs[0].clusters.by_id(made.cluster_id)
    assert after.state.learned_weights == {"w0": 0}
    assert after.state.error == "x"
    assert after.spec.description.startswith("by ")


def test_every_patch_of_a_field_of_its_own_arrives(catalogs):
    catalogs[0].executions.begin(execution())
    fields = ["source_documents", "vectors_retrieved", "vectors_clustered", "index_gap"]
    fields += ["pipeline_drop", "num_points", "num_clusters", "error_message"]

    def work(number, catalog):
        value = str(number) if fields[number] == "error_message" else number
        return catalog.executions.update("run_1", **{fields[number]: value})

    at_once(work, catalogs)
    after = catalogs[0].executions.by_id("run_1")
    assert [getattr(after, field) for field in fields] == [0, 1, 2, 3, 4, 5, 6, "7"]
    assert after.version == 1 + WRITERS


def test_one_of_many_gets_the_name(catalogs):
    outcomes = at_once(
        lambda _, catalog: catalog.clusters.create(LOCAL, request(cluster_name="topics")), catalogs
    )
    assert kinds(outcomes) == ["ClusterRecord"] + [NameTaken.__name__] * (WRITERS - 1)


def test_one_of_many_gets_the_field(catalogs):
    enriches = request(enrich_source_collection=True)
    outcomes = at_once(lambda _, catalog: catalog.clusters.create(LOCAL, enriches), catalogs)
    assert kinds(outcomes) == ["ClusterRecord"] + [FieldTaken.__name__] * (WRITERS - 1)


def test_many_apply_one_definition(catalogs):
    outcomes = at_once(
        lambda _, catalog: catalog.clusters.apply(LOCAL, request(cluster_name="topics")), catalogs
    )
    assert len({outcome.cluster_id for outcome in outcomes}) == 1


def test_one_of_many_holds_the_definition(catalogs):
    made = catalogs[0].clusters.create(LOCAL, request())

    def work(number, catalog):
        owner = Owner(run_id=f"run_{number}")
        return catalog.clusters.claim(made.cluster_id, owner, is_alive=lambda _: True)

    outcomes = at_once(work, catalogs)
    assert kinds(outcomes) == [ExecutionInFlight.__name__] * (WRITERS - 1) + ["NoneType"]


def test_one_of_many_takes_over_from_the_dead(catalogs):
    made = catalogs[0].clusters.create(LOCAL, request())
    catalogs[0].clusters.claim(made.cluster_id, Owner(run_id="run_dead"), is_alive=lambda _: True)

    def work(number, catalog):
        owner = Owner(run_id=f"run_{number}")
        return catalog.clusters.claim(
            made.cluster_id, owner, is_alive=lambda one: one.run_id != "run_dead"
        )

    outcomes = at_once(work, catalogs)
    assert kinds(outcomes) == [ExecutionInFlight.__name__] * (WRITERS - 1) + ["Owner"]


def test_one_of_many_makes_the_execution(catalogs):
    outcomes = at_once(
        lambda number, catalog: catalog.executions.begin(execution(plan=f"plan {number}")), catalogs
    )
    assert len({outcome.plan for outcome in outcomes}) == 1


def test_completed_batches_are_numbered_without_gaps(catalogs, speeches):
    def work(_, catalog):
        batch = catalog.batches.open(LOCAL, [speeches.collection_id])
        for _ in range(2):
            done = catalog.batches.complete(LOCAL, batch.batch_id)
        return done.completions[0].number

    assert sorted(at_once(work, catalogs)) == list(range(1, WRITERS + 1))


def test_progress_does_not_disturb_an_update(catalogs):
    catalogs[0].executions.begin(execution())

    def work(number, catalog):
        if number % 2:
            return catalog.executions.update("run_1", num_points=number)
        return catalog.executions.progress("run_1", ExecutionProgress(stage="embeddings"))

    assert not [one for one in at_once(work, catalogs) if isinstance(one, ClusteringError)]
    assert catalogs[0].executions.by_id("run_1").num_points % 2 == 1
