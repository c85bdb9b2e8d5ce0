"""A run says that it is alive, so that one whose machine is lost is not waited for."""

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager

from clustering_pipeline.logs import tell
from clustering_pipeline.model.errors import CatalogUnavailable
from clustering_pipeline.stores.catalog import Catalog

LOG = logging.getLogger(__name__)
SECONDS = 15.0


@contextmanager
def beating(catalog: Catalog, run_id: str, *, seconds: float = SECONDS) -> Generator[None]:
    """Renews the run's hold on its definition every so many seconds, from a thread of its own."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(seconds):
            # A catalog that is away for a while is told at the next beat.
            try:
                catalog.automation.beat(run_id)
            except CatalogUnavailable:
                tell(LOG, "heartbeat missed", logging.WARNING, because="catalog away")

    thread = threading.Thread(target=beat, name=f"heartbeat of {run_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
