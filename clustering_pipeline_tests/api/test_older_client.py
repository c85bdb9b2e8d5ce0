"""The older release of the published client, in an environment of its own."""

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline_tests.api.answers import ok
from clustering_pipeline_tests.sizes import FULL
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import FEATURE, VECTOR

CLIENT = "mixpeek==1.3.10"
SIZES = {"sea": 30, "kitchen": 20, "space": 15, "court": 10}


def environment(folder: Path) -> Path:
    """An interpreter that has the older client, which would not fit beside the newer one."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", CLIENT]
    subprocess.run(install, check=True)
    return python


def filled(client) -> str:
    documents = planted(sizes=SIZES)
    sizes = {VECTOR: documents.vectors.shape[1]}
    request = {"collection_name": f"articles {uuid4().hex[:8]}", "vector_sizes": sizes}
    made = ok(client.post("/v1/collections", json=request))["collection_id"]
    points = [
        {"document_id": str(number), "vectors": {VECTOR: row.tolist()}, "payload": payload}
        for number, (row, payload) in enumerate(
            zip(documents.vectors, documents.payloads, strict=True)
        )
    ]
    ok(client.post(f"/v1/collections/{made}/documents", json={"documents": points}))
    return made


# It downloads what it tests, so it is for the full size alone.
if FULL:

    def test_callers_of_the_older_release_are_served(served, client, tmp_path):
        script = Path(__file__).with_name("older_client.py")
        arguments = [served.url, served.key(), LOCAL.namespace_id, filled(client), FEATURE]
        ran = subprocess.run(
            [environment(tmp_path / "older"), script, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
