"""What the contract allows and this project does not do yet: refused, never stored and ignored.

Building a behaviour deletes its line.
"""

from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.errors import NotAvailableYet

TIMED = frozenset({"cron", "interval"})
"""Triggers that look at no documents."""


def check_available(definition: CreateClusterRequest) -> None:
    """Raises ``NotAvailableYet`` naming the first field that asks for what is not there."""
    if definition.source_cluster_ids and definition.auto_execute_on_batch:
        message = (
            "auto_execute_on_batch is not available yet for a composite definition, whose sources "
            "have to run first: leave it out, and give it a trigger of type cron or interval"
        )
        raise NotAvailableYet(message)


def check_trigger(definition: CreateClusterRequest, trigger_type: str) -> None:
    """Raises ``NotAvailableYet`` for what a trigger is to look at and does not."""
    if definition.source_cluster_ids and trigger_type not in TIMED:
        message = (
            f"a trigger of type {trigger_type!r} is not available yet for a composite definition, "
            "which sees documents only once its sources have run: use cron or interval"
        )
        raise NotAvailableYet(message)
