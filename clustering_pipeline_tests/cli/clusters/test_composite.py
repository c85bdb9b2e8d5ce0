"""Groups of groups, from the command line."""

from pathlib import Path
from uuid import uuid4

import pytest

from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.cli.command import run
from clustering_pipeline_tests.worlds.direct import execute

FEATURE = "mixpeek://text_extractor@v1/embedding"


@pytest.fixture(scope="module")
def definitions(file: Path) -> list[str]:
    """The names of two definitions that have run over one collection."""
    talks = f"talks {uuid4().hex[:8]}"
    assert run("collections", "load", file, "--name", talks).code == 0
    flags = ("--feature-uri", FEATURE, "--method", "kmeans", "--params", '{"n_clusters": 2}')
    made = [
        run("clusters", "create", "--collection", talks, *flags, "--json").json for _ in range(2)
    ]
    with open_pipeline(Settings()) as pipeline:
        for one in made:
            cluster = pipeline.catalog.clusters.by_id(one["cluster_id"])
            execute(pipeline, cluster, defer_visualization=True)
    return [one["cluster_name"] for one in made]


def test_groups_of_runs_are_grouped(definitions: list[str]) -> None:
    runs = [run("clusters", "get", one, "--json").json["last_run_id"] for one in definitions]
    sources = [word for one in runs for word in ("--source", one)]
    done = run("clusters", "execute", definitions[0], *sources)
    assert done.fields["plan"] == "composite"
    assert all(one in done.fields["composite_mapping"] for one in runs)
    shown = run("runs", "get", done.fields["run_id"], "--json").json
    assert (shown["mode"], shown["source_execution_ids"]) == ("composite", runs)
    assert {where for one in shown["composite_mapping"].values() for where in one.values()} == {
        "cl_0",
        "cl_1",
    }


def test_a_definition_is_made_over_others(definitions: list[str]) -> None:
    sources = [word for one in definitions for word in ("--source", one)]
    made = run("clusters", "create", *sources, "--json").json
    assert len(made["source_cluster_ids"]) == 2
    assert (made["algorithm"], made["feature_uris"]) == ("agglomerative", [FEATURE])
    found = run("clusters", "execute", made["cluster_name"], "--dry-run", "--json").json
    assert found["plan"] == "composite"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        pytest.param(
            ["execute", "nothing", "--source", "run_0", "--full"],
            2,
            "Error: --source goes with none of --full, --assign and --from-pool",
            id="source-and-full",
        ),
        pytest.param(
            ["create", "--source", "nothing"],
            3,
            "error: no cluster definition 'nothing' here: list them to see those there are",
            id="unknown-source",
        ),
    ],
)
def test_errors_are_one_line_with_an_exit_code(
    arguments: list[str], code: int, sentence: str
) -> None:
    done = run("clusters", *arguments)
    assert (done.code, done.out, done.err.strip().splitlines()[-1]) == (code, "", sentence)
