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

    if _target(definition) and (definition.source_cluster_ids or _weighted(definition)):
        message = (
            f"a umap step with target {_target(definition)!r} is not available yet for a composite "
            "definition or learned feature weights: leave target out"
        )
        raise NotAvailableYet(message)


def _target(definition: CreateClusterRequest) -> str | None:
    config = definition.vector_config
    steps = (config.preprocessing_steps if config else None) or ()
    return next((step.target for step in steps if step.method == "umap" and step.target), None)


def _weighted(definition: CreateClusterRequest) -> bool:
    config = definition.vector_config
    return config is not None and config.multi_feature_strategy == "weighted"


def check_trigger(definition: CreateClusterRequest, trigger_type: str) -> None:
    """Raises ``NotAvailableYet`` for what a trigger is to look at and does not."""
    if definition.source_cluster_ids and trigger_type not in TIMED:
        message = (
            f"a trigger of type {trigger_type!r} is not available yet for a composite definition, "
            "which sees documents only once its sources have run: use cron or interval"
        )
        raise NotAvailableYet(message)
