import click

from clustering_pipeline.cli.terminal.output import emit, output_options, to_json
from clustering_pipeline.settings import Settings


@click.command("config")
@output_options
def command(output: str) -> None:
    """Print the settings in force, secrets masked."""
    values = Settings().in_force()
    if output == "json":
        click.echo(to_json(values))
        return
    rows = [{"setting": name, "value": value} for name, value in values.items()]
    emit(rows, columns=("setting", "value"), output=output)
