"""Compare groups with a field of the documents."""

from dataclasses import asdict

import click

from clustering_pipeline.cli.session import open_session
from clustering_pipeline.cli.terminal.output import emit, output_options

COLUMNS = (
    "feature_name",
    "documents",
    "adjusted_rand_index",
    "normalized_mutual_information",
)


@click.command()
@click.argument("cluster")
@click.argument("field")
@output_options
def agreement(output: str, cluster: str, field: str) -> None:
    """Show how far the published groups agree with a payload field: ARI and NMI."""
    from clustering_pipeline.service.results.agreement import (  # noqa: PLC0415 - heavy
        field_agreement,
    )

    with open_session() as session:
        found = field_agreement(session.pipeline, session.scope, cluster, field)
    emit([asdict(one) for one in found], columns=COLUMNS, output=output)
