"""What people want of a definition's groups: read it, replace it."""

from pathlib import Path
from shlex import quote

import click

from clustering_pipeline.cli.session import open_session
from clustering_pipeline.cli.terminal.output import emit_one, note, output_options
from clustering_pipeline.model.definitions.files import read_mapping
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.executions.group_edits import ClusterEdits, ClusterEditsResponse
from clustering_pipeline.service.results.edits import get_edits, put_edits


@click.group("edits")
def edits() -> None:
    """Rename, pin, merge and split groups; exclude and link documents."""


@edits.command()
@click.argument("cluster")
@output_options
def get(output: str, cluster: str) -> None:
    """Show the edits of a definition, and those the published run could not do."""
    with open_session() as session:
        found = get_edits(session.pipeline.catalog, session.scope, cluster)
    _show(found, output)


@edits.command()
@click.argument("cluster")
@click.option(
    "--file",
    "-f",
    type=click.Path(path_type=Path),
    required=True,
    help="All edits, JSON or YAML: rename, pin, merge, split, exclude, must_link, cannot_link.",
)
@output_options
def put(output: str, cluster: str, file: Path) -> None:
    """Replace the edits of a definition; the next execution applies them."""
    wanted = validate(ClusterEdits, read_mapping(file))
    with open_session() as session:
        kept, uids = put_edits(session.pipeline.catalog, session.scope, cluster, wanted)
        if uids:
            from clustering_pipeline.cli.clusters.follow import rename  # noqa: PLC0415 - Dagster

            rename(session, kept.cluster_id, uids)
    _show(kept, output)
    note(f"next: clustering-pipeline clusters execute {quote(cluster)}")


def _show(found: ClusterEditsResponse, output: str) -> None:
    view = found.model_dump(mode="json")
    emit_one(view, output=output, summary=view | {"edits": None} | view["edits"])
    if not any(view["edits"].values()):
        note("no edits: groups are as the algorithm finds them")
