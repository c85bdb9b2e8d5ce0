"""Artifacts: the files of runs, in a folder or on S3."""

from clustering_pipeline.stores.artifacts.parquet import ParquetSink
from clustering_pipeline.stores.artifacts.store import Artifacts

__all__ = ["Artifacts", "ParquetSink"]
