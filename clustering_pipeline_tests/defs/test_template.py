"""The project in ``examples/dagster_project`` as its team types it: scaffold, check, launch."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
import yaml
from dagster.components.core.component_tree import ComponentTree
from dagster.components.testing.utils import create_defs_folder_sandbox
from jsonschema import Draft202012Validator

from clustering_pipeline.components import ClusterComponent
from clustering_pipeline.defs.component import ClusterScaffolder, ScaffoldParams
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.errors import InvalidDefinition
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.resources import QdrantResource
from clustering_pipeline.service.collections.load import Load, load
from clustering_pipeline_tests.defs.test_fixed_definition import definition
from clustering_pipeline_tests.worlds.dying import Places
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import FEATURE, World

ROOT = Path(__file__).parents[2]
TYPE = "clustering_pipeline.components.ClusterComponent"
# One interpreter for all commands: most of what each takes is to be imported.
PROGRAM = """
import json, sys
from dagster_dg_cli.cli import cli

ends = []
for command in json.loads(sys.argv[1]):
    try:
        ends.append(cli(command, standalone_mode=False) or 0)
    except Exception as error:
        ends.append(repr(error))
print(json.dumps(ends))
"""


def dg_commands(project: Path, *commands: Sequence[str]) -> tuple[list[int | str], str]:
    """How each command ended, and what they said."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(project / "src")]),
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    *said, ends = done.stdout.splitlines() or [""]
    assert done.returncode == 0, done.stderr
    return json.loads(ends), "\n".join([*said, done.stderr])


@pytest.fixture
def project(places: Places, world: World, tmp_path: Path, monkeypatch) -> Path:
    """A copy of the template, over the stores of the tests."""
    copy = tmp_path / "dagster_project"
    shutil.copytree(ROOT / "examples" / "dagster_project", copy)
    documents = planted(sizes={"sea": 20, "court": 16, "space": 12, "kitchen": 8})
    rows = [
        {"document_id": str(key), "text": payload["text"], "embedding": vector}
        for key, payload, vector in zip(
            documents.ids, documents.payloads, documents.vectors.tolist(), strict=True
        )
    ]
    file = tmp_path / "speeches.parquet"
    pl.DataFrame(rows).write_parquet(file)
    load(world.pipeline, LOCAL, Load(file=file, collection_name="speeches"))
    world.made.append("speeches")
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\nnux: {enabled: false}\n")
    for name in [name for name in os.environ if name.startswith(("CLUSTERING_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("CLUSTERING_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CLUSTERING_ARTIFACTS", places.folder)
    monkeypatch.setenv("CLUSTERING_MONGODB_URI", places.mongodb_uri)
    monkeypatch.setenv("CLUSTERING_MONGODB_DATABASE", places.database)
    monkeypatch.setenv("CLUSTERING_QDRANT_URL", places.qdrant_url)
    return copy


def test_a_team_scaffolds_checks_and_launches(project: Path, world: World, tmp_path: Path):
    other, broken = tmp_path / "other", "src/topics_project/defs/topics/defs.yaml"
    shutil.copytree(project, other)
    (other / broken).write_text((project / broken).read_text().replace("kmeans", "kmeens"))
    scaffold = ["scaffold", "defs", TYPE, "authors", "--collection", "speeches"]
    ends, said = dg_commands(
        project,
        [*scaffold, "--feature-uri", FEATURE],
        ["check", "yaml", "--target-path", str(other)],
        ["check", "defs"],
        # The default executor, in a process for each step; the definition's job, in one.
        ["launch", "--assets", 'key:"topics/definition"'],
        ["launch", "--job", "execute_topics"],
    )
    assert ends == [0, 1, 0, 0, 0], said
    assert "'kmeens' is not one of ['kmeans', 'dbscan'" in said
    assert "Multiprocess executor: parent process exiting" in said
    catalog = world.pipeline.catalog
    record = catalog.clusters.get(LOCAL, "topics")
    assert (record.state.status, record.state.num_clusters, record.claim) == ("COMPLETED", 4, None)
    runs = map(catalog.executions.by_id, catalog.executions.ids_of(record.cluster_id))
    assert [run.status for run in runs] == ["completed", "completed"]


def scaffolded(folder: Path, name: str, **params: str) -> dict:
    """The component that a scaffold writes, with every option of its comments taken."""
    request = dg.ScaffoldRequest(
        type_name=TYPE,
        target_path=folder / name,
        scaffold_format="yaml",
        project_root=None,
        params=ScaffoldParams(**params),
    )
    request.target_path.mkdir()
    ClusterScaffolder().scaffold(request)
    text = (request.target_path / "defs.yaml").read_text()
    proposed = re.sub(r"(?m)^( *)# (?=[a-z_]+:|  )", r"\1", text)
    return yaml.safe_load(proposed)


@pytest.mark.filterwarnings("ignore:.parse_obj_as. is deprecated:DeprecationWarning:dagster")
@pytest.mark.filterwarnings("ignore:.* is currently in beta")
def test_what_a_scaffold_proposes_is_what_a_component_takes(tmp_path: Path):
    made = scaffolded(tmp_path, 'people: "all"', collection="a, b", feature_uri=FEATURE)
    attributes = made["attributes"]
    assert attributes.keys() == ClusterComponent.model_fields.keys() - {"definition"}
    assert attributes["cluster"]["cluster_name"] == 'people: "all"'
    assert attributes["cluster"]["collection_ids"] == ["a, b"]
    assert list(problems(attributes)) == []
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(ClusterComponent, "people", defs_yaml_contents=made)
        with sandbox.load_component_and_build_defs(defs_path=path) as (_, defs):
            specs = defs.resolve_all_asset_specs()
            shown = defs.resources["clustering_qdrant"]
    own = [spec for spec in specs if spec.key.path[0] == "marketing"]
    assert len(own) == 8
    assert {(tuple(spec.owners), spec.group_name) for spec in own} == {(("team:search",), "topics")}
    assert shown == QdrantResource(url=dg.EnvVar("QDRANT_URL"), api_key=dg.EnvVar("QDRANT_API_KEY"))


def problems(attributes: object) -> Iterator[str]:
    """What ``dg check yaml`` says of a component."""
    schema = ClusterComponent.get_model_cls().model_json_schema()
    return (error.message for error in Draft202012Validator(schema).iter_errors(attributes))


VECTORS = {"feature_uri": FEATURE, "clustering_method": "kmeans"}


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        pytest.param({}, "'cluster' is a required property", id="empty"),
        pytest.param({"cluster": {"collection_ids": ["a"]}}, "'cluster_name' is a", id="no-name"),
        pytest.param({"cluster": {"cluster_nam": "a"}}, "'cluster_nam' was unexpected", id="field"),
        pytest.param(
            {"cluster": {"vector_config": VECTORS | {"algorithm_params": {"n_cluster": 3}}}},
            "('n_cluster' was unexpected)",
            id="parameter",
        ),
        pytest.param(
            {"cluster": {"vector_config": VECTORS | {"algorithm_params": {"n_clusters": "x"}}}},
            "'x' is not of type 'integer'",
            id="type",
        ),
        pytest.param({"definition": "a", "owner": ["x"]}, "'owner' was unexpected", id="option"),
        pytest.param(
            {"definition": "a", "resources": {"qdrnt": {}}}, "'qdrnt' was unexpected", id="store"
        ),
    ],
)
def test_what_is_wrong_in_a_component_is_named(attributes, sentence):
    assert any(sentence in problem for problem in problems(attributes))


def test_a_whole_definition_of_a_client_is_right():
    """With null wherever a client sends null."""
    request = CreateClusterRequest.model_validate(definition("a", "b"))
    assert list(problems({"cluster": request.model_dump(mode="json")})) == []


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        pytest.param({}, "has no definition: write it below `cluster`", id="nothing"),
        pytest.param({"definition": "a", "cluster": {}}, "has two: write", id="two"),
        pytest.param({"cluster": {}}, "collection_ids is required", id="empty"),
        pytest.param({"definition": "nothing.yaml"}, "cannot read .*nothing.yaml", id="no-file"),
        pytest.param({"definition": "empty.yaml"}, "holds no mapping", id="empty-file"),
    ],
)
def test_a_component_without_a_definition_is_refused(tmp_path, attributes, sentence):
    (tmp_path / "empty.yaml").write_text("")
    if attributes.get("definition"):
        attributes = attributes | {"definition": str(tmp_path / attributes["definition"])}
    component = ClusterComponent.from_attributes_dict(attributes=attributes)
    with pytest.raises(InvalidDefinition, match=sentence):
        component.build_defs(ComponentTree.for_test().load_context)
