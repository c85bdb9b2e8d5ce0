"""Topics in a folder: parquet for what is one a text, JSON for the rest; nothing is pickled."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.notebook.embedder import Embedder
from clustering_pipeline.notebook.frames import OWN, Library
from clustering_pipeline.notebook.naming import Name
from clustering_pipeline.notebook.topics import Topics
from clustering_pipeline.pipeline.run.columns import vector_series
from clustering_pipeline.stores.artifacts.matrices import vector_matrix

FORMAT = 1
DOCUMENTS = "documents.parquet"
TOPICS = "topics.json"


def save(topics: Topics, folder: str | Path) -> None:
    """Writes both files; the one that makes the folder whole comes last."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    (target / TOPICS).unlink(missing_ok=True)
    frame = pl.DataFrame(
        {
            "text": topics.texts,
            "group": topics.numbers,
            "probability": topics.probabilities,
            "x": topics.positions[:, 0],
            "y": topics.positions[:, 1],
        },
        schema_overrides={"text": pl.String},
    )
    vectors = vector_series("vector", topics.vectors)
    frame.with_columns(vectors).hstack(topics.metadata).write_parquet(target / DOCUMENTS)
    about = {
        "format": FORMAT,
        "frames": topics.frames,
        "names": {str(group): asdict(name) for group, name in topics.names.items()},
        "record": topics.record,
    }
    text = json.dumps(about, ensure_ascii=False, indent=2, default=_plain)
    (target / TOPICS).write_text(text, encoding="utf-8")


def load_topics(
    folder: str | Path, *, embedder: Embedder | None = None, frames: Library | None = None
) -> Topics:
    """Topics that :meth:`Topics.save` wrote; the embedder, which is no part of them, may be given.

    Raises InvalidRequest for a folder that holds none, or those of a later version.
    """
    source = Path(folder)
    if not (source / TOPICS).is_file():
        message = f"{str(folder)!r} holds no topics: name a folder that topics.save wrote"
        raise InvalidRequest(message)
    about = json.loads((source / TOPICS).read_text(encoding="utf-8"))
    if about.get("format") != FORMAT:
        message = (
            f"{str(folder)!r} is of format {about.get('format')}, and this version reads {FORMAT}: "
            "read it with the version that wrote it, or a later one"
        )
        raise InvalidRequest(message)
    frame = pl.read_parquet(source / DOCUMENTS)
    return Topics(
        texts=tuple(frame["text"].to_list()),
        vectors=vector_matrix(frame["vector"]),
        numbers=frame["group"].to_numpy(),
        probabilities=frame["probability"].to_numpy(),
        positions=frame.select("x", "y").to_numpy(),
        names={int(group): _name(fields) for group, fields in about["names"].items()},
        metadata=frame.drop(name for name in OWN if name in frame.columns),
        record=about["record"],
        embedder=embedder,
        frames=frames or about["frames"],
    )


def _name(fields: dict[str, Any]) -> Name:
    return Name(
        label=fields["label"],
        keywords=tuple(fields["keywords"]),
        rows=tuple(fields["rows"]),
        by_people=fields["by_people"],
    )


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value)
