"""The command line ``clustering-pipeline``."""

from clustering_pipeline.cli.main import main

__all__ = ["main"]
