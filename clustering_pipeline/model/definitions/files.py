"""Definitions kept as YAML or JSON files: each holds one mapping of fields to values."""

from pathlib import Path
from typing import Any

import yaml

from clustering_pipeline.model.errors import InvalidDefinition


def read_mapping(file: Path) -> dict[str, Any]:
    """What a YAML or JSON file holds; raises InvalidDefinition when that is no mapping."""
    parsed = _parse(file)
    if not isinstance(parsed, dict):
        message = f"{file} holds no mapping of fields to values"
        raise InvalidDefinition(message)
    return parsed


def _parse(file: Path) -> Any:
    try:
        # YAML holds JSON too.
        return yaml.safe_load(file.read_text())
    except OSError as error:
        message = f"cannot read {file}: {error.strerror}"
        raise InvalidDefinition(message) from error
    except yaml.YAMLError as error:
        message = f"{file} is neither YAML nor JSON: {' '.join(str(error).split())}"
        raise InvalidDefinition(message) from error
