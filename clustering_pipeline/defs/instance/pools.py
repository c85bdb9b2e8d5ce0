"""The pools that steps of many runs share, known to the instance before two runs ask for one."""

import dagster as dg

STAGES = {"embeddings": "qdrant", "enriched_documents": "qdrant", "cluster_labels": "llm"}
"""Stage to its pool; a deployment limits how many steps use one at once."""
_ATTEMPTS = 5


def introduce(instance: dg.DagsterInstance) -> None:
    """Gives each pool its default limit where the instance has one; may be repeated.

    Dagster does it when a step first asks for a pool, and on PostgreSQL fails the run when two ask
    at the same moment.
    """
    if instance.global_op_concurrency_default_limit is None:
        return
    storage = instance.event_log_storage
    for _ in range(_ATTEMPTS):
        missing = set(STAGES.values()) - {pool.name for pool in storage.get_pool_limits()}
        if not missing:
            return
        _introduce(instance, sorted(missing))


def _introduce(instance: dg.DagsterInstance, pools: list[str]) -> None:
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - a location loads without it

    for pool in pools:
        try:
            instance.event_log_storage.initialize_concurrency_limit_to_default(pool)
        except DBAPIError:
            # Another run introduced it at the same moment.
            return
