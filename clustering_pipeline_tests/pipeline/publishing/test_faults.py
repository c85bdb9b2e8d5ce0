"""A run is killed between any two writes of publication and write-back, and nothing is torn.

The table of the points is printed: ``pytest -rP`` shows it.
"""

from functools import partial

import pytest

from clustering_pipeline_tests.sizes import FULL
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.dying import Places, run_directly, run_in_dagster
from clustering_pipeline_tests.worlds.killing import Killing, points
from clustering_pipeline_tests.worlds.subjects import Shelf, shelf
from clustering_pipeline_tests.worlds.world import World

# The two states that executions go back and forth between; document 9 leaves and comes back.
STATES = (
    {1: "sea", 2: "sea", 3: "sea", 4: "court", 5: "court", 6: None, 7: "space", 9: "sea"},
    {1: "sea", 2: "sea", 3: "court", 4: "court", 5: None, 6: "garden", 7: "space", 8: "space"},
)


@pytest.fixture(scope="module")
def found(world: World) -> Shelf:
    return shelf(world, STATES[0])


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        pytest.param("onto", run_directly, id="write-back"),
        pytest.param("beside", run_directly, id="output-collection"),
        pytest.param("onto", run_in_dagster, id="in-dagster"),
    ],
)
def test_nothing_is_torn(places: Places, found: Shelf, kind: str, target) -> None:
    cluster, pipeline = getattr(found, kind), found.world.pipeline
    payloads = found.world.payloads(found.collection)
    found.change({int(number): one.get("subject") for number, one in payloads.items()}, STATES[0])
    execute(pipeline, cluster)
    killing = Killing(
        pipeline=pipeline, places=places, scene=found, cluster=cluster, states=STATES, target=target
    )
    directly = target is run_directly
    wanted = partial(points, every=FULL and directly, ci=3 if directly else 2)
    print(killing.at_points(wanted, f"{kind}, {target.__name__}"))  # noqa: T201 - asked for
