"""The two tables every reader of a run gets: its groups and its members."""

import polars as pl

from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.pipeline.groups.snapshots import group_uids, grouped_by
from clustering_pipeline.pipeline.run.artifacts import DISTANCES, LABELS, REDUCED, SUMMARIES
from clustering_pipeline.pipeline.run.columns import FEATURE, KEYS, ROW, axes_of
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import grouped_documents

NOISE_LABEL = "Noise"
LABEL_COLUMNS = ("cluster_id", "label", "summary", "keywords", "source", "representative_ids")


def clusters_table(run: Run) -> pl.DataFrame:
    """One row a group, largest first, as the contract names the columns."""
    summaries = run.read_frame(SUMMARIES)
    labels = run.read_frame(LABELS, columns=LABEL_COLUMNS)
    uids = group_uids(run.pipeline, grouped_by(run))
    uid = pl.col("cluster_id").replace_strict(uids, default=None, return_dtype=pl.String)
    table = summaries.with_columns(group_uid=uid).join(
        labels, on="cluster_id", how="left", maintain_order="left"
    )
    # Groups that continue keep their numbers, so the numbers no longer say which is largest.
    return table.sort(
        "hierarchy_level", "num_members", descending=[False, True], maintain_order=True
    )


def members_table(run: Run) -> pl.DataFrame:
    """One row a document, noise included, in canonical order; with independent features one for
    each of them, feature after feature.
    """
    documents = grouped_documents(run)
    return pl.concat(
        [
            documents.select(*KEYS, FEATURE, "cluster_id"),
            run.read_frame(DISTANCES).fill_nan(None),
            documents.select("probability", "outlier_score"),
            _places(run, documents.height),
        ],
        how="horizontal",
    )


def _places(run: Run, documents: int) -> pl.DataFrame:
    """Where each document lies on the map; nowhere when it was not among those laid out."""
    present = run.pipeline.artifacts.scan(run.source(REDUCED)).head(0).collect()
    places = run.read_frame(REDUCED, columns=[ROW, *axes_of(present)])
    rows = pl.DataFrame({ROW: range(documents)}, schema_overrides={ROW: places.schema[ROW]})
    return rows.join(places, on=ROW, how="left", maintain_order="left").drop(ROW)


def labelled(members: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """Members with what is known of their groups: label, summary, keywords and size."""
    groups = clusters.select(
        "cluster_id",
        "group_uid",
        "summary",
        "keywords",
        cluster_label="label",
        member_count="num_members",
    )
    return members.join(groups, on="cluster_id", how="left", maintain_order="left").with_columns(
        cluster_label=pl.when(cluster_id=NOISE_ID)
        .then(pl.lit(NOISE_LABEL))
        .otherwise("cluster_label"),
        # Noise is no group, but how much of it there is is a count all the same.
        member_count=pl.when(cluster_id=NOISE_ID)
        .then(pl.len().over("cluster_id", FEATURE).cast(pl.Int64))
        .otherwise("member_count"),
    )


def document_count(members: pl.DataFrame) -> int:
    """How many documents the members are: one of several features is a member for each."""
    return members.select(KEYS).n_unique()


def by_document(members: pl.DataFrame) -> pl.DataFrame:
    """One row a document, as it is written back.

    A result of independent features holds all of them, by the features' names, so that a mapping
    onto ``topic`` fills ``topic.text`` and ``topic.image``.
    """
    if members[FEATURE].n_unique() < 2:
        return members
    names = members[FEATURE].unique(maintain_order=True)
    parts = [members.filter(pl.col(FEATURE) == name) for name in names]
    results = [one for one in members.columns if one not in {*KEYS, FEATURE}]
    return parts[0].select(
        *KEYS,
        *(
            pl.struct(
                part[one].alias(str(name)) for name, part in zip(names, parts, strict=True)
            ).alias(one)
            for one in results
        ),
    )
