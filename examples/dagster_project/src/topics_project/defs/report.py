"""What the team makes of the groups."""

import dagster as dg
import pandas as pd

from clustering_pipeline.as_code import load_groups


@dg.asset(ins={"groups": load_groups(["topics", "published"])}, owners=["team:search"])
def weekly_report(groups: pd.DataFrame) -> dg.MaterializeResult[None]:
    """The largest groups by name."""
    largest = groups.head(10)
    lines = [f"- {row.label}: {row.num_members} paragraphs" for row in largest.itertuples()]
    return dg.MaterializeResult(metadata={"largest": dg.MetadataValue.md("\n".join(lines))})
