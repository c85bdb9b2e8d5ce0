"""What every command shares: help, settings, exit codes, streams."""

import json
import os
import subprocess
from pathlib import Path

import click
import pytest

from clustering_pipeline.cli.main import cli
from clustering_pipeline_tests.cli.command import PROGRAM, run

SECRETS = {
    "CLUSTERING_MONGODB_URI": "mongodb://ann:s3cret@db.example:27017",
    "CLUSTERING_QDRANT_API_KEY": "s3cret-qdrant",
    "CLUSTERING_LLM_API_KEY": "s3cret-llm",
}


def shell(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def helps(command: click.Command, path: str, parent: click.Context | None = None) -> list[str]:
    """The help of a command and of all below it."""
    name = path.rpartition(" ")[2]
    context = click.Context(command, parent, name, **command.context_settings)
    context.terminal_width = context.max_content_width = 100
    pages = [command.get_help(context)]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            pages += helps(command.get_command(context, name), f"{path} {name}", context)
    return pages


def test_the_help_is_as_reviewed():
    shown = "\n\n".join(helps(cli, "clustering-pipeline")) + "\n"
    assert shown == (Path(__file__).parent / "help.txt").read_text()


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_is_there_under_both_names(option):
    done = run(option)
    assert done.code == 0
    assert done.out.startswith("Usage: ")


def test_the_version_is_told():
    assert run("--version").out.endswith("clustering-pipeline, version 0.1.0\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["clutser"], "Error: No such command 'clutser'.", id="command"),
        pytest.param(["config", "--jsno"], "Error: No such option", id="option"),
        pytest.param(["clusters", "get"], "Error: Missing argument 'CLUSTER'.", id="argument"),
    ],
)
def test_a_misspelt_command_line_is_refused(arguments, sentence):
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err


def test_config_prints_what_is_in_force_and_no_secret():
    done = shell("config", **SECRETS, CLUSTERING_QDRANT_URL="grpc://vectors.example:6334")
    assert (done.returncode, done.stderr) == (0, "")
    assert "s3cret" not in done.stdout
    shown = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line)
    assert {name: shown[name] for name in SECRETS} == dict.fromkeys(SECRETS, "********")
    assert shown["CLUSTERING_QDRANT_URL"] == "grpc://vectors.example:6334"


def test_no_library_speaks_before_we_do(mongodb_uri, stack):
    """Of the handshake that fails, nor of a key."""
    address = f"grpcs://127.0.0.1:{stack.qdrant_url.rpartition(':')[2]}"
    done = shell(
        *("collections", "register", "any"),
        CLUSTERING_MONGODB_URI=mongodb_uri,
        CLUSTERING_QDRANT_URL=address,
        CLUSTERING_QDRANT_API_KEY="a key",
    )
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == (
        f"error: Qdrant at {address} does not speak TLS at this port: let CLUSTERING_QDRANT_URL "
        "begin with grpc://\n"
    )


def test_config_names_what_is_embedded(monkeypatch):
    monkeypatch.delenv("CLUSTERING_QDRANT_URL", raising=False)
    shown = run("config", "--json").json
    assert (shown["CLUSTERING_MONGODB_URI"], shown["CLUSTERING_QDRANT_URL"]) == (
        "embedded mongod",
        "embedded Qdrant",
    )
    assert shown["CLUSTERING_DATA_DIR"] == os.environ["CLUSTERING_DATA_DIR"]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        pytest.param(
            "LLM_MAX_COST",
            "plenty",
            "error: CLUSTERING_LLM_MAX_COST: Input should be a valid number, unable to parse "
            "string as a number",
            id="no-number",
        ),
        pytest.param(
            "LLM_PRICES",
            '{"tiny": {"prompt": 1}}',
            "error: CLUSTERING_LLM_PRICES['tiny']['completion']: Field required",
            id="incomplete",
        ),
        pytest.param(
            "LLM_PRICES",
            "cheap",
            "error: a setting that must be JSON is not: error parsing value for field "
            '"llm_prices" from source "EnvSettingsSource"',
            id="no-json",
        ),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(monkeypatch, name, value, sentence):
    monkeypatch.setenv(f"CLUSTERING_{name}", value)
    done = run("config")
    assert (done.code, done.out, done.err) == (2, "", f"{sentence}\n")


def test_a_store_that_is_down_is_one_line(monkeypatch):
    monkeypatch.setenv("CLUSTERING_MONGODB_URI", "mongodb://127.0.0.1:1")
    done = run("clusters", "list")
    assert (done.code, done.out) == (5, "")
    assert done.err.splitlines()[-1] == (
        "error: the catalog does not answer: no MongoDB at mongodb://127.0.0.1:1; is it running?"
    )
    assert "Traceback" not in done.err


def test_json_on_stdout_and_everything_else_on_stderr():
    done = shell("clusters", "list", "--json")
    assert done.returncode == 0
    assert "results" in json.loads(done.stdout)
    assert done.stderr == ""


def test_a_reader_that_leaves_early_is_no_error():
    command = [*PROGRAM, "clusters", "list", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.read(1) == b"{"
        process.stdout.close()
        assert process.stderr.read() == b""
