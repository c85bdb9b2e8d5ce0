"""Commands over a Qdrant in strict mode."""

import pytest

from clustering_pipeline_tests.cli.command import run


def test_documents_are_loaded_again_and_listed(file, strict_url):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLUSTERING_QDRANT_URL", strict_url)
        for _ in range(2):
            loaded = run("collections", "load", file, "--name", "strict talks", "--json").json
        listed = run("collections", "list", "--json").json
        assert run("collections", "delete", loaded["collection_id"], "--yes").code == 0
    points = {record["collection_id"]: record["points"] for record in listed}
    assert points[loaded["collection_id"]] == 50
