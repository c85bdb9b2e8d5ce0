"""Executes one run in this process: ``worker CLUSTER_ID RUN JOB TAGS``, the tags as JSON.

What the command line starts for `clusters execute`; the Dagster UI and daemon start their own.
"""

import json
import signal
import sys

from clustering_pipeline.garbage import collect_rarely


def execute(cluster_id: str, dagster_run_id: str, job: str, tags: str) -> bool:
    """Runs one job of the graph for one definition on the instance of ``DAGSTER_HOME``."""
    # Only now: what comes first decides how long these take.
    import dagster as dg  # noqa: PLC0415

    from clustering_pipeline.definitions import defs  # noqa: PLC0415
    from clustering_pipeline.defs.instance.partitions import NAME  # noqa: PLC0415

    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions(NAME, [cluster_id])
        result = (
            defs()
            .resolve_job_def(job)
            .execute_in_process(
                instance=instance,
                partition_key=cluster_id,
                run_id=dagster_run_id,
                raise_on_error=False,
                tags=json.loads(tags),
            )
        )
    return result.success


if __name__ == "__main__":
    # Whoever cancels the run sends it, even where a shell had its background jobs ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    collect_rarely()
    sys.exit(0 if execute(*sys.argv[1:]) else 1)
