"""Namespaces: made and listed."""

import click

from clustering_pipeline.cli.commands.keys import organization_option
from clustering_pipeline.cli.session import open_session
from clustering_pipeline.cli.terminal.output import emit, emit_one, output_options
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.tenants.namespace import CreateNamespaceRequest

LISTED = ("namespace_id", "namespace_name", "created_at")


@click.group("namespaces")
def command() -> None:
    """Make and list namespaces."""


@command.command()
@click.argument("name")
@organization_option
@output_options
def create(output: str, name: str, organization: str) -> None:
    """Make a namespace of an organisation."""
    request = validate(CreateNamespaceRequest, {"namespace_name": name})
    with open_session() as session:
        catalog = session.pipeline.catalog
        owner = catalog.organizations.get(organization).organization_id
        made = catalog.namespaces.create(owner, request.namespace_name)
    emit_one(made.model_dump(mode="json"), output=output)


@command.command("list")
@organization_option
@output_options
def list_(output: str, organization: str) -> None:
    """Show the namespaces of an organisation, by name."""
    with open_session() as session:
        catalog = session.pipeline.catalog
        found = catalog.namespaces.list(catalog.organizations.get(organization).organization_id)
    emit([one.model_dump(mode="json") for one in found], columns=LISTED, output=output)
