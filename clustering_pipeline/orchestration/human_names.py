"""Names that people gave to groups, carried to the same groups of the next run."""

from clustering_pipeline.engine.hierarchy import group_id
from clustering_pipeline.orchestration.identities import generation_of_run, known_groups
from clustering_pipeline.orchestration.run import Run


def carried_names(run: Run) -> dict[str, str]:
    """Group of this run to the name that people gave to it in the published run."""
    published = run.published
    if published is None or not published.label_overrides:
        return {}
    before = generation_of_run(run.pipeline, published)
    uids = dict(zip(map(group_id, before.paths), before.uids, strict=True))
    names = {uids[one]: name for one, name in published.label_overrides.items() if one in uids}
    return {one: names[uid] for one, uid in known_groups(run).iter_rows() if uid in names}
