"""Files that are whole or absent."""

import os
from pathlib import Path


def write_atomically(path: Path, content: str) -> None:
    """Replace ``path`` in one step that a crash cannot split, and that survives one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
