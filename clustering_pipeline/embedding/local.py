"""Models in this process: sentence-transformers, and Qdrant's fastembed, by name or folder."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from clustering_pipeline.embedding.embedder import Floats, checked
from clustering_pipeline.model.collections import EmbedConfig
from clustering_pipeline.model.errors import EmbeddingFailed
from clustering_pipeline.model.executions.execution import LabelingLedger

_WINDOW = 512
_BATCH = 64
_EXTRA = {"sentence-transformers": "sentence-transformers", "fastembed": "fastembed"}


class Local:
    """One model, loaded when it is first asked; its library uses all cores itself."""

    ledger = LabelingLedger()

    def __init__(self, config: EmbedConfig):
        self._config = config
        self._model: Any = None
        self._lock = Lock()

    @property
    def window(self) -> int:
        """Tokens that it reads of a text."""
        with self._lock:
            return int(getattr(self._loaded(), "max_seq_length", None) or _WINDOW)

    def embed(self, texts: Sequence[str]) -> Floats:
        """(n, d) vectors; raises EmbeddingFailed where its package or the model is missing."""
        with self._lock:
            model = self._loaded()
            if self._config.provider == "fastembed":
                answer: Any = list(model.embed(list(texts), batch_size=_BATCH))
            else:
                answer = model.encode(list(texts), batch_size=_BATCH, show_progress_bar=False)
        return checked(answer, len(texts), self._config)

    def _loaded(self) -> Any:
        if self._model is None:
            self._model = self._open()
        return self._model

    def _open(self) -> Any:
        provider, model = self._config.provider, self._config.model
        try:
            return _OPENERS[provider](model)
        except ImportError as error:
            message = (
                f"{self._config.spelled} needs a package that is missing ({error}): "
                f"pip install 'clustering-pipeline[{_EXTRA[provider]}]'"
            )
            raise EmbeddingFailed(message) from error
        except Exception as error:
            # Their libraries raise what the libraries below them do.
            message = f"{self._config.spelled} cannot be loaded: {error}"
            raise EmbeddingFailed(message) from error


def _sentence_transformers(model: str) -> Any:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - an extra  # ty: ignore[import-not-found]

    # Its loader draws a bar of its own, over ours.
    from transformers.utils import logging  # noqa: PLC0415 - comes with it  # ty: ignore[import-not-found]

    logging.disable_progress_bar()
    return SentenceTransformer(model)


def _fastembed(model: str) -> Any:
    from fastembed import TextEmbedding  # noqa: PLC0415 - an extra  # ty: ignore[import-not-found]

    return TextEmbedding(model)


_OPENERS: dict[str, Callable[[str], Any]] = {
    "sentence-transformers": _sentence_transformers,
    "fastembed": _fastembed,
}
