"""A definition is deleted or archived at a moment at which its run writes something."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import polars as pl
import pyarrow as pa
import pytest

from clustering_pipeline.model.errors import ClusterNotFound
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.executions.delete import remove_cluster
from clustering_pipeline.service.executions.finish import cancel
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.artifacts.parquet import ParquetSink
from clustering_pipeline_tests.sizes import FULL
from clustering_pipeline_tests.worlds.subjects import grouped, shelf
from clustering_pipeline_tests.worlds.world import World

BEFORE = {1: "sea", 2: "sea", 3: "court"}
AFTER = {4: "court", 5: "space"}
ALL = ("embeddings", "reduced", "assignments", "summaries", "labels", "clusters", "members")
MOMENTS = ALL if FULL else ("members",)


class Heard(Artifacts):
    """Says which table is about to be written."""

    def __init__(self, plain: Artifacts, told: Callable[[str], None]):
        super().__init__(plain._files, root=plain.root)
        self.told = told

    def open_writer(self, key: str, schema: pa.Schema) -> AbstractContextManager[ParquetSink]:
        self.tell(key)
        return super().open_writer(key, schema)

    def write_frame(self, key: str, frame: pl.DataFrame) -> int:
        self.tell(key)
        return super().write_frame(key, frame)

    def tell(self, key: str) -> None:
        self.told(key.rpartition("/")[2].removesuffix(".parquet"))


@pytest.mark.parametrize("leaves", ["delete", "archive"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_whose_definition_leaves_publishes_nothing(world: World, moment, leaves):
    made = shelf(world, BEFORE)
    definition, pipeline = made.beside, world.pipeline
    first = world.execute(definition)
    made.put(AFTER)
    runs: list[str] = []

    def leave(table: str) -> None:
        claim = pipeline.catalog.clusters.by_id(definition.cluster_id).claim if not runs else None
        if table != moment or claim is None:
            return
        runs.append(claim.run_id)
        if leaves == "archive":
            pipeline.catalog.automation.archive(LOCAL, definition.cluster_id)
        cancel(pipeline.catalog, claim.run_id)
        if leaves == "delete":
            remove_cluster(pipeline, LOCAL, definition.cluster_id)

    heard = Heard(pipeline.artifacts, leave)
    assert not world.over(artifacts=heard).start(definition).success
    (run_id,) = runs
    if leaves == "delete":
        assert pipeline.catalog.executions.find(run_id) is None
        assert [one for one in pipeline.artifacts.list() if run_id in one] == []
        (alias,) = definition.state.output_collection_ids
        there = [*pipeline.documents.collections(), *pipeline.documents.aliases()]
        assert [one for one in there if one.startswith(alias)] == []
        with pytest.raises(ClusterNotFound):
            pipeline.catalog.clusters.by_id(definition.cluster_id)
    else:
        state = pipeline.catalog.clusters.by_id(definition.cluster_id).state
        assert pipeline.catalog.executions.by_id(run_id).status == "canceled"
        assert state.last_run_id == first.run_id
        assert made.output()[0] == grouped(BEFORE)
