"""A pipeline over real stores, and the few things that tests do with it."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from uuid import uuid4

import dagster as dg

from clustering_pipeline.definitions import build
from clustering_pipeline.defs.instance.partitions import NAME
from clustering_pipeline.defs.instance.tags import EXECUTE
from clustering_pipeline.model.collections import CollectionRecord, RegisterCollectionRequest
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import run_id_of
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution
from clustering_pipeline_tests.worlds import direct
from clustering_pipeline_tests.worlds.planted import Documents

VECTOR = "embedding"
FEATURE = f"mixpeek://text_extractor@v1/{VECTOR}"
KMEANS = {"clustering_method": "kmeans", "algorithm_params": {"n_clusters": 4}}
EVERYTHING = "__ASSET_JOB"  # what Dagster's own "Materialize" runs
Result = dg.ExecuteInProcessResult


def failure_of(result: Result) -> str:
    """What Dagster shows at the one step that failed."""
    (event,) = [one for one in result.all_events if one.is_step_failure]
    return event.event_specific_data.user_failure_data.description


@dataclass(frozen=True, kw_only=True)
class Done:
    """What the catalog says of a run that has ended."""

    execution: ExecutionRecord
    cluster: ClusterRecord

    @property
    def run_id(self) -> str:
        return self.execution.run_id


@dataclass(frozen=True, kw_only=True)
class Ran(Done):
    """The same, and what Dagster says of it."""

    result: Result

    def metadata(self, *asset: str) -> Mapping[str, Any]:
        """What Dagster shows of one asset."""
        found = self.result.asset_materializations_for_node("__".join(asset))
        return {name: value.value for name, value in found[0].metadata.items()}


@dataclass(frozen=True, kw_only=True)
class World:
    """Stores of a test module: names in there are made unique, so that tests share it."""

    pipeline: Pipeline
    instance: dg.DagsterInstance
    made: list[str] = field(default_factory=list)

    @contextmanager
    def connect(self) -> Generator[Pipeline]:
        """What production opens and closes is open already."""
        yield self.pipeline

    def over(self, **stores: Any) -> "World":
        """The same world with other stores."""
        return replace(self, pipeline=replace(self.pipeline, **stores))

    @cached_property
    def definitions(self) -> dg.Definitions:
        """Built once: what Dagster finds out about a job serves all of its runs."""
        return build(self.connect)

    def collection(
        self,
        documents: Documents,
        *,
        vectors: Mapping[str, str] | None = None,
        vector_name: str = VECTOR,
        distance: str = "Cosine",
    ) -> CollectionRecord:
        """A Qdrant collection that holds the documents, registered."""
        name = self.name("documents")
        size = documents.vectors.shape[1]
        self.pipeline.documents.create_collection(name, {vector_name: size}, distance=distance)
        self.made.append(name)
        self.add(name, documents, vector_name=vector_name)
        request = RegisterCollectionRequest(collection_name=name, vectors=dict(vectors or {}))
        return self.pipeline.catalog.collections.register(LOCAL, request)

    def registered(self, name: str) -> CollectionRecord:
        """An existing Qdrant collection, made known under its own name."""
        request = RegisterCollectionRequest(collection_name=name)
        return self.pipeline.catalog.collections.register(LOCAL, request)

    def add(self, name: str, documents: Documents, *, vector_name: str | None = VECTOR) -> None:
        vectors = {vector_name: documents.vectors} if vector_name else {}
        self.pipeline.documents.upsert(name, documents.ids, vectors, documents.payloads)

    def define(
        self,
        collections: CollectionRecord | Sequence[CollectionRecord],
        vector_config: Mapping[str, Any] | None = KMEANS,
        **fields: Any,
    ) -> ClusterRecord:
        """A stored definition over the collections."""
        inputs = [collections] if isinstance(collections, CollectionRecord) else collections
        request = {
            "cluster_name": self.name("definition"),
            "collection_ids": [one.collection_id for one in inputs],
            "vector_config": vector_config and {"feature_uri": FEATURE, **vector_config},
            **fields,
        }
        wanted = validate(CreateClusterRequest, request)
        return self.pipeline.catalog.clusters.create(LOCAL, wanted)

    def run(self, cluster: ClusterRecord, *, stages: Iterable[str] | None = None) -> Done:
        """Runs the definition without Dagster, in half of the time; raises what it fails with."""
        execution = direct.execute(self.pipeline, cluster, stages=stages)
        record = self.pipeline.catalog.clusters.by_id(cluster.cluster_id)
        return Done(execution=execution, cluster=record)

    def execute(
        self,
        cluster: ClusterRecord,
        *,
        job: str = EXECUTE,
        request: ExecuteClusterByIdRequest | None = None,
    ) -> Ran:
        """Runs the definition through the Dagster graph, to whatever end.

        With a ``request`` the execution is made first, as a launch does it.
        """
        run_id = str(uuid4())
        if request is not None:
            identity = RunIdentity(dagster_run_id=run_id, root_run_id=run_id)
            made = new_execution(cluster, identity, cluster.resolved(request))
            self.pipeline.catalog.executions.begin(made)
        return self.ran(self.start(cluster, job=job, run_id=run_id), cluster)

    def start(self, cluster: ClusterRecord, *, job: str = EXECUTE, **options: Any) -> Result:
        """What Dagster alone tells of a run."""
        self.instance.add_dynamic_partitions(NAME, [cluster.cluster_id])
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=cluster.cluster_id,
            raise_on_error=False,
            **options,
        )

    def materialize(self, cluster: ClusterRecord, *assets: str) -> Ran:
        """Runs chosen assets, as somebody does who clicks on them in Dagster."""
        chosen = [dg.AssetKey(name) for name in assets]
        result = self.start(cluster, job=EVERYTHING, asset_selection=chosen)
        return self.ran(result, cluster)

    def ran(self, result: Result, cluster: ClusterRecord) -> Ran:
        """The run with what the catalog says of it."""
        execution = self.pipeline.catalog.executions.find(run_id_of(result.run_id))
        assert execution is not None, f"it ended before it began: {failure_of(result)}"
        return Ran(
            result=result,
            execution=execution,
            cluster=self.pipeline.catalog.clusters.by_id(cluster.cluster_id),
        )

    def payloads(self, collection: CollectionRecord) -> dict[str, dict[str, Any]]:
        """Point id to payload, of all documents."""
        pages = self.pipeline.documents.scroll(collection.qdrant_collection)
        return {point.id: point.payload for page in pages for point in page}

    def name(self, kind: str) -> str:
        return f"{kind} {uuid4().hex[:12]}"
