"""What the papers name is there: every link, every path, every module, every symbol of a file."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "clustering_pipeline"
PAPERS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]

LINK = re.compile(r"\]\((?!https?:)([^)#]+)(#[^)]*)?\)")
QUOTED = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"(?<![\w./:{-])((?:\w+/)+(?:\w+(?:\.\w+)+)?)(?:: (\w+))?")
MODULE = re.compile(r"\bclustering_pipeline(?:_tests)?(?:\.\w+)+")
BESIDE = ("definitions.py", "as_code.py", "components.py", "worker.py", "settings.py")


def text_of(paper: Path) -> str:
    return paper.read_text(encoding="utf-8")


def located(path: str) -> Path | None:
    """A path as the papers write it: from the root of the repository, or inside the package."""
    places = (base / path for base in (ROOT, PACKAGE))
    return next((place for place in places if place.exists()), None)


def is_ours(path: str) -> bool:
    first = path.split("/", maxsplit=1)[0]
    return (PACKAGE / first).is_dir() or (ROOT / first).is_dir()


def paths_of(paper: Path) -> Iterator[tuple[str, str | None]]:
    """The paths in quotes whose first folder is one of ours, and the symbol named behind them."""
    for quoted in QUOTED.findall(text_of(paper)):
        yield from ((path, name) for path, name in PATH.findall(quoted) if is_ours(path))
        if quoted in BESIDE:
            yield quoted, None


def importable(dotted: str) -> bool:
    """Whether a dotted name is a module, or a name within one."""
    *parents, last = dotted.split(".")
    module = ROOT.joinpath(*parents, last)
    if module.is_dir() or module.with_suffix(".py").exists():
        return True
    file = ROOT.joinpath(*parents)
    file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    return file.exists() and re.search(rf"\b{last}\b", file.read_text()) is not None


def named(paper: Path) -> str:
    return str(paper.relative_to(ROOT))


@pytest.mark.parametrize("paper", PAPERS, ids=named)
def test_every_link_leads_somewhere(paper):
    links = [target for target, _ in LINK.findall(text_of(paper))]
    assert [target for target in links if not (paper.parent / target).exists()] == []


@pytest.mark.parametrize("paper", PAPERS, ids=named)
def test_every_path_exists(paper):
    missing = [path for path, _ in paths_of(paper) if located(path) is None]
    assert missing == []


@pytest.mark.parametrize("paper", PAPERS, ids=named)
def test_every_symbol_is_in_its_file(paper):
    symbols = [(path, name) for path, name in paths_of(paper) if name]
    missing = [
        f"{path}: {name}"
        for path, name in symbols
        if (file := located(path)) is None or not re.search(rf"\b{name}\b", file.read_text())
    ]
    assert missing == []


@pytest.mark.parametrize("paper", PAPERS, ids=named)
def test_every_module_can_be_imported(paper):
    modules = {match.group() for match in MODULE.finditer(text_of(paper))}
    assert sorted(module for module in modules if not importable(module)) == []


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "decisions"
    listed = {target for target, _ in LINK.findall(text_of(folder / "README.md"))}
    assert listed == {file.name for file in folder.glob("*.md")} - {"README.md"}
