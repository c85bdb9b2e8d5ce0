"""Definitions kept as code: assets of their own, the same records."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import dagster as dg
import pytest
import yaml
from dagster.components.core.package_entry import discover_entry_point_package_objects
from dagster.components.testing.utils import create_defs_folder_sandbox

from clustering_pipeline.as_code import cluster_definitions
from clustering_pipeline.components import ClusterComponent
from clustering_pipeline.defs.fixed_definition import asset_name, read_definition
from clustering_pipeline.labeling import LabelingConfig
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import InvalidDefinition
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import run_id_of
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import FEATURE, World

STAGES = (
    "definition",
    "embeddings",
    "reduced_embeddings",
    "assignments",
    "cluster_summaries",
    "cluster_labels",
    "published",
)
PROJECT = '''
from pathlib import Path

import dagster as dg

from clustering_pipeline.as_code import cluster_definitions

here = Path(__file__).parent
theirs = dg.ResourceDefinition.none_resource()


@dg.asset(deps=[dg.AssetKey(["weekly_topics", "published"])])
def weekly_report() -> None:
    """What the team makes of the groups."""


defs = dg.Definitions.merge(
    cluster_definitions(here / "topics.yaml"),
    cluster_definitions(here / "authors.yaml"),
    dg.Definitions(assets=[weekly_report], resources={"pipeline": theirs}),
)
'''


def definition(name: str, collection: str, **fields) -> dict:
    return {
        "cluster_name": name,
        "collection_ids": [collection],
        "vector_config": {
            "feature_uri": FEATURE,
            "clustering_method": "kmeans",
            "algorithm_params": {"n_clusters": 2},
        },
        **fields,
    }


@pytest.fixture(scope="module")
def collection(world: World) -> str:
    return world.collection(planted(sizes={"sea": 20, "court": 10})).collection_name


@pytest.fixture
def file(tmp_path: Path, collection: str) -> Path:
    path = tmp_path / "topics.yaml"
    path.write_text(yaml.safe_dump(definition("Weekly topics", collection)))
    return path


def execute(world: World, defs: dg.Definitions, job: str) -> ExecutionRecord:
    result = defs.resolve_job_def(job).execute_in_process(instance=world.instance)
    assert result.success
    return world.pipeline.catalog.executions.by_id(run_id_of(result.run_id))


def stage_keys(defs: dg.Definitions) -> list[str]:
    return sorted(key.to_user_string() for key in defs.resolve_all_asset_keys())


def test_the_assets_have_the_name_as_prefix_and_group_and_no_partition(file, world):
    defs = cluster_definitions(file, connect=world.connect)
    assert stage_keys(defs) == sorted(f"weekly_topics/{stage}" for stage in STAGES)
    specs = defs.resolve_all_asset_specs()
    assert {spec.group_name for spec in specs} == {"weekly_topics"}
    assert {spec.partitions_def for spec in specs} == {None}


def test_an_enriching_definition_has_one_asset_more(collection, world):
    request = definition("Enriching", collection, enrich_source_collection=True)
    defs = cluster_definitions(request, connect=world.connect)
    assert set(stage_keys(defs)) == {
        f"enriching/{stage}" for stage in (*STAGES, "enriched_documents")
    }


def test_it_writes_the_same_records_as_a_stored_definition(file, world):
    name = world.name("topics")
    request = yaml.safe_load(file.read_text()) | {"cluster_name": name}
    defs = cluster_definitions(request, connect=world.connect)
    execution = execute(world, defs, f"execute_{asset_name(name)}")
    record = world.pipeline.catalog.clusters.get(LOCAL, name)
    assert (execution.cluster_id, execution.status) == (record.cluster_id, "completed")
    assert (record.state.status, record.state.num_clusters) == ("COMPLETED", 2)
    assert record.state.last_run_id == execution.run_id

    stored = world.execute(record)
    assert stored.execution.cluster_id == execution.cluster_id
    assert stored.execution.model_dump(include={"num_clusters", "num_points", "params"}) == (
        execution.model_dump(include={"num_clusters", "num_points", "params"})
    )


def test_a_changed_file_changes_the_stored_definition(file, world):
    name = world.name("topics")
    request = yaml.safe_load(file.read_text()) | {"cluster_name": name}
    first = execute(
        world, cluster_definitions(request, connect=world.connect), f"execute_{asset_name(name)}"
    )
    request["filters"] = {"subject": "sea"}
    request["enrich_source_collection"] = True
    request["vector_config"]["algorithm_params"] = {"n_clusters": 3}
    second = execute(
        world, cluster_definitions(request, connect=world.connect), f"execute_{asset_name(name)}"
    )
    assert second.cluster_id == first.cluster_id
    assert (first.num_points, second.num_points) == (30, 20)
    assert (first.num_clusters, second.num_clusters) == (2, 3)
    record = world.pipeline.catalog.clusters.get(LOCAL, name)
    assert record.spec.filters == {"subject": "sea"}


def test_a_file_is_applied_once_a_run(file, world):
    name = world.name("topics")
    request = yaml.safe_load(file.read_text()) | {
        "cluster_name": name,
        "llm_labeling": {"enabled": True},
    }

    def edited_meanwhile(_config: LabelingConfig) -> None:
        patch = validate(PatchClusterRequest, {"description": "by hand"})
        world.pipeline.catalog.clusters.patch(LOCAL, name, patch)

    edited = world.over(provider_of=edited_meanwhile)
    defs = cluster_definitions(request, connect=edited.connect)
    execute(world, defs, f"execute_{asset_name(name)}")
    record = world.pipeline.catalog.clusters.get(LOCAL, name)
    assert (record.spec.description, record.state.num_clusters) == ("by hand", 2)


def test_a_json_file_serves_too(tmp_path, collection):
    path = tmp_path / "topics.json"
    path.write_text(json.dumps(definition("Weekly topics", collection)))
    assert read_definition(path).cluster_name == "Weekly topics"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param("- a list", r"holds no mapping of fields to values", id="list"),
        pytest.param("", r"holds no mapping of fields to values", id="empty"),
        pytest.param("a: [b", r"is neither YAML nor JSON: ", id="broken"),
        pytest.param("cluster_nam: x", r"cluster_nam", id="unknown-key"),
    ],
)
def test_a_file_that_is_no_definition_is_refused(tmp_path, content, sentence):
    path = tmp_path / "broken.yaml"
    path.write_text(content)
    with pytest.raises(InvalidDefinition, match=sentence) as refused:
        cluster_definitions(path)
    assert "\n" not in refused.value.message


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidDefinition, match=r"cannot read .*nothing\.yaml: No such file"):
        cluster_definitions(tmp_path / "nothing.yaml")


def test_a_definition_without_a_name_is_refused(collection):
    request = definition("x", collection) | {"cluster_name": None}
    with pytest.raises(InvalidDefinition, match="needs a cluster_name"):
        cluster_definitions(request)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Weekly topics", "weekly_topics"),
        ("  Überblick – 2026 ", "berblick_2026"),
        ("主题", "cluster"),
    ],
)
def test_names_become_names_that_dagster_takes(name, expected):
    assert asset_name(name) == expected


@pytest.fixture
def project(tmp_path: Path, file: Path, collection: str) -> Path:
    """A team's own Dagster project with two definitions kept as code."""
    authors = definition("Authors", collection)
    (tmp_path / "authors.yaml").write_text(yaml.safe_dump(authors))
    (tmp_path / "team.py").write_text(PROJECT)
    (tmp_path / "workspace.yaml").write_text("load_from:\n  - python_file: team.py\n")
    return tmp_path


@pytest.fixture
def team(project: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("team", project / "team.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_they_compose_with_a_teams_own_assets(team):
    keys = stage_keys(team.defs)
    assert "weekly_report" in keys
    assert [key for key in keys if key.endswith("/published")] == [
        "authors/published",
        "weekly_topics/published",
    ]
    assert {job.name for job in team.defs.jobs} == {"execute_authors", "execute_weekly_topics"}


def test_dagster_validates_the_project_and_ours(project, tmp_path):
    ours = Path(__file__).parents[2] / "workspace.yaml"
    home = tmp_path / "home"
    home.mkdir()
    command = [sys.executable, "-m", "dagster", "definitions", "validate"]
    done = subprocess.run(
        [*command, "-w", ours, "-w", "workspace.yaml"],
        cwd=project,
        env=os.environ | {"DAGSTER_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "All code locations passed validation" in done.stdout + done.stderr


# Dagster 1.13 reads its own YAML through a function that pydantic deprecates, and warns of what
# is beta of what it puts on every asset of a component.
@pytest.mark.filterwarnings("ignore:.parse_obj_as. is deprecated:DeprecationWarning:dagster")
@pytest.mark.filterwarnings("ignore:.* is currently in beta")
@pytest.mark.parametrize("inline", [False, True])
def test_the_component_builds_the_same_assets(collection, inline):
    wanted = definition("Weekly topics", collection)
    with create_defs_folder_sandbox() as sandbox:
        attributes = {"cluster": wanted} if inline else {"definition": "topics.yaml"}
        path = sandbox.scaffold_component(
            component_cls=ClusterComponent,
            defs_path="topics",
            defs_yaml_contents={
                "type": "clustering_pipeline.components.ClusterComponent",
                "attributes": attributes,
            },
        )
        (path / "topics.yaml").write_text(yaml.safe_dump(wanted))
        with sandbox.load_component_and_build_defs(defs_path=path) as (component, defs):
            assert isinstance(component, ClusterComponent)
            assert stage_keys(defs) == sorted(f"weekly_topics/{stage}" for stage in STAGES)


def test_dg_lists_the_component():
    assert "clustering_pipeline.components.ClusterComponent" in {
        key.to_typename() for key in discover_entry_point_package_objects()
    }
