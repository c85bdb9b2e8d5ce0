"""Which groups of a run are groups of the run before it, and what became of the others."""

from clustering_pipeline.engine.identity.generation import Generation, fresh_uids
from clustering_pipeline.engine.identity.identify import (
    TOP,
    Identity,
    Numbers,
    compare,
    identify,
    numbered,
)
from clustering_pipeline.engine.identity.lineage import Event, EventKind
from clustering_pipeline.engine.identity.matching import Terms

__all__ = [
    "TOP",
    "Event",
    "EventKind",
    "Generation",
    "Identity",
    "Numbers",
    "Terms",
    "compare",
    "fresh_uids",
    "identify",
    "numbered",
]
