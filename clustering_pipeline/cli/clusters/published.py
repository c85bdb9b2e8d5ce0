"""Commands on what was published: return to it, check it, compare it with a field of the documents,
edit its groups, tell what became of them, and remove what is kept no more.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from shlex import quote

import click

from clustering_pipeline.cli.session import Session, open_session
from clustering_pipeline.cli.terminal.output import (
    confirm,
    confirmation_option,
    counted,
    emit,
    emit_one,
    note,
    output_options,
)
from clustering_pipeline.cli.terminal.records import show_definition
from clustering_pipeline.model.definitions.validation import read_mapping, validate
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.group_edits import ClusterEdits, ClusterEditsResponse
from clustering_pipeline.service.results.edits import (
    edits_wait,
    get_edits,
    put_edits,
    renamed_since,
)


@click.command()
@click.argument("cluster")
@click.argument("run_id", required=False)
@output_options
def rollback(output: str, cluster: str, run_id: str | None) -> None:
    """Publish a kept run again: RUN_ID, or the one published before the current."""
    from clustering_pipeline.service.executions.rollback import roll_back  # noqa: PLC0415

    with open_session() as session:
        record = roll_back(session.pipeline, session.scope, cluster, run_id)
        shown, catalog = record.state.last_run_id, session.pipeline.catalog
        renamed = _rename(session, record.cluster_id, renamed_since(catalog, record))
        show_definition(session, catalog.clusters.by_id(record.cluster_id), output)
    note(f"{record.name!r} shows {shown} again")
    if renamed is not None:
        note(f"{renamed.run_id} put the names on it that people gave since")


@click.command("verify-documents")
@click.argument("cluster")
@output_options
def verify_documents(output: str, cluster: str) -> None:
    """Compare the source documents with the fields that the published run gave them."""
    from clustering_pipeline.service.results import verify as verification  # noqa: PLC0415

    with open_session() as session:
        record = session.pipeline.catalog.clusters.get(session.scope, cluster)
        check = verification.verify_documents(session.pipeline, record)
    emit_one(asdict(check), output=output)
    if not check.fine:
        message = (
            f"{check.wrong} documents do not show {check.run_id}, {check.strangers} others show "
            f"something: take it off with `clusters clear-fields {cluster}` and execute again"
        )
        raise StateConflict(message)


@click.command("clear-fields")
@click.argument("cluster")
@confirmation_option("Remove the definition's fields from its documents?")
def clear_fields(cluster: str) -> None:
    """Remove what a definition wrote from its documents; its next execution writes it again."""
    from clustering_pipeline.pipeline.publishing.clear_fields import clear_unheld  # noqa: PLC0415

    with open_session() as session:
        record = session.pipeline.catalog.clusters.get(session.scope, cluster)
        removed = clear_unheld(session.pipeline, record)
    note(f"removed the fields of {record.name!r} from {removed} documents")


@click.command()
@click.argument("run_id")
@output_options
def verify(output: str, run_id: str) -> None:
    """Compute the digests of a run's manifest again."""
    from clustering_pipeline.service.results.verify import verify_run  # noqa: PLC0415

    with open_session() as session:
        execution = session.pipeline.catalog.executions.get(session.scope, run_id)
        verdicts = verify_run(session.pipeline, execution)
    emit(
        [asdict(verdict) for verdict in verdicts], columns=("file", "verdict", "key"), output=output
    )
    odd = [verdict.file for verdict in verdicts if verdict.verdict != "same"]
    if odd:
        message = f"{len(odd)} of {len(verdicts)} files of {run_id} are not as written: {odd[0]} …"
        raise StateConflict(message)


@click.command()
@click.option("--orphans", is_flag=True, help="Remove those of no definition here, too.")
@click.option("--yes", is_flag=True, help="Remove those without being asked.")
@output_options
def gc(output: str, *, orphans: bool, yes: bool) -> None:
    """Remove the files of runs beyond CLUSTERING_KEPT_RUNS for each definition."""
    from clustering_pipeline.pipeline.publishing import retention  # noqa: PLC0415

    with open_session() as session:
        lost = retention.find_orphans(session.pipeline)
        if orphans and lost.unknown:
            confirm(_question(lost.unknown), agreed=yes)
        done = retention.collect_all(session.pipeline)
        doomed = (*lost.ours, *lost.unknown) if orphans else lost.ours
        files = done.files + retention.remove_orphans(session.pipeline, doomed)
    left = () if orphans else lost.unknown
    removed = {"runs": done.runs, "orphans": doomed, "files": files}
    summary = {name: count for name, count in removed.items() if count}
    emit_one(removed | {"unknown": left}, output=output, summary=summary)
    if output == "table" and files == 0:
        note("nothing to remove")
    if left:
        note(f"files of {counted(len(left), 'run')} of no definition here stay: see --orphans")


def _question(unknown: Sequence[str]) -> str:
    runs = counted(len(unknown), "run")
    return (
        f"Remove the files of {runs} of no definition here, {unknown[0]} first? Another catalog "
        "may have them, or a one-shot call saved them."
    )


COLUMNS = ("feature_name", "documents", "adjusted_rand_index", "normalized_mutual_information")


@click.command()
@click.argument("cluster")
@click.argument("field")
@output_options
def agreement(output: str, cluster: str, field: str) -> None:
    """Show how far the published groups agree with a payload field: ARI and NMI."""
    from clustering_pipeline.service.results.agreement import field_agreement  # noqa: PLC0415 - heavy

    with open_session() as session:
        agreements = field_agreement(session.pipeline, session.scope, cluster, field)
    emit([asdict(feature) for feature in agreements], columns=COLUMNS, output=output)


@click.group("edits")
def edits() -> None:
    """Rename, pin, merge and split groups; exclude and link documents."""


@edits.command()
@click.argument("cluster")
@output_options
def get(output: str, cluster: str) -> None:
    """Show the edits of a definition, and those the published run could not do."""
    with open_session() as session:
        record = get_edits(session.pipeline.catalog, session.scope, cluster)
    _show_edits(record, output)


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
    """Replace the edits of a definition: names hold at once, all else from the next run on."""
    given = validate(ClusterEdits, read_mapping(file))
    with open_session() as session:
        record, uids = put_edits(session.pipeline.catalog, session.scope, cluster, given)
        renamed = _rename(session, record.cluster_id, uids)
        waits = edits_wait(session.pipeline.catalog, record.cluster_id)
    _show_edits(record, output)
    if renamed is not None:
        note(f"{renamed.run_id} put the names on groups, map and documents")
    if waits:
        note(f"next: clustering-pipeline clusters execute {quote(cluster)}")
    elif renamed is None:
        note("nothing to execute: the published groups are called and made as these edits say")


def _rename(session: Session, cluster_id: str, uids: Collection[str]) -> ExecutionRecord | None:
    if not uids:
        return None
    from clustering_pipeline.cli.clusters.follow import rename  # noqa: PLC0415 - Dagster

    return rename(session, cluster_id, uids)


def _show_edits(record: ClusterEditsResponse, output: str) -> None:
    view = record.model_dump(mode="json")
    emit_one(view, output=output, summary=view | {"edits": None} | view["edits"])
    if not any(view["edits"].values()):
        note("no edits: groups are as the algorithm finds them")


EVENTS = ("event", "cluster_id", "label", "previous_cluster_id", "num_members", "overlaps")


@click.command("lineage")
@click.argument("cluster")
@click.option("--group", help="One group, by uid or as cl_3.")
@click.option("--all", "everything", is_flag=True, help="Also groups that only continued.")
@output_options
def lineage(output: str, cluster: str, group: str | None, *, everything: bool) -> None:
    """Show what became of the groups of a definition, newest run first."""
    from clustering_pipeline.service.results.lineage import cluster_lineage  # noqa: PLC0415

    with open_session() as session:
        history = cluster_lineage(session.pipeline.catalog, session.scope, cluster, group=group)
    if output == "json":
        emit_one(history.model_dump(mode="json"), output=output)
        return
    events = [
        {"run_id": run.run_id} | event.model_dump(mode="json")
        for run in history.runs
        for event in run.events
        if everything or group is not None or event.event != "continued"
    ]
    emit(events, columns=("run_id", *EVENTS), output=output)
    note(f"{counted(len(events), 'event')} in {counted(len(history.runs), 'run')}")


@click.command("diff")
@click.argument("run_id")
@click.option("--against", required=True, help="The run to compare it with.")
@output_options
def diff(output: str, run_id: str, against: str) -> None:
    """Show what became of the groups and documents of another run in this one."""
    from clustering_pipeline.service.results.lineage import run_diff  # noqa: PLC0415

    with open_session() as session:
        difference = run_diff(session.pipeline, session.scope, run_id, against)
    if output == "json":
        emit_one(difference.model_dump(mode="json"), output=output)
        return
    emit(
        [event.model_dump(mode="json") for event in difference.events],
        columns=EVENTS,
        output=output,
    )
    fields = difference.model_dump(
        include={name for name in type(difference).model_fields if "documents" in name}
    )
    note(", ".join(f"{count} {name.removeprefix('documents_')}" for name, count in fields.items()))
