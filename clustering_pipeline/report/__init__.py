"""What people look at: the map as HTML and as a picture, the groups as a table."""

from clustering_pipeline.report.map_html import write_map
from clustering_pipeline.report.map_png import map_png
from clustering_pipeline.report.points import MapPoints
from clustering_pipeline.report.table import GroupRow, group_table

__all__ = ["GroupRow", "MapPoints", "group_table", "map_png", "write_map"]
