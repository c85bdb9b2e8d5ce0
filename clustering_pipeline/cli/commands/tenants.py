"""Organisations, namespaces and API keys: made, listed and revoked."""

import click

from clustering_pipeline.cli.session import Session, open_session
from clustering_pipeline.cli.terminal.output import Record, emit, emit_one, note, output_options
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.model.tenants import (
    Access,
    CreateNamespaceRequest,
    CreateOrganizationRequest,
)

KEYS = ("key_id", "hint", "key_name", "access", "namespace_ids", "created_at", "revoked_at")
SECRET_FIELDS = {"key_hash"}

organization_option = click.option(
    "--organization", default=LOCAL.organization_id, show_default=True, help="Its id or name."
)


def _owner(session: Session, organization: str) -> str:
    return session.pipeline.catalog.organizations.get(organization).organization_id


@click.group("keys")
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command("create")
@organization_option
@click.option(
    "--namespace", "namespaces", multiple=True, help="By id or name; all of them when missing."
)
@click.option("--read", "read_only", is_flag=True, help="It may read and change nothing.")
@click.option("--name", help="To tell it from others.")
@output_options
def create_key(
    output: str,
    organization: str,
    namespaces: tuple[str, ...],
    name: str | None,
    *,
    read_only: bool,
) -> None:
    """Make a key and print its secret, which cannot be read again."""
    with open_session() as session:
        catalog, owner = session.pipeline.catalog, _owner(session, organization)
        namespace_ids = [
            catalog.namespaces.get(owner, namespace).namespace_id for namespace in namespaces
        ]
        made = catalog.keys.create(
            owner,
            access=Access.READ if read_only else Access.WRITE,
            namespace_ids=namespace_ids or None,
            name=name,
        )
    shown = made.record.model_dump(mode="json", exclude=SECRET_FIELDS)
    record = {"secret": made.secret, **shown}
    emit_one(record, output=output, summary=_named(record))
    note("keep the secret: only its hash is stored")


@keys.command("list")
@organization_option
@output_options
def list_keys(output: str, organization: str) -> None:
    """Show the keys of an organisation, newest first."""
    with open_session() as session:
        records = session.pipeline.catalog.keys.list(_owner(session, organization))
    shown = [record.model_dump(mode="json", exclude=SECRET_FIELDS) for record in records]
    rows = shown if output == "json" else [_named(record) for record in shown]
    emit(rows, columns=KEYS, output=output, empty="no keys: clustering-pipeline keys create")


@keys.command()
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """End a key now."""
    with open_session() as session:
        session.pipeline.catalog.keys.revoke(key_id)
    note(f"revoked {key_id}")


def _named(record: Record) -> Record:
    return {**record, "namespace_ids": record["namespace_ids"] or "all"}


NAMESPACES = ("namespace_id", "namespace_name", "created_at")


@click.group("namespaces")
def namespaces() -> None:
    """Make and list namespaces."""


@namespaces.command("create")
@click.argument("name")
@organization_option
@output_options
def create_namespace(output: str, name: str, organization: str) -> None:
    """Make a namespace of an organisation."""
    request = validate(CreateNamespaceRequest, {"namespace_name": name})
    with open_session() as session:
        owner = _owner(session, organization)
        made = session.pipeline.catalog.namespaces.create(owner, request.namespace_name)
    emit_one(made.model_dump(mode="json"), output=output)


@namespaces.command("list")
@organization_option
@output_options
def list_namespaces(output: str, organization: str) -> None:
    """Show the namespaces of an organisation, by name."""
    with open_session() as session:
        records = session.pipeline.catalog.namespaces.list(_owner(session, organization))
    emit([record.model_dump(mode="json") for record in records], columns=NAMESPACES, output=output)


ORGANIZATIONS = ("organization_id", "organization_name", "created_at")


@click.group("organizations")
def organizations() -> None:
    """Make and list organisations."""


@organizations.command("create")
@click.argument("name")
@output_options
def create_organization(output: str, name: str) -> None:
    """Make an organisation."""
    request = validate(CreateOrganizationRequest, {"organization_name": name})
    with open_session() as session:
        made = session.pipeline.catalog.organizations.create(request.organization_name)
    emit_one(made.model_dump(mode="json"), output=output)


@organizations.command("list")
@output_options
def list_organizations(output: str) -> None:
    """Show the organisations, by name."""
    with open_session() as session:
        records = session.pipeline.catalog.organizations.list()
    emit(
        [record.model_dump(mode="json") for record in records], columns=ORGANIZATIONS, output=output
    )
