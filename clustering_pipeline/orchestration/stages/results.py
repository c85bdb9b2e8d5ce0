"""The two tables every reader of a run gets: its groups and its members."""

import polars as pl

from clustering_pipeline.model.ids import NOISE_ID, group_id
from clustering_pipeline.orchestration.frames import axes_of
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.inputs import KEYS, grouped_documents

NOISE_LABEL = "Noise"


def clusters_table(run: Run) -> pl.DataFrame:
    """One row a group, largest first, as the contract names the columns."""
    summaries = run.read_frame("summaries")
    labels = run.read_frame("labels")
    return (
        summaries.join(labels, on="cluster_id", how="left", maintain_order="left")
        .drop("number")
        .with_columns(
            feature_name=pl.lit(run.spec.feature_name),
            feature_dimensions=pl.col("centroid_vector").arr.len().cast(pl.Int64),
            parent_cluster_id=pl.lit(None, dtype=pl.String),
            hierarchy_level=pl.lit(0),
        )
    )


def members_table(run: Run) -> pl.DataFrame:
    """One row a document, noise included, in canonical order."""
    documents = grouped_documents(run)
    reduced = run.read_frame("reduced")
    numbers = documents["label"].unique().to_list()
    return pl.concat(
        [
            documents.select(KEYS),
            documents.select(
                cluster_id=pl.col("label").replace_strict({n: group_id(n) for n in numbers})
            ),
            run.read_frame("distances").fill_nan(None),
            documents.select("probability", "outlier_score"),
            reduced.select(axes_of(reduced)),
        ],
        how="horizontal",
    )


def labelled(members: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """Members with what is known of their groups: label, summary, keywords and size."""
    groups = clusters.select(
        "cluster_id", "summary", "keywords", cluster_label="label", member_count="num_members"
    )
    return members.join(groups, on="cluster_id", how="left", maintain_order="left").with_columns(
        cluster_label=pl.when(cluster_id=NOISE_ID)
        .then(pl.lit(NOISE_LABEL))
        .otherwise("cluster_label"),
        # Noise is no group, but how much of it there is is a count all the same.
        member_count=pl.len().over("cluster_id").cast(pl.Int64),
    )
