"""Documents that are connected to when they are first asked for something."""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clustering_pipeline.stores.documents import Documents


class DocumentsLater:
    """Stands for ``Documents`` where most callers read the catalog alone.

    Those neither wait for an embedded Qdrant to start nor import its client.
    """

    def __init__(self, connect: Callable[[], "Documents"]):
        self._connect = connect
        self._documents: Documents | None = None
        self._opening = Lock()

    def __getattr__(self, name: str) -> Any:
        """Whatever ``Documents`` has."""
        return getattr(self.connected(), name)

    def connected(self) -> "Documents":
        """The real ones."""
        with self._opening:
            if self._documents is None:
                self._documents = self._connect()
            return self._documents

    def close(self) -> None:
        """Ends the connections, if there are any."""
        if self._documents is not None:
            self._documents.close()
