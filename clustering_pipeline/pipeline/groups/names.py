"""Names that people gave to groups, carried to the same groups of the next run."""

from collections.abc import Mapping

from clustering_pipeline.model.ids import group_id
from clustering_pipeline.pipeline.groups.snapshots import generation_of_run, known_groups
from clustering_pipeline.pipeline.run.run import Run

RENAME = "rename:"
"""What conflicts about names begin with: they are told anew whenever labels are."""


def carried_names(run: Run) -> dict[str, str]:
    """Group of this run to the name that people gave to it, by an edit or in the published run.

    Where the group of an edit is gone, the record of the run says so.
    """
    wanted = run.edits.rename
    names = {**_published_names(run, wanted), **wanted}
    if not names:
        return {}
    groups = known_groups(run)
    _report(run, set(wanted) - set(groups["group_uid"]))
    return {one: names[uid] for one, uid in groups.iter_rows() if uid in names}


def _report(run: Run, gone: set[str]) -> None:
    if gone:
        known = run.pipeline.catalog.executions.by_id(run.run_id).edit_conflicts
        told = [f"{RENAME} {uid} is not there" for uid in sorted(gone)]
        run.record(edit_conflicts=list(dict.fromkeys([*known, *told])))


def _published_names(run: Run, wanted: Mapping[str, str]) -> dict[str, str]:
    """Uid to name; without those by edits that people have taken back since."""
    published = run.published
    if published is None or not published.label_overrides:
        return {}
    before = generation_of_run(run.pipeline, published)
    uids = dict(zip(map(group_id, before.paths), before.uids, strict=True))
    names = {uids[one]: name for one, name in published.label_overrides.items() if one in uids}
    edited = published.edits.rename if published.edits else {}
    dropped = {uid for uid, name in edited.items() if uid not in wanted and names.get(uid) == name}
    return {uid: name for uid, name in names.items() if uid not in dropped}
