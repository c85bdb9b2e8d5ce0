import dagster as dg

NAME = "clusters"
CLUSTERS = dg.DynamicPartitionsDefinition(name=NAME)
"""One partition per stored definition; the key is its ``cluster_id``."""
