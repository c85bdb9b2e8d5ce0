"""What cannot be clustered is refused in one sentence, and what was published stays."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from pymongo import MongoClient

from clustering_pipeline.labeling import LabelingConfig
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.ids import run_id_of
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.documents import Documents as Qdrant
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, Ran, World, failure_of

RESULTS = ("last_run_id", "num_clusters", "num_documents_clustered", "quality_metrics")
PUBLISHED = (*RESULTS, "parquet_path", "members_key", "completed_at", "execution_time_seconds")
CLOSED = "127.0.0.1:1"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A published definition over two collections; a test breaks the second one."""

    world: World
    ran: Ran
    first: CollectionRecord
    second: CollectionRecord

    def point_at(self, qdrant_collection: str) -> None:
        """Puts another Qdrant collection behind the second input."""
        self.world.pipeline.catalog.collections.update(
            LOCAL, self.second.collection_id, qdrant_collection=qdrant_collection
        )

    def refused(self, world: World | None = None, **request) -> Ran:
        """The next run, which must fail and change nothing that readers see."""
        before, payloads = self.ran.cluster, self.world.payloads(self.first)
        failed = (world or self.world).execute(before, request=ExecuteClusterByIdRequest(**request))
        assert not failed.result.success
        after = failed.cluster.state
        assert {name: getattr(after, name) for name in PUBLISHED} == {
            name: getattr(before.state, name) for name in PUBLISHED
        }
        assert self.world.payloads(self.first) == payloads
        assert (after.last_attempt_id, failed.cluster.claim) == (failed.run_id, None)
        return failed


@pytest.fixture(scope="module")
def published(world: World) -> Kept:
    documents = planted(sizes={"sea": 20, "court": 20})
    first, second = world.collection(documents), world.collection(documents)
    world.add(
        first.qdrant_collection,
        replace(planted(sizes={"space": 3}), ids=[901, 902, 903]),
        vector_name=None,
    )
    config = KMEANS | {"algorithm_params": {"n_clusters": 2}}
    ran = world.execute(world.define([first, second], config, enrich_source_collection=True))
    return Kept(world=world, ran=ran, first=first, second=second)


@pytest.fixture
def kept(published: Kept) -> Iterator[Kept]:
    yield published
    published.point_at(published.second.qdrant_collection)


def says(failed: Ran) -> str:
    """What the catalog's two records say, once it is clear that they agree, in all words."""
    state, execution = failed.cluster.state, failed.execution
    assert (execution.status, state.status) == ("failed", "FAILED")
    assert execution.failure_category == state.failure_category
    assert execution.error_message == state.error
    assert "\n" not in state.error
    return f"{state.failure_category}: {execution.whole_error}"


def failure(failed: Ran) -> str:
    """What Dagster shows at the failed step."""
    (event,) = [one for one in failed.result.all_events if one.is_step_failure]
    shown = event.event_specific_data.user_failure_data
    assert shown.metadata["category"].value == failed.cluster.state.failure_category
    return f"{shown.metadata['category'].value}: {shown.description}"


def check(failed: Ran, name: str) -> str:
    """What Dagster shows at the failed check."""
    (one,) = [one for one in failed.result.get_asset_check_evaluations() if one.check_name == name]
    assert not one.passed
    return f"{failed.cluster.state.failure_category}: {one.description}"


def test_a_collection_that_is_gone(kept):
    kept.point_at("gone")
    failed = kept.refused()
    assert says(failed).startswith("not_found: Qdrant at ")
    assert "has no collection 'gone': register one" in says(failed)
    assert failure(failed) == says(failed)


def test_a_collection_that_is_forgotten(kept):
    collections = kept.world.pipeline.catalog.collections
    collections.forget(LOCAL, kept.second.collection_id)
    failed = kept.refused()
    collections.table.insert(
        {"_id": f"int_local/ns_default/{kept.second.collection_id}"}
        | kept.second.model_dump(mode="json")
    )
    assert says(failed) == (
        f"not_found: no collection '{kept.second.collection_id}' here: register it, or list those "
        "there are"
    )
    assert failure(failed) == says(failed)


def test_a_vector_that_is_not_there(kept):
    other = kept.world.collection(planted(sizes={"sea": 3}), vector_name="title_v1")
    kept.point_at(other.qdrant_collection)
    failed = kept.refused()
    assert says(failed).startswith("invalid_request: ")
    assert says(failed).endswith("it has: title_v1")
    assert failure(failed) == says(failed)


def test_vectors_of_two_lengths(kept):
    other = kept.world.collection(planted(sizes={"sea": 3}, dimensions=8))
    kept.point_at(other.qdrant_collection)
    failed = kept.refused()
    assert says(failed).startswith("input_rejected: ")
    assert says(failed).endswith("collections clustered together need vectors of one length")
    assert failure(failed) == says(failed)


def test_filters_that_nothing_matches(kept):
    failed = kept.refused(filters={"subject": "opera"})
    names = f"{kept.first.collection_id}, {kept.second.collection_id}"
    assert says(failed) == (
        f"input_rejected: no document of {names} matches the filters; widen them or load documents"
    )
    assert check(failed, "has_documents") == says(failed)


def test_documents_that_all_lack_the_vector(kept):
    failed = kept.refused(filters={"subject": "space"})
    assert says(failed) == (
        "input_rejected: none of the 3 selected documents has the vector embedding; embed them, "
        "or choose another feature URI"
    )
    assert check(failed, "has_documents") == says(failed)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_not_numbers(kept, value):
    documents = planted(sizes={"sea": 30})
    documents.vectors[3, 5] = value
    documents.vectors[7, 0] = value
    other = kept.world.collection(documents, distance="Dot")
    kept.point_at(other.qdrant_collection)
    failed = kept.refused()
    assert says(failed) == (
        "input_rejected: 2 vectors hold NaN or infinity (documents doc_00003, doc_00007); embed "
        "those documents again or filter them out"
    )
    assert check(failed, "finite_vectors") == says(failed)


def test_qdrant_that_is_down(kept):
    down = Qdrant.connect(f"grpc://{CLOSED}", patience=0.3)
    failed = kept.refused(kept.world.over(documents=down))
    down.close()
    assert says(failed).startswith(f"store_unavailable: Qdrant at grpc://{CLOSED} did not answer")
    assert failure(failed) == says(failed)


def test_artifacts_that_cannot_be_written(kept, tmp_path):
    (tmp_path / "file").touch()
    failed = kept.refused(kept.world.over(artifacts=Artifacts.open(tmp_path / "file" / "folder")))
    assert says(failed).startswith("store_unavailable: the artifacts folder ")
    assert failure(failed) == says(failed)


def test_a_catalog_that_is_down(kept):
    cluster_id = kept.ran.cluster.cluster_id
    before = kept.world.pipeline.catalog.clusters.by_id(cluster_id)
    with MongoClient(f"mongodb://{CLOSED}", serverSelectionTimeoutMS=50) as client:
        down = kept.world.over(catalog=Catalog(client["any"], address=CLOSED, timeout_ms=200))
        result = down.start(before)
    assert failure_of(result) == (
        f"the catalog does not answer: no MongoDB at {CLOSED}; is it running?"
    )
    assert kept.world.pipeline.catalog.executions.find(run_id_of(result.run_id)) is None
    assert kept.world.pipeline.catalog.clusters.by_id(cluster_id) == before


def test_a_mistake_of_ours_is_recorded_with_its_traceback(kept):
    def broken(_config: LabelingConfig) -> None:
        message = "no such thing"
        raise KeyError(message)

    failed = kept.refused(
        kept.world.over(provider_of=broken), llm_labeling={"enabled": True, "provider": "openai"}
    )
    assert says(failed) == "internal: KeyError: 'no such thing'"
    assert "in broken" in failed.execution.error_traceback


def test_the_next_run_over_what_can_be_clustered_succeeds(kept):
    again = kept.world.execute(kept.ran.cluster)
    assert again.result.success
    state = again.cluster.state
    assert (state.status, state.error, state.failure_category) == ("COMPLETED", None, None)
    assert state.last_run_id == again.run_id
