"""What people look at after a run: the map as a page and as a picture, the groups as a table."""

import base64
from dataclasses import dataclass

import polars as pl

from clustering_pipeline.orchestration.frames import axes_of
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.report import GroupRow, MapPoints, group_table, map_png, write_map

MAP_FILE = "map.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Markdown for Dagster; the page lies beside the run's artifacts."""

    table: str
    image: str
    page_uri: str


def draw(run: Run, clusters: pl.DataFrame, members: pl.DataFrame) -> Picture:
    """Writes the map's page and returns what Dagster shows of it."""
    points = _points(run, clusters, members)
    run.pipeline.artifacts.write_bytes(run.key(MAP_FILE), write_map(points, title=run.title))
    image = base64.b64encode(map_png(points, title=run.title)).decode()
    return Picture(
        table=group_table(_rows(clusters), documents=members.height),
        image=f"![map](data:image/png;base64,{image})",
        page_uri=run.uri(MAP_FILE),
    )


def _points(run: Run, clusters: pl.DataFrame, members: pl.DataFrame) -> MapPoints:
    numbers = run.read_frame("assignments", columns=["label"])["label"].to_numpy()
    return MapPoints(
        positions=members.select(axes_of(members)).to_numpy(),
        labels=numbers,
        names=dict(enumerate(clusters["label"].to_list())),
        texts=run.read_frame("texts")["text"].to_list(),
    )


def _rows(clusters: pl.DataFrame) -> list[GroupRow]:
    return [
        GroupRow(
            cluster_id=row["cluster_id"],
            label=row["label"],
            size=row["num_members"],
            keywords=row["keywords"] or (),
            summary=row["summary"],
        )
        for row in clusters.iter_rows(named=True)
    ]
