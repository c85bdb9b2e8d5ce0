"""What a definition found, on the command line: a group, its documents, a search, the map."""

import json
from pathlib import Path

import polars as pl
import pytest

from clustering_pipeline_tests.cli.clusters.test_commands import FEATURE, name
from clustering_pipeline_tests.cli.command import run


@pytest.fixture(scope="module")
def cluster(file: Path) -> str:
    """A definition over thirty documents about the sea and twenty about courts, executed."""
    collection, called = name("talks"), name("topics")
    assert run("collections", "load", file, "--name", collection).code == 0
    made = run(
        *("clusters", "create", "--name", called, "--collection", collection),
        *("--feature-uri", FEATURE, "--method", "kmeans", "--params", '{"n_clusters": 2}'),
    )
    assert made.code == 0
    assert run("clusters", "execute", called).code == 0
    return called


def test_a_group_is_shown_with_what_to_do_next(cluster):
    shown = run("clusters", "show", cluster, "cl_0")
    assert shown.code == 0
    assert "30 documents (60.0%)" in shown.out
    for title in ("Texts that stand for it", "Nearest groups", "History", "Fields that stand out"):
        assert title in shown.out
    assert "subject = sea: 100% here, 0% elsewhere" in shown.out
    assert shown.err.endswith(f"clusters members '{cluster}' --group cl_0\n")
    assert run("clusters", "show", cluster).out == run("clusters", "groups", cluster).out
    assert json.loads(run("clusters", "show", cluster, "cl_0", "--json").out)["member_count"] == 30


def test_members_are_files_of_each_kind(cluster, tmp_path):
    paths = [tmp_path / f"members.{ending}" for ending in ("csv", "parquet", "json")]
    for path in paths:
        done = run("clusters", "members", cluster, "--group", "cl_1", "--file", path)
        assert (done.code, done.err) == (0, f"20 documents in {path}\n")
    csv, parquet, records = pl.read_csv(paths[0]), pl.read_parquet(paths[1]), pl.read_json(paths[2])
    assert csv["document_id"].to_list() == parquet["document_id"].to_list()
    assert records["subject"].to_list() == parquet["subject"].to_list() == ["court"] * 20
    shown = run("clusters", "members", cluster, "--field", "year", "--limit", "2")
    assert len(shown.out.splitlines()) == 3
    assert "2 of 50" in shown.err


def test_a_query_the_map_and_time(cluster, tmp_path):
    found = run("clusters", "find", cluster, "verdict of the jury", "--json")
    assert json.loads(found.out)["results"][0]["cluster_id"] == "cl_1"
    path = tmp_path / "map.html"
    assert run("clusters", "map", cluster, "--file", path).out == f"{path}\n"
    assert "<html" in path.read_text()[:500]
    years = run("clusters", "timeline", cluster, "--by", "year", "--every", "year", "--json")
    assert sum(json.loads(years.out)["totals"]) == 50
    assert run("clusters", "timeline", cluster).out.split()[0] == "label"
    apart = run("clusters", "compare", cluster, "--field", "subject", "--values", "sea,court")
    assert "100.0% (88.6%-100.0%) *" in apart.out
    assert run("clusters", "compare", cluster, "--field", "year", "--numbers").code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", "{}", "cl_7"), "has no group 'cl_7'"),
        (("members", "{}", "--group", "x"), "has no group 'x'"),
        (("members", "{}", "--file", "members.txt"), "ends in none of .csv, .json and .parquet"),
        (("find", "{}", "!?"), "has no word to look for"),
        (("timeline", "{}", "--by", "text"), "is a date, for example"),
        (("compare", "{}", "--field", "subject", "--values", "moon"), "there are: 'sea', 'court'"),
        (("compare", "{}", "--field", "year", "--numbers", "--values", "1"), "one of them"),
        (("map", "nobody's"), "nobody's"),
    ],
)
def test_what_is_not_there_is_one_sentence(cluster, arguments, sentence):
    done = run("clusters", *(argument.format(cluster) for argument in arguments))
    assert done.code != 0
    assert sentence in done.err
    assert "Traceback" not in done.err
