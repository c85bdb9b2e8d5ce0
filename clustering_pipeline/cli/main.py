"""The group of commands, each module imported only when its command runs."""

import os
import sys
from importlib import import_module
from typing import cast

import click
from stamina.instrumentation import set_on_retry_hooks

from clustering_pipeline.garbage import collect_rarely
from clustering_pipeline.model.errors import ClusteringError

COMMANDS = {
    "batches": ("commands.batches:command", "Tell of documents that arrive together."),
    "clusters": ("clusters.commands:command", "Define, execute and read clusters."),
    "collections": ("commands.collections:command", "Register and load documents."),
    "config": ("commands.config:command", "Print the settings in force, secrets masked."),
    "demo": ("commands.demo:command", "Cluster the State of the Union addresses."),
    "keys": ("commands.tenants:keys", "Make, list and revoke API keys."),
    "namespaces": ("commands.tenants:namespaces", "Make and list namespaces."),
    "organizations": ("commands.tenants:organizations", "Make and list organisations."),
    "runs": ("commands.runs:command", "List and read executions."),
    "serve": ("commands.serve:serve", "Serve the HTTP API until Ctrl-C."),
    "triggers": ("commands.triggers:command", "Run definitions by clock or events."),
    "up": ("commands.serve:up", "Run stack, API and Dagster until Ctrl-C."),
    "webhooks": ("commands.webhooks:command", "Tell receivers what runs do."),
}
EXIT_CODES = {404: 3, 409: 4, 422: 2, 503: 5}
INTERRUPTED = 130


class LazyGroup(click.Group):
    """Lists every command without importing it, so help and completion stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """The names, without a look into their modules."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, its module imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        return cast("click.Command", getattr(import_module(f"{__package__}.{module}"), name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The names with their one-line help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in sorted(COMMANDS.items())])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="clustering-pipeline")
def cli() -> None:
    """Clusters over a vector database, kept fresh by an orchestrator."""


def main() -> None:
    """Runs one command: errors are one line with the fix, and an exit code of their kind."""
    collect_rarely()
    # What retries could not mend is told once, as the error; stdout is for results.
    set_on_retry_hooks([])
    try:
        sys.exit(cli(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except ClusteringError as error:
        click.echo(f"error: {error.message}", err=True)
        sys.exit(EXIT_CODES.get(error.status, 1))
    except BrokenPipeError:
        # `… | head` closed the pipe; Python would complain once more while flushing at exit.
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        if "CLUSTERING_DEBUG" in os.environ:
            raise
        kind = type(error).__name__
        click.echo(f"error: {kind}: {error} (CLUSTERING_DEBUG=1 shows where)", err=True)
        sys.exit(1)
