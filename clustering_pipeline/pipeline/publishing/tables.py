"""What readers of a run get: its groups and its members, read once and joined."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.pipeline.groups.snapshots import group_uids, grouped_by
from clustering_pipeline.pipeline.run.artifacts import DISTANCES, LABELS, REDUCED, SUMMARIES, TEXTS
from clustering_pipeline.pipeline.run.columns import ASSIGNED_BY, FEATURE, KEYS, ROW, axes_of
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import grouped_documents
from clustering_pipeline.pipeline.stages.attributes import named_by_values

NOISE_LABEL = "Noise"
LABEL_COLUMNS = ("cluster_id", "label", "summary", "keywords", "source", "representative_ids")


@dataclass(frozen=True, kw_only=True, eq=False)
class Results:
    """What a run found: ``clusters`` has a row a group, largest first, ``members`` a row a
    document, noise included, in canonical order; of independent features one for each of them.
    """

    run_id: str
    clusters: pl.DataFrame
    members: pl.DataFrame
    uids: Mapping[str, str] = field(default_factory=dict)
    """Group to uid."""
    title: str = ""
    texts: pl.Series | None = None
    """What a map tells of each of the members; None where none is to be drawn."""

    @property
    def top(self) -> pl.DataFrame:
        """The groups on top of the hierarchy."""
        return self.clusters.filter(hierarchy_level=0)

    @property
    def documents(self) -> int:
        """How many documents the members are: one of several features is a member for each."""
        return self.members.select(KEYS).n_unique()


def read_results(run: Run) -> Results:
    """Reads what the stages before have found, once.

    Groups by attributes and a deferred map have no places to draw.  Where documents join groups
    that are there, the map stays as the run before drew it.
    """
    documents, distances = grouped_documents(run), run.read_frame(DISTANCES)
    laid_out = run.pipeline.artifacts.scan(run.source(REDUCED)).head(0).collect()
    places = run.read_frame(REDUCED, columns=[ROW, *axes_of(laid_out)])
    uids, summaries = group_uids(run.pipeline, grouped_by(run)), run.read_frame(SUMMARIES)
    labels = run.read_frame(LABELS, columns=LABEL_COLUMNS)
    clusters = named_by_values(_clusters(summaries, uids, labels), run.spec.attributes)
    draws = bool(axes_of(places)) and (run.only_renames or not run.spec.joins)
    return Results(
        run_id=run.run_id,
        clusters=clusters,
        members=labelled(_members(documents, distances, places), clusters),
        uids=uids,
        title=run.title,
        texts=run.read_frame(TEXTS)["text"] if draws else None,
    )


def _clusters(
    summaries: pl.DataFrame, uids: Mapping[str, str], labels: pl.DataFrame
) -> pl.DataFrame:
    uid = pl.col("cluster_id").replace_strict(uids, default=None, return_dtype=pl.String)
    table = summaries.with_columns(group_uid=uid).join(
        labels, on="cluster_id", how="left", maintain_order="left"
    )
    # Groups that continue keep their numbers, so the numbers no longer say which is largest.
    return table.sort(
        "hierarchy_level", "num_members", descending=[False, True], maintain_order=True
    )


def _members(
    documents: pl.DataFrame, distances: pl.DataFrame, places: pl.DataFrame
) -> pl.DataFrame:
    """``places`` are those of the documents that were laid out; the others are nowhere."""
    rows = pl.DataFrame({ROW: range(documents.height)}, schema_overrides={ROW: places.schema[ROW]})
    return pl.concat(
        [
            documents.select(*KEYS, FEATURE, "cluster_id"),
            distances.fill_nan(None),
            documents.select("probability", "outlier_score", pl.col(f"^{ASSIGNED_BY}$")),
            rows.join(places, on=ROW, how="left", maintain_order="left").drop(ROW),
        ],
        how="horizontal",
    )


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


def by_document(members: pl.DataFrame) -> pl.DataFrame:
    """One row a document, as it is written back.

    A result of independent features holds all of them, by the features' names, so that a mapping
    onto ``topic`` fills ``topic.text`` and ``topic.image``.
    """
    if members[FEATURE].n_unique() < 2:
        return members
    names = members[FEATURE].unique(maintain_order=True)
    parts = [members.filter(pl.col(FEATURE) == name) for name in names]
    results = [column for column in members.columns if column not in {*KEYS, FEATURE}]
    return parts[0].select(
        *KEYS,
        *(
            pl.struct(
                part[column].alias(str(name)) for name, part in zip(names, parts, strict=True)
            ).alias(column)
            for column in results
        ),
    )
