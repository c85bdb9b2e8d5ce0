"""Imports point one way, and what thinks knows nothing of where its input comes from."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import clustering_pipeline

ROOT = Path(clustering_pipeline.__file__).parent
NAME = ROOT.name

# Which parts each part may import, besides itself: model ← engine, labeling, report, notifications,
# stores ← pipeline ← automation ← service ← defs, api ← local ← cli, definitions.
_BASE = {"model", "settings", "garbage", "logs"}
_VALUES = _BASE | {"engine", "labeling", "embedding", "report", "notifications", "stores"}
_RULES = _VALUES | {"pipeline", "automation"}
_WORK = _RULES | {"service"}
MAY_IMPORT = {
    "model": set(),
    "settings": {"model"},
    "garbage": set(),
    "logs": set(),
    "engine": {"model", "garbage", "logs"},
    "labeling": {"model", "logs"},
    "embedding": {"model", "logs", "labeling", "stores"},
    "report": {"model", "logs"},
    "notifications": {"model", "logs"},
    "stores": {"model", "logs"},
    "pipeline": _VALUES,
    "automation": _VALUES | {"pipeline"},
    "service": _RULES,
    "defs": _WORK,
    "api": _WORK,
    "local": _WORK | {"defs"},
    "cli": _WORK | {"defs", "api", "local"},
    "notebook": _WORK | {"defs", "local"},
    "sklearn": {"engine", "model"},
    "resources": {"defs", "local", "model", "pipeline", "settings"},
    "definitions": {"defs", "resources"},
    "as_code": {"model", "defs", "resources"},
    "components": {"as_code", "defs", "model", "resources"},
    "worker": {"definitions", "defs", "garbage"},
    # Where Dagster homes of earlier versions look for the event log.
    "orchestration": {"defs"},
}
OUTSIDE_SYSTEMS = {"dagster", "fastapi", "pymongo", "qdrant_client", "boto3"}
NEVER_IMPORT = {
    "model": OUTSIDE_SYSTEMS,
    "engine": OUTSIDE_SYSTEMS,
    "labeling": OUTSIDE_SYSTEMS,
    "embedding": OUTSIDE_SYSTEMS,
    "report": OUTSIDE_SYSTEMS,
    "notifications": OUTSIDE_SYSTEMS,
    "stores": {"dagster", "fastapi"},
    "pipeline": {"dagster", "fastapi", "pymongo", "boto3"},
    "automation": {"dagster", "fastapi", "pymongo", "qdrant_client", "boto3"},
    "service": {"dagster", "fastapi", "pymongo", "boto3"},
    "api": {"dagster"},
    "cli": {"dagster"},
    "notebook": {"dagster", "fastapi"},
}

# Who imports Dagster besides ``defs``.
DAGSTER = {
    "definitions.py": "the code location",
    "as_code.py": "definitions in somebody's own Dagster project",
    "components.py": "the component of dg",
    "resources.py": "the stores as a team configures them",
    "worker.py": "a run in a process of its own",
}
# It says what each of the names stands in for.
PRIVATE = {"defs/instance/internals.py"}


def files(part: str) -> Iterator[Path]:
    """The files of one part: a package or a module."""
    folder = ROOT / part
    yield from folder.rglob("*.py") if folder.is_dir() else [ROOT / f"{part}.py"]


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parts_of(file: Path) -> set[str]:
    """The parts of this project that a file imports."""
    ours = [name.split(".") for name in imports(file) if name.split(".")[0] == NAME]
    return {path[1] for path in ours if len(path) > 1}


def test_every_part_has_its_rule():
    there = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert there - {"__init__", "__pycache__"} == MAY_IMPORT.keys()


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_imports_point_one_way(part):
    found = {
        str(file.relative_to(ROOT)): wrong
        for file in files(part)
        if (wrong := parts_of(file) - MAY_IMPORT[part] - {part})
    }
    assert found == {}


@pytest.mark.parametrize("part", sorted(NEVER_IMPORT))
def test_what_thinks_speaks_to_no_outside_system(part):
    found = {
        str(file.relative_to(ROOT)): wrong
        for file in files(part)
        if (wrong := {name.split(".")[0] for name in imports(file)} & NEVER_IMPORT[part])
    }
    assert found == {}


def importers(of: str) -> set[str]:
    """The files of the package that import a package, or one below it."""
    return {
        str(file.relative_to(ROOT))
        for file in ROOT.rglob("*.py")
        if any(f"{name}.".startswith(f"{of}.") for name in imports(file))
    }


def test_dagster_stays_in_its_room():
    elsewhere = {name for name in importers("dagster") if not name.startswith("defs/")}
    assert elsewhere == DAGSTER.keys()


def test_private_parts_of_dagster_stay_in_one_file():
    assert importers("dagster._core") | importers("dagster._serdes") == PRIVATE


def test_no_test_patches():
    tests = Path(__file__).parent
    patching = [
        str(file.relative_to(tests))
        for file in tests.rglob("*.py")
        if any(name.startswith("unittest.mock") for name in imports(file))
    ]
    assert patching == []


HEAVY = ["hdbscan", "matplotlib", "numba", "openai", "plotly", "sklearn", "umap"]


@pytest.mark.parametrize(
    ("modules", "never"),
    [
        pytest.param(["definitions"], [*HEAVY, "qdrant_client"], id="the-location"),
        pytest.param(
            [
                "cli.clusters.commands",
                *(f"cli.commands.{name}" for name in ("batches", "runs", "tenants", "triggers")),
            ],
            [*HEAVY, "dagster", "qdrant_client"],
            id="commands-over-the-catalog",
        ),
        pytest.param(["stores.documents"], [*HEAVY, "qdrant_client"], id="documents"),
        pytest.param(
            ["cli.commands.config"], [*HEAVY, "dagster", "pymongo", "qdrant_client"], id="config"
        ),
        pytest.param(["cli.main"], [*HEAVY, "dagster", "polars", "pymongo"], id="help"),
    ],
)
def test_nobody_waits_for_packages_that_are_not_used(modules, never):
    imported = ", ".join(f"{NAME}.{module}" for module in modules)
    program = f"import sys, {imported}; print(*sorted(set({never}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
