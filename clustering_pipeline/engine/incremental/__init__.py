"""New documents into groups that are there already: no group is made, none is moved."""

from clustering_pipeline.engine.incremental.assignment import Assigned, assign_to
from clustering_pipeline.engine.incremental.reference import Reference, reference_of

__all__ = ["Assigned", "Reference", "assign_to", "reference_of"]
