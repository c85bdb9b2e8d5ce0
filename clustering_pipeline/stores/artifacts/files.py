"""What a place for files must do, and how a key must look."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from clustering_pipeline.model.errors import ArtifactNotFound

CHUNK = 1 << 20


class Files(Protocol):
    """Files by key, each published whole; a folder and an S3 prefix are alike through this.

    Every method raises ``ArtifactsUnavailable`` when the place does not answer.
    """

    def stage(self, key: str) -> Path:
        """A local path, in an existing folder, to write the file for ``key`` to."""
        ...

    def publish(self, staged: Path, key: str) -> None:
        """Make the staged file the one for ``key``: a reader sees the old one or the new one."""
        ...

    def size(self, key: str) -> int | None:
        """Bytes, or None when there is no such file."""
        ...

    def chunks(self, key: str) -> Iterator[bytes]:
        """The content in pieces; raises ``ArtifactNotFound``."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key that starts with ``prefix``, in order."""
        ...

    def remove(self, keys: Iterable[str]) -> None:
        """Delete files; those already gone are fine."""
        ...

    def uri(self, key: str) -> str:
        """Where the file is, as a path or an ``s3://`` address."""
        ...

    @property
    def storage_options(self) -> dict[str, str] | None:
        """What polars needs to read ``uri`` itself."""
        ...


def checked(key: str) -> str:
    """``key`` itself when it stays inside the root, else ``ArtifactNotFound``."""
    if not key or {"", ".", ".."} & set(key.split("/")) or "\\" in key or "\0" in key:
        message = f"artifact key {key!r} is not a plain relative path: use a/b/c.parquet"
        raise ArtifactNotFound(message)
    return key


def missing(key: str, uri: str) -> ArtifactNotFound:
    """The error for a file that is not there."""
    message = f"artifact {key!r} does not exist (looked at {uri}): run the definition again"
    return ArtifactNotFound(message)
