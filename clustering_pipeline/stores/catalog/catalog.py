"""The catalog: definitions, executions and what they need, in MongoDB."""

from collections.abc import Mapping
from typing import Any, Self

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import ConfigurationError

from clustering_pipeline.model.errors import CatalogUnavailable
from clustering_pipeline.model.times import Clock, utc_now
from clustering_pipeline.stores.catalog import indexes
from clustering_pipeline.stores.catalog.automation.batches import Batches
from clustering_pipeline.stores.catalog.automation.deliveries import Deliveries
from clustering_pipeline.stores.catalog.automation.outbox import Outbox
from clustering_pipeline.stores.catalog.automation.triggers import Triggers
from clustering_pipeline.stores.catalog.automation.webhooks import Webhooks
from clustering_pipeline.stores.catalog.collections import Collections
from clustering_pipeline.stores.catalog.definitions.automatic import Automations
from clustering_pipeline.stores.catalog.definitions.clusters import Clusters
from clustering_pipeline.stores.catalog.executions.executions import Executions
from clustering_pipeline.stores.catalog.executions.groups import Edits, LabelAnswers, Lineages
from clustering_pipeline.stores.catalog.executions.tasks import Queue, Tasks
from clustering_pipeline.stores.catalog.table import Guard, Table, address_of
from clustering_pipeline.stores.catalog.tenants import Keys, Namespaces, Organizations

TIMEOUT_MS = 6000


class Catalog:
    """One small store per kind of record; API, sensors and assets all use these."""

    def __init__(
        self,
        database: Database[dict[str, Any]],
        *,
        address: str = "the configured address",
        branch: str | None = None,
        timeout_ms: int = TIMEOUT_MS,
        clock: Clock = utc_now,
    ):
        self.address = address
        guard = Guard(address=address, seconds=timeout_ms / 1000)
        tables = {name: Table(database[name], guard) for name in _TABLES}
        self._database = database
        self._tables: Mapping[str, Table] = tables
        self.collections = Collections(
            table=tables["collections"], clusters=tables["clusters"], branch=branch, clock=clock
        )
        self.executions = Executions(table=tables["executions"], clock=clock)
        self.batches = Batches(table=tables["batches"], collections=self.collections, clock=clock)
        self.clusters = Clusters(
            table=tables["clusters"],
            collections=self.collections,
            executions=self.executions,
            batches=self.batches,
            clock=clock,
        )
        self.automation = Automations(clusters=self.clusters)
        self.edits = Edits(table=tables["edits"], clock=clock)
        self.lineages = Lineages(table=tables["lineages"])
        self.triggers = Triggers(table=tables["triggers"], clusters=self.clusters, clock=clock)
        self.queue = Queue(table=tables["queue"])
        self.tasks = Tasks(executions=self.executions, queue=self.queue)
        self.label_answers = LabelAnswers(table=tables["label_answers"], clock=clock)
        self.namespaces = Namespaces(table=tables["namespaces"], clock=clock)
        self.organizations = Organizations(table=tables["organizations"], clock=clock)
        self.keys = Keys(table=tables["keys"], clock=clock)
        self.deliveries = Deliveries(table=tables["webhook_deliveries"], clock=clock)
        self.webhooks = Webhooks(table=tables["webhooks"], deliveries=self.deliveries, clock=clock)
        self.outbox = Outbox(
            executions=tables["executions"],
            webhooks=self.webhooks,
            deliveries=self.deliveries,
            clock=clock,
        )

    @classmethod
    def connect(
        cls,
        uri: str,
        database: str,
        *,
        branch: str | None = None,
        timeout_ms: int = TIMEOUT_MS,
        clock: Clock = utc_now,
    ) -> Self:
        """Opens the catalog, its indexes made; raises CatalogUnavailable within 10 s.

        Output collections that it hands out carry the ``branch``.
        """
        address = address_of(uri)
        try:
            client: MongoClient[dict[str, Any]] = MongoClient(
                uri,
                appname="clustering-pipeline",
                serverSelectionTimeoutMS=timeout_ms * 2 // 5,
                connectTimeoutMS=timeout_ms * 2 // 5,
                timeoutMS=timeout_ms,
            )
        except (ConfigurationError, ValueError) as error:
            # Its own message may quote a part of the password.
            message = f"the MongoDB address {address} cannot be read: check CLUSTERING_MONGODB_URI"
            raise CatalogUnavailable(message) from error
        catalog = cls(
            client[database], address=address, branch=branch, timeout_ms=timeout_ms, clock=clock
        )
        try:
            catalog.ensure_indexes()
        except BaseException:
            client.close()
            raise
        return catalog

    def ensure_indexes(self) -> None:
        """Makes what must be there before anything is stored; may be repeated."""
        for name, its_indexes in _TABLES.items():
            self._tables[name].ensure(its_indexes)
        self.organizations.ensure_local()
        self.namespaces.ensure_default()

    def close(self) -> None:
        """Closes the connections."""
        self._database.client.close()


_TABLES = {
    "clusters": indexes.CLUSTERS,
    "collections": indexes.COLLECTIONS,
    "executions": indexes.EXECUTIONS,
    "batches": indexes.BATCHES,
    "triggers": indexes.TRIGGERS,
    "label_answers": indexes.LABEL_ANSWERS,
    "edits": (),
    "lineages": indexes.LINEAGES,
    "namespaces": indexes.NAMESPACES,
    "organizations": indexes.ORGANIZATIONS,
    "keys": indexes.KEYS,
    "queue": indexes.QUEUE,
    "webhooks": indexes.WEBHOOKS,
    "webhook_deliveries": indexes.DELIVERIES,
}
