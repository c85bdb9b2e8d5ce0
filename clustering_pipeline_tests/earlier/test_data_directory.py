"""A data directory made before the package had its present rooms: it opens and works.

``data.tar.xz`` holds a catalog, collections, a Dagster home and a folder of artifacts with three
runs of ``topics`` (full, full, assign), two of ``themes`` and one composite; ``facts.json`` says
what the version that made them showed.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from clustering_pipeline.defs.instance.home import dagster_home, open_instance
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.cli.command import run
from clustering_pipeline_tests.earlier.unpacked import FACTS, unpacked

TOPICS = FACTS["topics"]
SEAFARING = TOPICS["groups"][0]["group_uid"]


@pytest.fixture(scope="module", autouse=True)
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with unpacked(tmp_path_factory.mktemp("earlier")) as folder:
        yield folder


def groups(definition: str) -> list[dict[str, Any]]:
    return run("clusters", "groups", definition, "--json").json["groups"]


def told(definition: str) -> list[dict[str, Any]]:
    """The groups as the facts name them."""
    names = FACTS[definition]["groups"][0]
    return [{name: group[name] for name in names} for group in groups(definition)]


def uids(definition: str) -> dict[str, str]:
    return {group["group_uid"]: group["label"] for group in groups(definition)}


# One after the other: each goes on where the last one ended.
def test_it_shows_what_it_showed():
    listed = {row["cluster_name"]: row for row in run("clusters", "list", "--json").json["results"]}
    assert {name: row["cluster_id"] for name, row in listed.items()} == {
        name: facts["cluster_id"] for name, facts in FACTS.items()
    }
    assert {name: told(name) for name in ("topics", "themes", "everything")} == {
        name: FACTS[name]["groups"] for name in ("topics", "themes", "everything")
    }
    runs = run("runs", "list", "topics", "--json").json
    assert [record["run_id"] for record in runs] == TOPICS["runs"]


def test_its_documents_are_as_its_published_run_wrote_them():
    found = run("clusters", "verify-documents", "topics", "--json").json
    assert (found["documents"], found["right"], found["wrong"]) == (145, 145, 0)


def test_its_dagster_home_opens():
    with open_instance(dagster_home(Settings())) as instance:
        assert {FACTS[name]["cluster_id"] for name in FACTS} <= set(
            instance.get_dynamic_partitions("clusters")
        )
        assert instance.get_runs_count() == 7


def test_new_documents_join_its_groups(tmp_path):
    more = tmp_path / "more.parquet"
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(6, 8)).astype(np.float32)
    pl.DataFrame(
        {"document_id": [f"new-{row}" for row in range(6)], "text": ["whale sailor"] * 6}
    ).with_columns(pl.Series("embedding", vectors, dtype=pl.Array(pl.Float32, 8))).write_parquet(
        more
    )
    assert run("collections", "load", more, "--name", "articles").code == 0
    done = run("clusters", "execute", "topics", "--assign", "--json").json
    assert (done["status"], done["mode"]) == ("completed", "assign")
    assert uids("topics").keys() == {group["group_uid"] for group in TOPICS["groups"]}
    assert uids("topics")[SEAFARING] == "Seafaring"


def test_groups_keep_uids_and_peoples_names_over_a_full_run():
    done = run("clusters", "execute", "topics", "--full", "--json").json
    assert done["status"] == "completed"
    after = uids("topics")
    assert after.keys() == {group["group_uid"] for group in TOPICS["groups"]}
    assert after[SEAFARING] == "Seafaring"


def test_a_composite_and_a_definition_kept_by_batches_run():
    for name in ("themes", "everything"):
        assert run("clusters", "execute", name, "--json").json["status"] == "completed"


def test_its_edits_can_be_changed(tmp_path):
    edits = run("clusters", "edits", "get", "topics", "--json").json["edits"]
    assert edits["rename"] == {SEAFARING: "Seafaring"}
    assert edits["exclude"] == ["art-005"]
    file = tmp_path / "edits.json"
    file.write_text(json.dumps(edits | {"rename": {SEAFARING: "Ships"}}))
    assert run("clusters", "edits", "put", "topics", "--file", file).code == 0
    assert run("clusters", "execute", "topics").code == 0
    assert uids("topics")[SEAFARING] == "Ships"


def test_it_rolls_back_to_a_run_made_then():
    first = TOPICS["runs"][-1]
    back = run("clusters", "rollback", "topics", first)
    assert (back.code, f"shows {first} again" in back.err) == (0, True)
    # Under the name that was given since.
    assert uids("topics")[SEAFARING] == "Ships"
    checked = run("clusters", "verify-documents", "topics", "--json").json
    assert (checked["documents"], checked["wrong"]) == (120, 0)
