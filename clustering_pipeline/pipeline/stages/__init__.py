"""What each asset does, without Dagster: a run in, a report out, in the order of the graph."""
