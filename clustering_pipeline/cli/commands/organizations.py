"""Organisations: made and listed."""

import click

from clustering_pipeline.cli.session import open_session
from clustering_pipeline.cli.terminal.output import emit, emit_one, output_options
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.tenants.namespace import CreateOrganizationRequest

LISTED = ("organization_id", "organization_name", "created_at")


@click.group("organizations")
def command() -> None:
    """Make and list organisations."""


@command.command()
@click.argument("name")
@output_options
def create(output: str, name: str) -> None:
    """Make an organisation."""
    request = validate(CreateOrganizationRequest, {"organization_name": name})
    with open_session() as session:
        made = session.pipeline.catalog.organizations.create(request.organization_name)
    emit_one(made.model_dump(mode="json"), output=output)


@command.command("list")
@output_options
def list_(output: str) -> None:
    """Show the organisations, by name."""
    with open_session() as session:
        found = session.pipeline.catalog.organizations.list()
    emit([one.model_dump(mode="json") for one in found], columns=LISTED, output=output)
