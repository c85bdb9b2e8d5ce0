"""Blocks that are dear to read, on disk between the first look at them and the second."""

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, cast

from clustering_pipeline.service.collections.files.block import Block
from clustering_pipeline.service.collections.files.vectors import Vectors

Read = tuple[Block, Mapping[str, Vectors]]


@dataclass(kw_only=True)
class Spool:
    """A file that ends with its process; where the disk is full there is none, and no harm."""

    whole: bool = False
    """Whether all blocks are in it."""
    _file: IO[bytes] | None = field(default_factory=TemporaryFile)
    _count: int = 0

    def add(self, read: Read) -> None:
        """Keep one more block."""
        if self._file is None:
            return
        try:
            pickle.dump(read, self._file, protocol=pickle.HIGHEST_PROTOCOL)
            self._count += 1
        except OSError:
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def end(self) -> None:
        """No block comes any more."""
        self.whole = self._file is not None

    def blocks(self) -> Iterator[Read]:
        """All blocks, in their order."""
        assert self._file is not None  # noqa: S101 - whole
        self._file.seek(0)
        for _ in range(self._count):
            yield cast("Read", pickle.load(self._file))  # noqa: S301 - what this process wrote
