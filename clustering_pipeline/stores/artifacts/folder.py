"""Files in a folder."""

import os
import uuid
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clustering_pipeline.model.errors import ArtifactsUnavailable
from clustering_pipeline.stores.artifacts.files import CHUNK, missing

_PARTIAL = ".partial"


class FolderFiles:
    """Files below ``root``; a file being written has a name of its own until it is complete."""

    storage_options = None

    def __init__(self, root: Path):
        self._root = root.expanduser().absolute()

    def stage(self, key: str) -> Path:
        """A name beside the final one, so that publishing is a rename."""
        path = self._path(key)
        with self._answering():
            path.parent.mkdir(parents=True, exist_ok=True)
        return path.with_name(f".{path.name}.{uuid.uuid4().hex}{_PARTIAL}")

    def publish(self, staged: Path, key: str) -> None:
        """Rename, after the content has reached the disk."""
        target = self._path(key)
        with self._answering():
            _sync(staged)
            staged.replace(target)
            _sync(target.parent)

    def size(self, key: str) -> int | None:
        """Bytes on disk."""
        path = self._path(key)
        with self._answering():
            return path.stat().st_size if path.is_file() else None

    def chunks(self, key: str) -> Iterator[bytes]:
        """The content, a megabyte at a time."""
        path = self._path(key)
        with self._answering():
            if not path.is_file():
                raise missing(key, str(path))
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk

    def keys(self, prefix: str) -> Iterator[str]:
        """Complete files only."""
        start = self._root / prefix.rpartition("/")[0]
        with self._answering():
            paths = sorted(path for path in start.rglob("*") if path.is_file())
        for path in paths:
            key = path.relative_to(self._root).as_posix()
            if key.startswith(prefix) and path.suffix != _PARTIAL:
                yield key

    def remove(self, keys: Iterable[str]) -> None:
        """Delete files, and the folders that this empties."""
        with self._answering():
            for key in keys:
                path = self._path(key)
                path.unlink(missing_ok=True)
                self._prune(path.parent)

    def uri(self, key: str) -> str:
        """The absolute path."""
        return str(self._path(key))

    def _path(self, key: str) -> Path:
        return self._root / key

    def _prune(self, folder: Path) -> None:
        while folder != self._root and folder.is_dir() and not any(folder.iterdir()):
            with suppress(OSError):  # somebody writes there at this moment
                folder.rmdir()
            folder = folder.parent

    @contextmanager
    def _answering(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            message = (
                f"the artifacts folder {self._root} does not work ({error.strerror or error}): "
                "check that it exists, is writable and has space"
            )
            raise ArtifactsUnavailable(message) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
