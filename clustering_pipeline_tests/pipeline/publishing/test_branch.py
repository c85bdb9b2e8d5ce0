"""A branch deployment has catalog, files and outputs of its own; documents stay as they are."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pymongo import MongoClient

from clustering_pipeline.defs.instance.home import dagster_home
from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.stack.client import Stack
from clustering_pipeline.model.definitions.execute import ApplyClusterEnrichmentRequest
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.publishing.clear_fields import clear_unheld
from clustering_pipeline.service.executions.plan import plan_of
from clustering_pipeline.service.results.enrich import enrich_collection
from clustering_pipeline.service.results.verify import verify_documents
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

TWO = KMEANS | {"algorithm_params": {"n_clusters": 2}}
BRANCH = "feature/Sea"


@pytest.fixture(scope="module")
def settings(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        branch=BRANCH,
        data_dir=tmp_path_factory.mktemp("data"),
        mongodb_uri=stack.mongodb_uri,
        mongodb_database=f"test_{uuid4().hex[:8]}",
        qdrant_url=stack.qdrant_url,
    )


@pytest.fixture(scope="module")
def branch(world: World, settings: Settings, stack: Stack) -> Iterator[World]:
    """The stores as a branch opens them."""
    with open_pipeline(settings) as pipeline:
        yield World(pipeline=pipeline, instance=world.instance, made=world.made)
    with MongoClient(stack.mongodb_uri) as client:
        client.drop_database(settings.database)


def test_names_of_a_branch_are_its_own(settings: Settings, tmp_path: Path):
    slug = settings.branch
    assert settings.database == f"{settings.mongodb_database}_{slug}"
    assert settings.artifacts_root.endswith(f"/artifacts/branches/{slug}")
    assert dagster_home(settings) == settings.data_dir / "branches" / slug / "dagster"
    names = ("feature/sea", "feature-sea", "海", "x" * 99)
    others = {Settings(branch=name).branch for name in names}
    assert len(others | {slug}) == 5
    assert all(name.replace("_", "").isalnum() and len(name) < 30 for name in others)
    assert Settings(branch="sea").branch == "sea"
    on_s3 = Settings(branch="sea", artifacts="s3://bucket/team/")
    assert on_s3.artifacts_root == "s3://bucket/team/branches/sea"
    assert on_s3.in_force()["CLUSTERING_ARTIFACTS"] == on_s3.artifacts_root


@pytest.mark.parametrize(
    ("variables", "known"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"IS_BRANCH_DEPLOYMENT": "0", "GIT_BRANCH": "main"}, None, id="production"),
        pytest.param({"IS_BRANCH_DEPLOYMENT": "1", "GIT_BRANCH": "sea"}, "sea", id="branch"),
        pytest.param({"IS_BRANCH_DEPLOYMENT": "1", "DEPLOYMENT_NAME": "d1"}, "d1", id="by-name"),
        pytest.param({"IS_BRANCH_DEPLOYMENT": "1"}, "branch", id="nameless"),
    ],
)
def test_dagster_says_which_branch_it_is(monkeypatch, variables, known):
    for name, text in variables.items():
        monkeypatch.setenv(f"DAGSTER_CLOUD_{name}", text)
    assert Settings().branch == known
    monkeypatch.setenv("CLUSTERING_BRANCH", "own")
    assert Settings().branch == "own"


def test_source_documents_stay_as_they_are(branch: World):
    collection = branch.collection(planted(sizes={"sea": 12, "court": 9}))
    before = branch.payloads(collection)
    definition = branch.define(collection, TWO, enrich_source_collection=True)
    done = branch.run(definition)
    assert branch.payloads(collection) == before
    written = done.execution.write_back
    assert (done.execution.status, written.status, written.written) == ("completed", "off", 0)
    off = (
        f"write-back is off in branch '{branch.pipeline.branch}': source documents are everybody's"
    )
    assert written.error == off
    assert done.cluster.state.documents_hold == []
    assert plan_of(branch.pipeline, definition.resolved()) == "relabel"
    for refused in (
        lambda: clear_unheld(branch.pipeline, done.cluster),
        lambda: verify_documents(branch.pipeline, done.cluster),
        lambda: enrich_collection(
            branch.pipeline,
            LOCAL,
            ApplyClusterEnrichmentRequest(
                clustering_ids=[definition.cluster_id],
                source_collection_id=collection.collection_id,
            ),
        ),
    ):
        with pytest.raises(StateConflict) as error:
            refused()
        assert error.value.message == off
    assert branch.payloads(collection) == before


def test_output_collections_carry_the_branch(branch: World, world: World, settings: Settings):
    collection = branch.collection(planted(sizes={"sea": 12, "court": 9}))
    done = branch.run(branch.define(collection, TWO))
    (alias,) = done.cluster.state.output_collection_ids
    assert alias.endswith(f"_{settings.branch}")
    assert done.cluster.state.output_collection_names[0].endswith(f" clusters {settings.branch}")
    assert branch.pipeline.documents.aliases()[alias] == f"{alias}__{done.run_id}"
    assert branch.pipeline.catalog.clusters.ids() not in world.pipeline.catalog.clusters.ids()


def test_a_copied_catalog_touches_nobodys_output(branch: World, world: World):
    definition = world.define(world.collection(planted(sizes={"sea": 12, "court": 9})), TWO)
    shown = world.run(definition)
    (alias,) = shown.cluster.state.output_collection_ids
    copied = World(
        pipeline=world.over(branch=branch.pipeline.branch).pipeline, instance=world.instance
    )
    with pytest.raises(StateConflict, match="a catalog that was copied has them"):
        copied.run(definition)
    assert world.pipeline.documents.aliases()[alias] == f"{alias}__{shown.run_id}"
