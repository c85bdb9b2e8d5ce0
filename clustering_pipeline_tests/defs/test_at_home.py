"""Definitions in a team's own project: its keys, owners, conditions, stores, and data frames."""

import os
import sys
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pandas as pd
import polars as pl
import pytest
import yaml
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster_graphql.test.utils import execute_dagster_graphql

from clustering_pipeline.as_code import cluster_definitions, load_groups, load_members
from clustering_pipeline.defs.fixed_definition import asset_name
from clustering_pipeline.defs.frames import resources_of
from clustering_pipeline.defs.instance.partitions import CLUSTERS
from clustering_pipeline.defs.sensors.lost_runs import dagster_run_id_of
from clustering_pipeline.model.errors import InvalidDefinition, InvalidSettings
from clustering_pipeline.model.ids import looks_like_id, run_id_of
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.resources import (
    CatalogResource,
    EmbeddingProviderResource,
    QdrantResource,
    clustering_resources,
)
from clustering_pipeline.settings import MASK
from clustering_pipeline_tests.defs.test_fixed_definition import definition
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import World

QDRANT = QdrantResource(url="grpc://127.0.0.1:1", api_key="written-down")
RESOURCES = """
query ($selector: RepositorySelector!) {
  allTopLevelResourceDetailsOrError(repositorySelector: $selector) {
    ... on ResourceDetailsList { results { name configuredValues { key value type } } }
  }
}
"""
TEAM = """
import dagster as dg

from clustering_pipeline.as_code import cluster_definitions
from clustering_pipeline.model.ids import looks_like_id, run_id_of
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.resources import CatalogResource, QdrantResource

defs = cluster_definitions(
    "topics.yaml",
    resources={
        "qdrant": QdrantResource(url=dg.EnvVar("TEAM_QDRANT"), api_key="written-down"),
        "catalog": CatalogResource(uri="mongodb://me:written-down@127.0.0.1:1"),
        "label_provider": {"api_key": dg.EnvVar("TEAM_KEY"), "model": "small"},
    },
)
"""


@pytest.fixture(scope="module")
def collection(world: World) -> str:
    return world.collection(planted(sizes={"sea": 20, "court": 10})).collection_name


def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_a_team_says_what_its_assets_hang_on_and_whose_they_are():
    daily, fresh = (
        dg.AutomationCondition.on_cron("@daily"),
        dg.FreshnessPolicy.time_window(fail_window=timedelta(days=2)),
    )

    @dg.asset
    def speeches() -> None:
        """What loads documents."""

    defs = dg.Definitions.merge(
        cluster_definitions(
            definition("Weekly topics", "any"),
            key_prefix=["press", "news"],
            group_name="topics",
            deps=[speeches, "nobody_makes_this"],
            owners=["team:search"],
            tags={"domain": "search"},
            automation_condition=daily,
            freshness_policy=fresh,
        ),
        cluster_definitions(definition("Weekly topics", "any"), key_prefix="mail"),
        dg.Definitions(assets=[speeches]),
    )
    made = specs(defs)
    own = {name: spec for name, spec in made.items() if name.startswith("press/")}
    assert len(own) == 7
    assert {spec.group_name for spec in own.values()} == {"topics"}
    assert {tuple(spec.owners) for spec in own.values()} == {("team:search",)}
    assert {spec.tags["domain"] for spec in own.values()} == {"search"}
    assert {spec.automation_condition for spec in own.values()} == {daily}
    assert {name for name, spec in own.items() if spec.freshness_policy} == {
        "press/news/weekly_topics/published"
    }
    first = own["press/news/weekly_topics/definition"]
    assert {dep.asset_key.to_user_string() for dep in first.deps} == {
        "speeches",
        "nobody_makes_this",
    }
    jobs = {job.name for job in defs.jobs or ()}
    assert jobs == {"execute_press_news_weekly_topics", "execute_mail_weekly_topics"}
    dg.Definitions.validate_loadable(defs)


@pytest.mark.filterwarnings("ignore:.* is currently in beta")
def test_one_condition_makes_the_whole_graph_after_what_it_hangs_on():
    @dg.asset
    def speeches() -> None:
        """What loads documents."""

    eager, enriching = dg.AutomationCondition.eager(), {"enrich_source_collection": True}
    graph = cluster_definitions(
        definition("Topics", "any", **enriching), deps=[speeches], automation_condition=eager
    )
    defs = dg.Definitions.merge(graph, dg.Definitions(assets=[speeches]))
    with dg.DagsterInstance.ephemeral() as instance:
        before = dg.evaluate_automation_conditions(defs, instance=instance)
        dg.materialize([speeches], instance=instance)
        after = dg.evaluate_automation_conditions(defs, instance=instance, cursor=before.cursor)
    assert (before.total_requested, after.total_requested) == (0, 8)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param({}, r"Duplicate asset key: .*'topics', 'definition'", id="one-name-twice"),
        pytest.param({"key_prefix": "mail"}, "Duplicate .*'mail', 'topics'", id="prefix-collides"),
    ],
)
def test_two_graphs_of_one_key_are_refused(options, sentence):
    twice = [cluster_definitions(definition("Topics", "any"), **options) for _ in range(2)]
    with pytest.raises(dg.DagsterInvalidDefinitionError, match=sentence):
        dg.Definitions.validate_loadable(dg.Definitions.merge(*twice))


def test_an_owner_that_dagster_refuses_is_named():
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="'search'"):
        cluster_definitions(definition("Topics", "any"), owners=["search"])


def test_a_relative_path_is_beside_the_file_that_names_it(tmp_path, monkeypatch):
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    for folder, name in ((project, "ours"), (elsewhere, "theirs")):
        folder.mkdir()
        (folder / "topics.yaml").write_text(yaml.safe_dump(definition(name, "any")))
    monkeypatch.chdir(elsewhere)
    code = compile(
        "from clustering_pipeline.as_code import cluster_definitions\n"
        "defs = cluster_definitions('topics.yaml')",
        str(project / "team.py"),
        "exec",
    )
    exec(code, team := {})  # noqa: S102 - a file of a team's
    assert "ours/published" in specs(team["defs"])
    # Not beside it: where the command was typed, as it was before.
    (project / "topics.yaml").unlink()
    exec(code, team)  # noqa: S102
    assert "theirs/published" in specs(team["defs"])
    with pytest.raises(InvalidDefinition, match=r"cannot read nothing\.yaml"):
        cluster_definitions("nothing.yaml")


def test_equal_stores_are_one_and_others_are_refused():
    def graph(name: str, **parts) -> dg.Definitions:
        return cluster_definitions(definition(name, "any"), resources=parts)

    same = QdrantResource(url="grpc://127.0.0.1:1", api_key="written-down")
    dg.Definitions.merge(graph("one", qdrant=QDRANT), graph("two", qdrant=same))
    with pytest.raises(dg.DagsterInvariantViolationError, match="same key 'clustering_qdrant'"):
        dg.Definitions.merge(graph("one", qdrant=QDRANT), graph("two"))


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        pytest.param({"qdrnt": QDRANT}, r"no resource 'qdrnt' .*: qdrant, catalog,", id="unknown"),
        pytest.param({"catalog": QDRANT}, "'catalog' is a QdrantResource", id="another-part"),
        pytest.param({"qdrant": {"urll": "x"}}, r"takes no 'urll'; it takes: url,", id="field"),
        pytest.param({"qdrant": None}, "'qdrant' is a NoneType", id="nothing"),
    ],
)
def test_a_part_that_is_none_of_ours_is_refused(parts, sentence):
    with pytest.raises(InvalidSettings, match=sentence):
        clustering_resources(parts)


def test_a_part_says_all_of_its_system(monkeypatch):
    """A key in the environment is for the server that the environment names."""
    monkeypatch.setenv("CLUSTERING_QDRANT_API_KEY", "of another server")
    monkeypatch.setenv("CLUSTERING_MONGODB_DATABASE", "ours")
    assert QdrantResource(url="grpc://127.0.0.1:1").given() == {
        "qdrant_url": "grpc://127.0.0.1:1",
        "qdrant_api_key": None,
    }
    monkeypatch.setenv("CLUSTERING_EMBEDDING_BASE_URL", "http://127.0.0.1:1")
    ours = clustering_resources({"label_provider": {"api_key": "of the labels"}})
    assert ours["clustering_embedding_provider"] == EmbeddingProviderResource()
    made = clustering_resources({"qdrant": QDRANT})
    assert made["clustering_embedding_provider"] == EmbeddingProviderResource(
        base_url=dg.EnvVar("CLUSTERING_EMBEDDING_BASE_URL")
    )
    assert made["clustering_qdrant"] == QDRANT
    assert made["clustering_catalog"] == CatalogResource(
        database=dg.EnvVar("CLUSTERING_MONGODB_DATABASE")
    )


def test_dagster_shows_what_is_configured_and_no_secret(tmp_path):
    (tmp_path / "topics.yaml").write_text(yaml.safe_dump(definition("topics", "any")))
    (tmp_path / "team.py").write_text(TEAM)
    target = LoadableTargetOrigin(
        executable_path=sys.executable, python_file=str(tmp_path / "team.py")
    )
    origin = InProcessCodeLocationOrigin(target, location_name="team")
    selector = {"repositoryLocationName": "team", "repositoryName": "__repository__"}
    with (
        dg.instance_for_test() as instance,
        create_test_daemon_workspace_context(
            InProcessWorkspaceLoadTarget(origin), instance
        ) as workspace,
    ):
        answer = execute_dagster_graphql(
            workspace.create_request_context(), RESOURCES, variables={"selector": selector}
        ).data
    assert "written-down" not in str(answer)
    listed = answer["allTopLevelResourceDetailsOrError"]["results"]
    shown = {
        resource["name"]: {
            value["key"]: (value["type"], value["value"]) for value in resource["configuredValues"]
        }
        for resource in listed
    }
    assert shown["clustering_qdrant"] == {
        "url": ("ENV_VAR", "TEAM_QDRANT"),
        "api_key": ("SECRET", MASK),
    }
    assert shown["clustering_catalog"]["uri"][0] == "SECRET"
    assert shown["clustering_label_provider"]["api_key"] == ("ENV_VAR", "TEAM_KEY")
    assert shown["clustering_label_provider"]["model"] == ("VALUE", '"small"')


def test_a_run_opens_the_stores_that_a_team_gives(places, world, collection, tmp_path):
    name = world.name("topics")
    resources = {
        "qdrant": QdrantResource(url=dg.EnvVar("TEAM_QDRANT")),
        "catalog": {"uri": dg.EnvVar("TEAM_MONGODB"), "database": places.database},
        "artifacts": {"root": str(tmp_path)},
    }
    os.environ |= {"TEAM_QDRANT": places.qdrant_url, "TEAM_MONGODB": places.mongodb_uri}
    try:
        defs = cluster_definitions(definition(name, collection), resources=resources)
        job = defs.resolve_job_def(f"execute_{asset_name(name)}")
        assert job.execute_in_process(instance=world.instance).success
    finally:
        del os.environ["TEAM_QDRANT"], os.environ["TEAM_MONGODB"]
    assert [path.name for path in Path(tmp_path).rglob("members.parquet")] == ["members.parquet"]


def test_a_downstream_asset_takes_what_was_published(world: World, collection: str):
    name = world.name("topics")
    graph = cluster_definitions(definition(name, collection), connect=world.connect)
    published = [asset_name(name), "published"]
    seen: dict[str, pd.DataFrame | pl.DataFrame] = {}

    @dg.asset(ins={"groups": load_groups(published)})
    def report(groups: pd.DataFrame) -> None:
        seen["groups"] = groups

    @dg.asset(ins={"members": load_members(published)})
    def list_of_members(members: pl.DataFrame) -> None:
        seen["members"] = members

    defs = dg.Definitions.merge(graph, dg.Definitions(assets=[report, list_of_members]))
    alone = defs.resolve_implicit_global_asset_job_def()
    early = alone.execute_in_process(
        instance=world.instance, asset_selection=[report.key], raise_on_error=False
    )
    assert not early.success
    assert alone.execute_in_process(instance=world.instance).success
    groups, members = seen["groups"], seen["members"]
    assert isinstance(groups, pd.DataFrame)
    assert isinstance(members, pl.DataFrame)
    assert sorted(groups["num_members"]) == [10, 20]
    assert members.height == 30
    assert set(members["cluster_label"]) == set(groups["label"])


def test_a_downstream_asset_over_stored_definitions_takes_its_own(world: World, collection: str):
    inputs = world.pipeline.catalog.collections.get(LOCAL, collection)
    first, second = (
        world.define(
            inputs, {"clustering_method": "kmeans", "algorithm_params": {"n_clusters": number}}
        )
        for number in (2, 3)
    )
    for stored in (first, second):
        world.run(stored)
    keys = [first.cluster_id, second.cluster_id]
    world.instance.add_dynamic_partitions(CLUSTERS.name or "", keys)
    upstream = dg.AssetSpec("published", partitions_def=CLUSTERS)
    sizes: dict[str, int] = {}

    @dg.asset(ins={"groups": load_groups("published")}, partitions_def=CLUSTERS)
    def of_one(context: dg.AssetExecutionContext, groups: pd.DataFrame) -> None:
        sizes[context.partition_key] = len(groups)

    @dg.asset(ins={"groups": load_groups("published")})
    def of_all(groups: dict[str, pl.DataFrame]) -> None:
        sizes.update({f"all {key}": frame.height for key, frame in groups.items()})

    defs = dg.Definitions([upstream, of_one, of_all], resources=resources_of(world.connect))
    job = defs.resolve_implicit_global_asset_job_def()
    for key in keys:
        assert job.execute_in_process(
            instance=world.instance, asset_selection=[of_one.key], partition_key=key
        ).success
    assert job.execute_in_process(instance=world.instance, asset_selection=[of_all.key]).success
    expected = dict(zip(keys, (2, 3), strict=True))
    assert sizes == expected | {f"all {key}": number for key, number in expected.items()}


def test_a_run_of_several_definitions_is_an_execution_of_each(world: World, collection: str):
    """Whatever else it makes: everything that a project has, as its button does."""
    names = [world.name("topics"), world.name("authors")]

    @dg.asset
    def speeches() -> None:
        """What loads documents."""

    defs = dg.Definitions.merge(
        *(
            cluster_definitions(
                definition(name, collection), connect=world.connect, deps=[speeches]
            )
            for name in names
        ),
        dg.Definitions(assets=[speeches]),
    )
    job = defs.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=world.instance)
    assert result.success
    catalog = world.pipeline.catalog
    records = [catalog.clusters.get(LOCAL, name) for name in names]
    runs = [run for record in records for run in catalog.executions.ids_of(record.cluster_id)]
    assert sorted(catalog.executions.of_run(run_id_of(result.run_id))) == sorted(runs)
    assert len(set(runs)) == 2
    assert all(looks_like_id(run) and dagster_run_id_of(run) == result.run_id for run in runs)
    assert {(record.state.status, record.claim) for record in records} == {("COMPLETED", None)}
    for record in records:
        shown = catalog.executions.published(record)
        assert shown is not None
        assert (shown.cluster_id, shown.num_clusters) == (record.cluster_id, 2)


def test_chosen_assets_beside_a_teams_own_leave_no_run_under_way(world: World, collection: str):
    name = world.name("topics")

    @dg.asset
    def speeches() -> None:
        """What loads documents."""

    graph = cluster_definitions(definition(name, collection), connect=world.connect)
    defs = dg.Definitions.merge(graph, dg.Definitions(assets=[speeches]))
    chosen = [
        speeches.key,
        *(dg.AssetKey([asset_name(name), stage]) for stage in ("definition", "embeddings")),
    ]
    result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=world.instance, asset_selection=chosen
    )
    checks = result.get_asset_check_evaluations()
    assert (result.success, [check.passed for check in checks]) == (True, [True, True])
    record = world.pipeline.catalog.clusters.get(LOCAL, name)
    (execution,) = world.pipeline.catalog.executions.ids_of(record.cluster_id)
    ended = world.pipeline.catalog.executions.by_id(execution)
    assert (record.claim, ended.status) == (None, "completed")
