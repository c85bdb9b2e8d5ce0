"""API keys: made, listed and revoked."""

import click

from clustering_pipeline.cli.session import open_session
from clustering_pipeline.cli.terminal.output import Record, emit, emit_one, note, output_options
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.model.tenants.key import Access

LISTED = ("key_id", "hint", "key_name", "access", "namespace_ids", "created_at", "revoked_at")
SECRET_FIELDS = {"key_hash"}

organization_option = click.option(
    "--organization", default=LOCAL.organization_id, show_default=True, help="Its id or name."
)


@click.group("keys")
def command() -> None:
    """Make, list and revoke API keys."""


@command.command()
@organization_option
@click.option(
    "--namespace", "namespaces", multiple=True, help="By id or name; all of them when missing."
)
@click.option("--read", "read_only", is_flag=True, help="It may read and change nothing.")
@click.option("--name", help="To tell it from others.")
@output_options
def create(
    output: str,
    organization: str,
    namespaces: tuple[str, ...],
    name: str | None,
    *,
    read_only: bool,
) -> None:
    """Make a key and print its secret, which cannot be read again."""
    with open_session() as session:
        catalog = session.pipeline.catalog
        owner = catalog.organizations.get(organization).organization_id
        found = [catalog.namespaces.get(owner, one).namespace_id for one in namespaces]
        made = catalog.keys.create(
            owner,
            access=Access.READ if read_only else Access.WRITE,
            namespace_ids=found or None,
            name=name,
        )
    shown = made.record.model_dump(mode="json", exclude=SECRET_FIELDS)
    record = {"secret": made.secret, **shown}
    emit_one(record, output=output, summary=_named(record))
    note("keep the secret: only its hash is stored")


@command.command("list")
@organization_option
@output_options
def list_(output: str, organization: str) -> None:
    """Show the keys of an organisation, newest first."""
    with open_session() as session:
        catalog = session.pipeline.catalog
        found = catalog.keys.list(catalog.organizations.get(organization).organization_id)
    shown = [one.model_dump(mode="json", exclude=SECRET_FIELDS) for one in found]
    rows = shown if output == "json" else [_named(one) for one in shown]
    emit(rows, columns=LISTED, output=output, empty="no keys: clustering-pipeline keys create")


@command.command()
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """End a key now."""
    with open_session() as session:
        session.pipeline.catalog.keys.revoke(key_id)
    note(f"revoked {key_id}")


def _named(record: Record) -> Record:
    return {**record, "namespace_ids": record["namespace_ids"] or "all"}
