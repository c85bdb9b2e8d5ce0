"""What the papers and docstrings show is run, as it stands."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import dagster as dg
import pytest
import yaml
from jsonschema import Draft202012Validator

from clustering_pipeline.components import ClusterComponent
from clustering_pipeline_tests.worlds.own_stack import own_stack

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture
def elsewhere(stack, qdrant_url, tmp_path):
    """A folder to write into, the worker's embedded stack, and no setting of whoever tests."""
    with own_stack(stack, qdrant_url) as patch:
        patch.chdir(tmp_path)
        yield tmp_path


def test_the_notebooks_page_runs(elsewhere):
    blocks = BLOCK.findall((DOCS / "notebook.md").read_text())
    shared: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "notebook.md", "exec"), shared)  # noqa: S102 - our own page
    assert len(blocks) > 3
    assert (elsewhere / "my-topics" / "topics.json").exists()


def test_the_page_of_dagster_projects_runs(elsewhere):
    page = (DOCS / "dagster.md").read_text()
    (elsewhere / "topics.yaml").write_text(page.split("```yaml\n")[1].split("```")[0])
    shared: dict[str, object] = {"__name__": "team"}
    for block in BLOCK.findall(page):
        exec(compile(block, str(elsewhere / "team.py"), "exec"), shared)  # noqa: S102 - our own page
    dg.Definitions.validate_loadable(shared["defs"])
    assert {"topics/published", "largest"} <= {
        key.to_user_string() for key in shared["defs"].resolve_all_asset_keys()
    }
    component = yaml.safe_load(page.split("```yaml\n")[2].split("```")[0])["attributes"]
    schema = ClusterComponent.get_model_cls().model_json_schema()
    assert list(Draft202012Validator(schema).iter_errors(component)) == []


@pytest.mark.parametrize("module", ["notebook.texts", "sklearn"])
def test_examples_in_docstrings_hold(module):
    tested = doctest.testmod(import_module(f"clustering_pipeline.{module}"))
    assert tested.attempted > 0
    assert tested.failed == 0
