"""The runs that clients of this server ask for; it watches those that are processes of its own."""

import logging
import threading
import uuid
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from clustering_pipeline.logs import tell
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.errors import ClusteringError, ExecutionInFlight, StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.begin import RunIdentity
from clustering_pipeline.service.executions.cancel import cancel_execution
from clustering_pipeline.service.executions.finish import cancel
from clustering_pipeline.service.executions.launch import (
    POLL_SECONDS,
    follow,
    launch,
    launch_rename,
    new_identity,
)
from clustering_pipeline.service.executions.launcher import Launched, Launcher
from clustering_pipeline.service.executions.plan import plan_of

LOG = logging.getLogger(__name__)
# Any will do; it must stay, so that an Idempotency-Key finds its run after a restart.
_KEYS = uuid.UUID("5f0c7d52-6d0e-4c53-9a55-3d2f4a1c9e7b")


class Launches:
    """Starts, cancels and settles runs; safe to use from many threads."""

    def __init__(self, pipeline: Pipeline, launcher: Launcher):
        self._pipeline = pipeline
        self._launcher = launcher
        self._runs: dict[str, tuple[Launched, threading.Thread]] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def start(
        self,
        scope: Scope,
        cluster: str,
        request: ExecuteClusterByIdRequest,
        *,
        idempotency_key: str | None = None,
    ) -> ExecutionRecord:
        """The execution, its run under way; that of an earlier call with the same key, if any.

        Raises ClusterNotFound, InvalidRequest, and ExecutionInFlight while another run holds the
        definition.
        """
        catalog = self._pipeline.catalog
        record = catalog.clusters.get(scope, cluster)
        identity = _identity(record.cluster_id, idempotency_key)
        execution = catalog.executions.find(identity.run_id)
        if execution is not None:
            return execution
        plan = plan_of(self._pipeline, record.resolved(request))
        try:
            launched = launch(
                self._launcher, catalog, scope, cluster, request, plan=plan, identity=identity
            )
        except ExecutionInFlight:
            execution = catalog.executions.find(identity.run_id)
            if execution is None:
                raise
            return execution
        if launched.waits_in is None:
            self._watch(launched)
        return catalog.executions.by_id(launched.run_id)

    def rename(self, cluster_id: str, uids: Collection[str]) -> None:
        """Puts new names of those groups where readers find them: now, or when the run under way
        has ended.
        """
        if uids and not self._renames(cluster_id, uids):
            waiter = threading.Thread(target=self._rename_later, args=[cluster_id, uids])
            waiter.daemon = True
            waiter.start()

    def _rename_later(self, cluster_id: str, uids: Collection[str]) -> None:
        while not self._closed.wait(POLL_SECONDS):
            try:
                if self._renames(cluster_id, uids):
                    return
            except ClusteringError as error:
                LOG.warning("the next run of %s names its groups: %s", cluster_id, error.message)
                return

    def _renames(self, cluster_id: str, uids: Collection[str]) -> bool:
        """Whether there is nothing to wait for."""
        try:
            launched = launch_rename(self._launcher, self._pipeline, cluster_id, uids)
        except ExecutionInFlight:
            return False
        if launched is not None and launched.waits_in is None:
            self._watch(launched)
        return True

    def cancel(self, scope: Scope, run_id: str) -> None:
        """Ends an execution; raises ExecutionNotFound, and StateConflict when it has ended."""
        catalog = self._pipeline.catalog
        known = catalog.executions.get(scope, run_id).owner is not None
        cancel_execution(catalog, scope, run_id, self._launcher)
        with self._lock:
            run = self._runs.get(run_id)
        if run is not None:
            # The catalog knows no process before it has begun; one that it knows was told.
            end = run[0].await_end if known else run[0].stop
            threading.Thread(target=end, daemon=True).start()

    def cancel_all(self, cluster: ClusterRecord) -> None:
        """Ends the executions of a definition, and waits for those of this server."""
        for execution in self._pipeline.catalog.executions.active(cluster.cluster_id):
            with suppress(StateConflict):
                self.cancel(cluster.scope, execution.run_id)
            with self._lock:
                run = self._runs.get(execution.run_id)
            if run is not None:
                run[1].join()

    def close(self) -> None:
        """Cancels what still runs: nobody would follow it."""
        self._closed.set()
        with self._lock:
            runs = list(self._runs.values())
        if runs:
            with ThreadPoolExecutor(len(runs)) as pool:
                pool.map(lambda run: self._abandon(run[0]), runs)
        for _, watcher in runs:
            watcher.join()

    def _abandon(self, launched: Launched) -> None:
        with suppress(ClusteringError):
            cancel(self._pipeline.catalog, launched.run_id)
        if not launched.is_over:
            launched.stop()

    def _watch(self, launched: Launched) -> None:
        watcher = threading.Thread(target=self._settle, args=[launched], daemon=True)
        with self._lock:
            self._runs[launched.run_id] = launched, watcher
        watcher.start()

    def _settle(self, launched: Launched) -> None:
        launched.wait()
        try:
            follow(launched, self._pipeline.catalog, lambda _execution: None)
        except ClusteringError as error:
            # The catalog is away, or the definition is: whoever claims it next finds a dead owner.
            kind, run_id = type(error).__name__, launched.run_id
            tell(LOG, "run not settled", logging.WARNING, run_id=run_id, because=kind)
        finally:
            with self._lock:
                del self._runs[launched.run_id]


def _identity(cluster_id: str, idempotency_key: str | None) -> RunIdentity:
    """A run of its own; calls with one key get one run, whichever server they reach."""
    if idempotency_key is None:
        return new_identity(str(uuid.uuid4()))
    return new_identity(str(uuid.uuid5(_KEYS, f"{cluster_id}:{idempotency_key}")))
