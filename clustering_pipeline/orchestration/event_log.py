"""Where dagster.yaml of Dagster homes made by earlier versions finds ``EventLog``."""

from clustering_pipeline.defs.instance.event_log import EventLog

__all__ = ["EventLog"]
