from collections.abc import Callable, Collection

import dagster as dg

NAME = "clusters"
CLUSTERS = dg.DynamicPartitionsDefinition(name=NAME)
"""One partition per stored definition; the key is its ``cluster_id``."""
_AT_ONCE = 1000
_MOST_REMOVED = 2000
_ATTEMPTS = 5


def add(instance: dg.DagsterInstance, cluster_ids: Collection[str]) -> list[str]:
    """Adds the keys that are not there, and returns them.

    Were a sensor to ask the daemon for it, that would look for every key in a query of its own: a
    minute for ten thousand.
    """
    missing = sorted(set(cluster_ids) - set(instance.get_dynamic_partitions(NAME)))
    for start in range(0, len(missing), _AT_ONCE):
        _insert(instance, missing[start : start + _AT_ONCE])
    return missing


def _insert(instance: dg.DagsterInstance, keys: list[str]) -> None:
    from sqlalchemy.exc import IntegrityError  # noqa: PLC0415 - a location loads without it

    # Two sensors may add the same key at the same moment; Dagster leaves out what is there.
    for _ in range(_ATTEMPTS):
        try:
            instance.add_dynamic_partitions(NAME, keys)
        except IntegrityError:
            continue
        return
    instance.add_dynamic_partitions(NAME, keys)


def sync(
    instance: dg.DagsterInstance, ids: Callable[[], Collection[str]]
) -> tuple[list[str], list[str]]:
    """Makes the keys equal to the ids; which were added, and which removed.

    The ids are read after the keys: what is no key yet cannot be taken for one too many.  Keys are
    removed one by one, so that not more than a few thousand are in one call.
    """
    known = instance.get_dynamic_partitions(NAME)
    cluster_ids = ids()
    removed = sorted(set(known) - set(cluster_ids))[:_MOST_REMOVED]
    for key in removed:
        instance.delete_dynamic_partition(NAME, key)
    return add(instance, cluster_ids), removed
