"""Define, execute and read clusters."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any, get_args

import click

from clustering_pipeline.automation.overdue import all_overdue
from clustering_pipeline.automation.status import standing_of
from clustering_pipeline.cli.clusters.analysis import compare, timeline
from clustering_pipeline.cli.clusters.archive import archive, unarchive
from clustering_pipeline.cli.clusters.published import (
    agreement,
    clear_fields,
    edits,
    lineage,
    rollback,
    verify_documents,
)
from clustering_pipeline.cli.clusters.results import assign_text, find, map_, members, show
from clustering_pipeline.cli.session import Session, open_session
from clustering_pipeline.cli.terminal.output import (
    confirmation_option,
    counted,
    emit,
    emit_one,
    note,
    output_options,
)
from clustering_pipeline.cli.terminal.records import show_definition, show_execution, show_standing
from clustering_pipeline.model.definitions.automation import AutoExecuteMode, Overdue
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.validation import read_mapping, validate
from clustering_pipeline.model.errors import ClusteringError
from clustering_pipeline.model.executions.views import (
    ClusterExecutionCentroid,
    ClusterGroupsResponse,
    Finding,
)
from clustering_pipeline.model.listing import ListClustersRequest, SortOption
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.service.results.groups import groups_of, label_fidelities
from clustering_pipeline.service.results.map import shown_run

LISTED = ("cluster_id", "cluster_name", "algorithm", "status", "num_clusters", "last_run_id")
OVERDUE = ("cluster_id", "cluster_name", "status", "overdue_since", "overdue_because")
MODES = get_args(AutoExecuteMode)
GROUPS = ("cluster_id", "label", "member_count", "keywords")
LARGEST = 10


@click.group("clusters")
def command() -> None:
    """Define, execute and read clusters."""


for subcommand in (
    show,
    members,
    find,
    assign_text,
    map_,
    timeline,
    compare,
    edits,
    lineage,
    rollback,
    verify_documents,
    clear_fields,
    agreement,
    archive,
    unarchive,
):
    command.add_command(subcommand)


@command.command()
@click.option("--file", "-f", type=click.Path(path_type=Path), help="A JSON or YAML definition.")
@click.option("--name", help="Its name; made up when missing.")
@click.option("--collection", "collections", multiple=True, help="Input, by id or name.")
@click.option("--source", "sources", multiple=True, help="A definition, to group its groups.")
@click.option("--feature-uri", help="The vector, as mixpeek://extractor@version/output.")
@click.option("--method", help="The algorithm.", show_default="auto")
@click.option("--params", default="{}", help="Parameters of the method, as JSON.")
@click.option("--umap", type=int, metavar="N", help="Reduce to N dimensions first.")
@click.option("--filters", help="Which documents take part, as JSON.")
@click.option("--enrich", is_flag=True, help="Write the results onto the source documents.")
@click.option(
    "--on-batch",
    type=click.Choice(MODES),
    metavar="MODE",
    help="Run after completed batches: full, assign or auto.",
)
@output_options
def create(output: str, file: Path | None, **flags: Any) -> None:
    """Store a definition, from a file or from flags."""
    if file is None and not flags["collections"] and not flags["sources"]:
        message = "name an input with --collection or --source, or a definition with --file"
        raise click.UsageError(message)
    given = read_mapping(file) if file else _from_flags(**flags)
    request = validate(CreateClusterRequest, _with_method(given))
    with open_session() as session:
        record = session.pipeline.catalog.clusters.create(session.scope, request)
        show_definition(session, record, output)
        missing = _missing(session, record)
    if missing:
        note(f"it cannot run yet: {missing}")
    note(f"next: clustering-pipeline clusters execute {quote(record.name)}")


@command.command("list")
@click.option("--filters", help="Conditions on the fields, as JSON.")
@click.option("--search", help="Words in id, name, description.")
@click.option("--sort", help="A field, with a leading - for largest first.")
@click.option("--limit", type=int)
@click.option("--page", type=int)
@click.option("--overdue", is_flag=True, help="Those that should have run by now, and why.")
@output_options
def list_(
    output: str, filters: str | None, sort: str | None, *, overdue: bool, **paging: Any
) -> None:
    """Show the stored definitions, newest first."""
    request = validate(
        ListClustersRequest, {"filters": _json("--filters", filters), "sort": _sort(sort), **paging}
    )
    with open_session() as session:
        late = all_overdue(session.pipeline, utc_now(), scope=session.scope) if overdue else None
        page = session.pipeline.catalog.clusters.list(session.scope, request, only=late)
    rows = [
        definition.model_dump(mode="json") | _late(late, definition.cluster_id)
        for definition in page.results
    ]
    if output == "json":
        emit_one(page.model_dump(mode="json") | {"results": rows}, output=output)
        return
    columns, none = OVERDUE if overdue else LISTED, _nothing_listed(request, overdue=overdue)
    emit(rows, columns=columns, output=output, empty=none, total=page.total_count)


@command.command()
@click.argument("cluster")
@output_options
def get(output: str, cluster: str) -> None:
    """Show one definition, by id or name, and what its labels have cost."""
    with open_session() as session:
        catalog = session.pipeline.catalog
        record = catalog.clusters.get(session.scope, cluster)
        spent = catalog.executions.spent(session.scope, cluster_id=record.cluster_id)
        standing = standing_of(session.pipeline, record)
        show_standing(session, record, output, spent=spent, standing=standing)


@command.command()
@click.argument("cluster")
@click.option("--file", "-f", type=click.Path(path_type=Path), help="The changes, JSON or YAML.")
@click.option("--set", "changes", multiple=True, metavar="FIELD=JSON", help="One change.")
@output_options
def update(output: str, cluster: str, file: Path | None, changes: tuple[str, ...]) -> None:
    """Change fields of a definition; the next execution uses them."""
    given = (read_mapping(file) if file else {}) | dict(map(_assignment, changes))
    if not given:
        message = "nothing to change: give --set FIELD=JSON, or --file"
        raise click.UsageError(message)
    patch = validate(PatchClusterRequest, given)
    with open_session() as session:
        record = session.pipeline.catalog.clusters.patch(session.scope, cluster, patch)
        show_definition(session, record, output)


@command.command()
@click.argument("cluster")
@click.option("--keep-output", is_flag=True, help="Leave its output collections.")
@click.option(
    "--remove-enriched-fields", is_flag=True, help="Take its fields off the source documents."
)
@confirmation_option("Delete the definition and its results?")
def delete(cluster: str, *, keep_output: bool, remove_enriched_fields: bool) -> None:
    """Delete a definition, its executions, artifacts and output collections."""
    from clustering_pipeline.service.executions.delete import remove_cluster  # noqa: PLC0415

    with open_session() as session:
        removed = remove_cluster(
            session.pipeline,
            session.scope,
            cluster,
            keep_output=keep_output,
            remove_fields=remove_enriched_fields,
        )
    note(f"deleted {removed.cluster_id}")


@command.command()
@click.argument("cluster")
@click.option("--sample-size", type=int, help="Most documents to fit on, this time.")
@click.option("--filters", help="Which documents take part this time, as JSON.")
@click.option("--full", is_flag=True, help="Cluster again even if only labels can differ.")
@click.option("--assign", is_flag=True, help="Assign what is new to the published groups.")
@click.option("--source", "sources", multiple=True, help="A run, to group its groups.")
@click.option("--from-pool", is_flag=True, help="Only make new groups of what joins none.")
@click.option("--threshold", type=float, help="Least cosine to a group, to join it. [0.5]")
@click.option("--dry-run", is_flag=True, help="Say what labels would cost, and run nothing.")
@output_options
def execute(
    output: str,
    cluster: str,
    sample_size: int | None,
    filters: str | None,
    threshold: float | None,
    *,
    sources: tuple[str, ...],
    full: bool,
    assign: bool,
    from_pool: bool,
    dry_run: bool,
) -> None:
    """Run a definition now and wait for the result."""
    from clustering_pipeline.cli.clusters.follow import execute_and_follow, foresee  # noqa: PLC0415 - Dagster

    if full + assign + from_pool > 1:
        message = "--full, --assign and --from-pool: one of them"
        raise click.UsageError(message)
    if sources and (full or assign or from_pool):
        message = "--source goes with none of --full, --assign and --from-pool"
        raise click.UsageError(message)
    overrides = {
        "mode": "assign" if assign else "composite" if sources else None,
        "source_execution_ids": list(sources) or None,
        "from_pool": from_pool or None,
        "assignment_threshold": threshold,
        "sample_size": sample_size,
        "filters": _json("--filters", filters),
    }
    given = {name: value for name, value in overrides.items() if value is not None}
    with open_session() as session:
        if dry_run:
            emit_one(foresee(session, cluster, given, full=full), output=output)
            return
        execution = execute_and_follow(session, cluster, given, full=full)
        record = session.pipeline.catalog.clusters.by_id(execution.cluster_id)
    show_execution(execution, output)
    if output == "table":
        _show_largest(groups_of(record, execution))
    _note_findings(execution.findings)
    _note_next(cluster, execution.centroids)


@command.command()
@click.argument("cluster")
@click.option("--run", "run_id", help="Another run of it than the published one.")
@output_options
def groups(output: str, cluster: str, run_id: str | None) -> None:
    """Show the groups of the published run, largest first."""
    with open_session() as session:
        record = session.pipeline.catalog.clusters.get(session.scope, cluster)
        result = groups_of(record, shown_run(session.pipeline, record, run_id))
        fits = label_fidelities(session.pipeline, result.run_id)
    rows = [
        group.model_dump(mode="json") | fits.get(group.cluster_id, {}) for group in result.groups
    ]
    if output == "json":
        emit_one(result.model_dump(mode="json") | {"groups": rows}, output=output)
        return
    if result.run_id is None:
        note(f"nothing is published yet: clustering-pipeline clusters execute {quote(cluster)}")
        return
    # A uid takes the room of keywords on a screen, and is what edits want in a file.
    columns = (*GROUPS, "group_uid") if output == "csv" else GROUPS
    emit(rows, columns=columns, output=output, empty="every document is noise")
    counts = counted(result.total_groups, "group"), counted(result.total_documents, "document")
    note(", ".join((*counts, result.run_id)))
    _note_findings(result.findings)


def _missing(session: Session, record: ClusterRecord) -> str | None:
    """Why an execution would end at once, as far as its collections tell."""
    from clustering_pipeline.pipeline.stages.export import sources_of  # noqa: PLC0415 - heavy

    spec = record.resolved()
    if spec.attributes is not None or not spec.collection_ids:
        return None
    known = session.pipeline.catalog.collections.resolve(session.scope, spec.collection_ids)
    try:
        sources_of(session.pipeline, spec)
    except ClusteringError as error:
        # A collection of texts gets its vector when the definition runs.
        return None if any(record.embed for record in known) else str(error)
    return None


def _show_largest(result: ClusterGroupsResponse) -> None:
    rows = [group.model_dump() for group in result.groups[:LARGEST]]
    click.echo()
    emit(rows, columns=GROUPS, output="table", empty="every document is noise")
    if len(rows) < result.total_groups:
        note(f"the {len(rows)} largest of {result.total_groups} groups")


def _note_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        note(f"finding: {finding.text}")


def _note_next(cluster: str, found: Sequence[ClusterExecutionCentroid] | None) -> None:
    name, groups = quote(cluster), found or ()
    looks = [
        *(f"show {name} {group.cluster_id}" for group in groups[:1]),
        f"members {name} --file members.csv",
        f"map {name} --open",
        f"groups {name}",
    ]
    note("\n".join(f"next: clustering-pipeline clusters {look}" for look in looks))


def _nothing_listed(request: ListClustersRequest, *, overdue: bool) -> str:
    if overdue:
        return "no definition is overdue"
    if request.filters or request.search or request.page:
        return "no definition like that"
    return "no definitions yet: clustering-pipeline clusters create makes one"


def _late(overdue: Mapping[str, Overdue] | None, cluster_id: str) -> dict[str, Any]:
    if overdue is None:
        return {}
    overdue_now = overdue[cluster_id].model_dump(mode="json")
    return {"overdue_since": overdue_now["since"], "overdue_because": overdue_now["reasons"]}


def _with_method(given: Mapping[str, Any]) -> dict[str, Any]:
    """The definition, by ``auto`` where it names no method: over HTTP that is an error."""
    config = given.get("vector_config")
    if not isinstance(config, Mapping) or config.get("clustering_method") is not None:
        return dict(given)
    return {**given, "vector_config": {**config, "clustering_method": "auto"}}


def _from_flags(**flags: Any) -> dict[str, Any]:
    config = {
        "feature_uri": flags["feature_uri"],
        "clustering_method": flags["method"],
        "algorithm_params": _json("--params", flags["params"]),
    }
    if flags["umap"]:
        config["preprocessing_steps"] = [{"method": "umap", "n_components": flags["umap"]}]
    return {
        "cluster_name": flags["name"],
        "collection_ids": list(flags["collections"]) or (None if flags["sources"] else []),
        "source_cluster_ids": list(flags["sources"]) or None,
        # Groups of groups are made of the features of their sources.
        "vector_config": config if flags["feature_uri"] or not flags["sources"] else None,
        "filters": _json("--filters", flags["filters"]),
        "enrich_source_collection": flags["enrich"],
        "auto_execute_on_batch": flags["on_batch"] is not None,
        "auto_execute_mode": flags["on_batch"],
    }


def _json(option: str, text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        message = f"{option} is not JSON: {error}"
        raise click.UsageError(message) from error


def _assignment(text: str) -> tuple[str, Any]:
    field, equals, value = text.partition("=")
    if not equals:
        message = f"--set takes FIELD=JSON, not {text!r}"
        raise click.UsageError(message)
    try:
        return field, json.loads(value)
    except ValueError:
        return field, value


def _sort(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    direction = "desc" if text.startswith("-") else "asc"
    return SortOption(field=text.removeprefix("-"), direction=direction).model_dump()
