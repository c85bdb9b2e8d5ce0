"""Names that people give to groups: kept by uid, and borne by the group in every run."""

from collections.abc import Iterable, Iterator, Mapping

import polars as pl

from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.pipeline.groups.snapshots import group_uids, grouped_by, merged_groups
from clustering_pipeline.pipeline.run.artifacts import LABELS
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.run import Run

RENAME = "rename:"
"""What conflicts about names begin with: they are told anew whenever labels are."""
HUMAN = "human"
OWN = ("own_label", "own_source")
"""What a group is called without a name by people, and where that comes from."""
_KEYWORDS = 3


def carried_names(run: Run) -> dict[str, str]:
    """Group of this run to the name that people gave to it, by an edit or in the published run.

    Where the group of an edit is gone, or was merged into one of another name, the record of the
    run says so.
    """
    given = run.edits.rename
    names = {**_published_names(run.pipeline, run.published, given), **given}
    if not names:
        return {}
    made = grouped_by(run)
    groups, merged = group_uids(run.pipeline, made), merged_groups(run.pipeline, made)
    names = followed(names, merged)
    _report(run, list(_unborne(given, names, set(groups.values()), merged)))
    return {group: names[uid] for group, uid in groups.items() if uid in names}


def followed(names: Mapping[str, str], merged: Mapping[str, str]) -> dict[str, str]:
    """Uid to name, where the name of a merged group goes on with the group that took it in.

    That group's own name comes first, then that of the first in the list of those merged.
    """
    follow: dict[str, str] = {}
    for uid, survivor in merged.items():
        if uid in names:
            follow.setdefault(survivor, names[uid])
    return {**follow, **names}


def named(labels: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """The rows of ``labels.parquet`` with those names; who has none bears its own label again.

    A run that found a group under its people's name made no other: it is called by its keywords.
    """
    human = pl.col("source") == HUMAN
    absent = [pl.lit(None, dtype=pl.String).alias(name) for name in OWN if name not in labels]
    words = pl.col("keywords").list.head(_KEYWORDS).list.join(", ")
    label = pl.when(human).then(pl.coalesce("own_label", _filled(words))).otherwise("label")
    source = pl.when(human).then(pl.coalesce("own_source", pl.lit("keyphrases")))
    named_now = pl.col("cluster_id").is_in(list(names))
    given = pl.col("cluster_id").replace_strict(dict(names), default=None, return_dtype=pl.String)
    return (
        labels.with_columns(absent)
        .with_columns(own_label=label, own_source=source.otherwise("source"))
        .with_columns(
            label=pl.when(named_now).then(given).otherwise(pl.coalesce("own_label", "label")),
            source=pl.when(named_now).then(pl.lit(HUMAN)).otherwise("own_source"),
        )
        .with_columns(pl.when(named_now).then(name).alias(name) for name in OWN)
    )


def names_are_due(pipeline: Pipeline, published: ExecutionRecord, given: Mapping[str, str]) -> bool:
    """Whether groups of the published run bear other names than people want by now.

    ``given`` is uid to name, as the edits have it.
    """
    if published.spec is None or published.members_key is None:
        return False
    names = {**_published_names(pipeline, published, given), **given}
    names = followed(names, merged_groups(pipeline, published))
    uids = group_uids(pipeline, published)
    labels = LABELS.read(pipeline.artifacts, published)
    borne = {group: names[uid] for group, uid in uids.items() if uid in names}
    return not named(labels, borne)["label"].equals(labels["label"])


def gone(published: ExecutionRecord | None, given: Iterable[str]) -> list[str]:
    """What is told of names for groups that the published run does not have.

    Nothing is told of those that were to be merged into one that it has: the run itself does.
    """
    if published is None:
        return []
    known = {group.group_uid for group in published.centroids or ()}
    lists = published.edits.merge if published.edits else []
    merged = {uid for first, *others in lists if first in known for uid in others}
    return [_is_gone(uid) for uid in sorted(set(given) - known - merged)]


def _filled(words: pl.Expr) -> pl.Expr:
    return pl.when(words != "").then(words)


def _report(run: Run, conflicts: list[str]) -> None:
    if conflicts:
        known = run.pipeline.catalog.executions.by_id(run.run_id).edit_conflicts
        run.record(edit_conflicts=list(dict.fromkeys([*known, *conflicts])))


def _unborne(
    given: Mapping[str, str], names: Mapping[str, str], uids: set[str], merged: Mapping[str, str]
) -> Iterator[str]:
    """What is told of names that no group bears."""
    for uid in sorted(set(given) - uids):
        survivor = merged.get(uid, "")
        if survivor not in uids:
            yield _is_gone(uid)
        elif names[survivor] != given[uid]:
            yield f"{RENAME} {uid} was merged into {survivor}, which is called {names[survivor]!r}"


def _is_gone(uid: str) -> str:
    return f"{RENAME} {uid} is not there"


def _published_names(
    pipeline: Pipeline, published: ExecutionRecord | None, given: Mapping[str, str]
) -> dict[str, str]:
    """Uid to name; without those by edits that people have taken back since."""
    if published is None or not published.label_overrides:
        return {}
    uids, borne = group_uids(pipeline, published), published.label_overrides
    names = {uids[group]: name for group, name in borne.items() if group in uids}
    edited = published.edits.rename if published.edits else {}
    edited = followed(edited, merged_groups(pipeline, published))
    dropped = {uid for uid, name in edited.items() if uid not in given and names.get(uid) == name}
    return {uid: name for uid, name in names.items() if uid not in dropped}
