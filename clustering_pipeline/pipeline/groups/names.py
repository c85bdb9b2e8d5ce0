"""Names that people give to groups: kept by uid, and borne by the group in every run."""

from collections.abc import Iterable, Mapping

import polars as pl

from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import group_id
from clustering_pipeline.pipeline.groups.snapshots import generation_of_run, known_groups
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

    Where the group of an edit is gone, the record of the run says so.
    """
    given = run.edits.rename
    names = {**_published_names(run.pipeline, run.published, given), **given}
    if not names:
        return {}
    groups = known_groups(run)
    _report(run, set(given) - set(groups["group_uid"]))
    return {group: names[uid] for group, uid in groups.iter_rows() if uid in names}


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
    uids = _uids(pipeline, published)
    labels = LABELS.read(pipeline.artifacts, published)
    borne = {group: names[uid] for group, uid in uids.items() if uid in names}
    return not named(labels, borne)["label"].equals(labels["label"])


def gone(published: ExecutionRecord | None, given: Iterable[str]) -> list[str]:
    """What is told of names for groups that the published run does not have."""
    if published is None:
        return []
    known = {group.group_uid for group in published.centroids or ()}
    return _sentences(set(given) - known)


def _filled(words: pl.Expr) -> pl.Expr:
    return pl.when(words != "").then(words)


def _report(run: Run, missing: set[str]) -> None:
    if missing:
        known = run.pipeline.catalog.executions.by_id(run.run_id).edit_conflicts
        run.record(edit_conflicts=list(dict.fromkeys([*known, *_sentences(missing)])))


def _sentences(uids: set[str]) -> list[str]:
    return [f"{RENAME} {uid} is not there" for uid in sorted(uids)]


def _published_names(
    pipeline: Pipeline, published: ExecutionRecord | None, given: Mapping[str, str]
) -> dict[str, str]:
    """Uid to name; without those by edits that people have taken back since."""
    if published is None or not published.label_overrides:
        return {}
    uids = _uids(pipeline, published)
    names = {uids[one]: name for one, name in published.label_overrides.items() if one in uids}
    edited = published.edits.rename if published.edits else {}
    dropped = {uid for uid, name in edited.items() if uid not in given and names.get(uid) == name}
    return {uid: name for uid, name in names.items() if uid not in dropped}


def _uids(pipeline: Pipeline, execution: ExecutionRecord) -> dict[str, str]:
    """Group to uid; those of a run from before groups had any follow from its members."""
    known = {one.cluster_id: one.group_uid for one in execution.centroids or () if one.group_uid}
    if len(known) == len(execution.centroids or ()):
        return known
    found = generation_of_run(pipeline, execution)
    return dict(zip(map(group_id, found.paths), found.uids, strict=True))
