"""What runs write and readers read."""

import hashlib
import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from clustering_pipeline.model.errors import ArtifactsUnavailable
from clustering_pipeline.stores.artifacts.files import Files, checked, missing
from clustering_pipeline.stores.artifacts.folder import FolderFiles
from clustering_pipeline.stores.artifacts.matrices import vector_matrix
from clustering_pipeline.stores.artifacts.parquet import ParquetSink, read_matrix
from clustering_pipeline.stores.artifacts.s3 import S3Files, connect


class Artifacts:
    """Files by key below one root.

    A write shows whole or not at all; the same key written again replaces the file.  Reading what
    is not there raises ``ArtifactNotFound``; a root that does not work, ``ArtifactsUnavailable``.
    """

    def __init__(self, files: Files, *, root: str):
        self._files = files
        self.root = root

    @classmethod
    def open(
        cls,
        root: str | Path,
        endpoint: str | None = None,
        *,
        s3_client: Any = None,
        storage_options: Mapping[str, str] | None = None,
    ) -> Self:
        """A folder, or ``s3://bucket/prefix``.

        Without ``s3_client`` one is made for ``endpoint`` with the credentials of the standard AWS
        variables; with it, ``storage_options`` tells polars how to reach the same server.
        """
        if not str(root).startswith("s3://"):
            return cls(FolderFiles(Path(root)), root=str(root))
        if s3_client is None:
            s3_client, storage_options = connect(endpoint)
        files = S3Files(s3_client, str(root), storage_options=storage_options)
        return cls(files, root=str(root))

    @contextmanager
    def open_writer(self, key: str, schema: pa.Schema) -> Generator[ParquetSink]:
        """A parquet file to write page by page; it appears when the block ends without error."""
        with self._staged(key) as path:
            sink = ParquetSink(path, schema)
            try:
                yield sink
            finally:
                sink.close()

    def write_frame(self, key: str, frame: pl.DataFrame) -> int:
        """Write parquet; returns its bytes."""
        with self._staged(key) as path:
            frame.write_parquet(path, compression="zstd", compression_level=3)
            return path.stat().st_size

    def read_frame(self, key: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Read parquet, all of it or some columns."""
        frame = self.scan(key)
        with self._reading(key):
            return (frame.select(columns) if columns is not None else frame).collect()

    def read_vectors(self, key: str, column: str) -> NDArray[np.float32]:
        """(n, d) numbers of a column of vectors of one length, with no second copy of them.

        Where that is not to be had, through a frame.
        """
        self.size(key)
        if self._files.storage_options is None:
            with self._reading(key):
                found = read_matrix(Path(self.uri(key)), column)
            if found is not None:
                return found
        return vector_matrix(self.read_frame(key, columns=[column])[column])

    def scan(self, key: str) -> pl.LazyFrame:
        """Parquet to be read as far as a query needs it."""
        self.size(key)
        with self._reading(key):
            return pl.scan_parquet(
                self.uri(key), glob=False, storage_options=self._files.storage_options
            )

    def write_bytes(self, key: str, content: bytes) -> int:
        """Write a file as it is; returns its bytes."""
        with self._staged(key) as path:
            return path.write_bytes(content)

    def read_bytes(self, key: str) -> bytes:
        """The whole content."""
        return b"".join(self._files.chunks(checked(key)))

    def write_json(self, key: str, content: object) -> int:
        """Write UTF-8 JSON, keys in order; NaN and infinity are refused."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=1)
        return self.write_bytes(key, text.encode())

    def read_json(self, key: str) -> Any:
        """What ``write_json`` wrote."""
        return json.loads(self.read_bytes(key))

    def exists(self, key: str) -> bool:
        """Whether the file is there, whole."""
        return self._files.size(checked(key)) is not None

    def size(self, key: str) -> int:
        """Bytes."""
        size = self._files.size(checked(key))
        if size is None:
            raise missing(key, self.uri(key))
        return size

    def sha256(self, key: str) -> str:
        """The digest of the content, in hexadecimal, read in pieces."""
        digest = hashlib.sha256()
        for chunk in self._files.chunks(checked(key)):
            digest.update(chunk)
        return digest.hexdigest()

    def list(self, prefix: str = "") -> tuple[str, ...]:
        """The keys that start with ``prefix``, in order."""
        return tuple(self._files.keys(prefix))

    def delete(self, prefix: str) -> int:
        """Delete one file, or every file in a folder; returns how many there were."""
        inside = f"{checked(prefix.rstrip('/'))}/"
        keys = [key for key in self._files.keys(inside[:-1]) if f"{key}/".startswith(inside)]
        self._files.remove(keys)
        return len(keys)

    def uri(self, key: str) -> str:
        """Where the file is: an absolute path or an ``s3://`` address."""
        return self._files.uri(checked(key))

    @contextmanager
    def _staged(self, key: str) -> Generator[Path]:
        path = self._files.stage(checked(key))
        try:
            yield path
            self._files.publish(path, key)
        except OSError as error:
            message = f"artifact {key!r} could not be written ({error}): check space and rights"
            raise ArtifactsUnavailable(message) from error
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def _reading(self, key: str) -> Generator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise missing(key, self.uri(key)) from error
        except OSError as error:
            message = f"artifact {key!r} could not be read from {self.uri(key)} ({error})"
            raise ArtifactsUnavailable(message) from error
