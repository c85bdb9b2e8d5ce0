"""Topics: the groups of some texts, as a value that shows itself and makes further ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.groups.centroids import centroids
from clustering_pipeline.engine.incremental import (
    THRESHOLD,
    Assigned,
    Reference,
    assign_to,
    reference_of,
)
from clustering_pipeline.engine.vectors import Labels, Vectors, as_vectors, unit_rows
from clustering_pipeline.labeling.text.matching import matches
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.periods import Every
from clustering_pipeline.notebook.embedder import Embedder, embedded
from clustering_pipeline.notebook.frames import Library, column_of, frame_of
from clustering_pipeline.notebook.naming import Name, named, sizes_of
from clustering_pipeline.notebook.views import MapView, TimelineView, timeline_view

NOISE = -1
NOISE_LABEL = "Noise"
_TEXTS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Topics:
    """n texts in groups; no method changes it, those that change something answer another one.

    A group keeps its number and the name that people gave it through :meth:`merge` and
    :meth:`rename`; ``numbers`` (n,) holds -1 for texts in no group, ``vectors`` is (n, d) float32,
    ``probabilities`` is (n,), ``positions`` (n, 2) on the map, ``metadata`` has a row a text.
    """

    texts: tuple[str, ...]
    vectors: Vectors
    numbers: Labels
    probabilities: NDArray[np.float64]
    positions: NDArray[np.float32]
    names: Mapping[int, Name]
    metadata: pl.DataFrame
    record: Mapping[str, Any]
    """What was done: method, parameters, seeds, versions, and the trials of ``auto``."""
    embedder: Embedder | None = field(default=None, repr=False)
    frames: Library = "pandas"

    def __repr__(self) -> str:
        noise = int((self.numbers == NOISE).sum())
        return f"<Topics: {len(self.texts)} texts, {len(self.names)} groups, {noise} in none>"

    def _repr_html_(self) -> str:
        table = str(frame_of(self._groups(), "pandas").to_html(index=False, max_rows=30))
        return f"<p>{escape(repr(self))}</p>{table}"

    @property
    def groups(self) -> Any:
        """A row a group, largest first: group, label, documents, share, cohesion (mean cosine to
        the centroid), keywords and texts that stand for it.
        """
        return frame_of(self._groups(), self.frames)

    @property
    def documents(self) -> Any:
        """A row a text, in the order given: text, group (-1 for none), label, probability, x, y and
        the columns of the metadata.
        """
        return frame_of(self._documents(), self.frames)

    def _groups(self) -> pl.DataFrame:
        measured = dict(zip(self._order, self._cohesion.tolist(), strict=True))
        rows = [
            {
                "group": group,
                "label": self.names[group].label,
                "documents": size,
                "share": size / len(self.texts),
                "cohesion": measured[group],
                "keywords": list(self.names[group].keywords),
                "texts": [self.texts[row] for row in self.names[group].rows[:_TEXTS]],
            }
            for group, size in sizes_of(self.numbers).items()
        ]
        kinds = {"group": pl.Int64, "label": pl.String, "documents": pl.Int64, "share": pl.Float64}
        lists = {"keywords": pl.List(pl.String), "texts": pl.List(pl.String)}
        return pl.DataFrame(rows, schema={**kinds, "cohesion": pl.Float64, **lists})

    def _documents(self) -> pl.DataFrame:
        frame = pl.DataFrame(
            {
                "text": self.texts,
                "group": self.numbers,
                "label": self._labels(self.numbers),
                "probability": self.probabilities,
                "x": self.positions[:, 0],
                "y": self.positions[:, 1],
            },
            schema_overrides={"text": pl.String, "label": pl.String},
        )
        return frame.hstack(self.metadata)

    def _labels(self, numbers: Labels) -> list[str]:
        return [
            self.names[group].label if group in self.names else NOISE_LABEL
            for group in numbers.tolist()
        ]

    @cached_property
    def _order(self) -> list[int]:
        """The groups by number: as rows of a reference stand."""
        return sorted(self.names)

    @cached_property
    def _dense(self) -> Labels:
        """The groups counted through."""
        places = {group: place for place, group in enumerate(self._order)} | {NOISE: NOISE}
        return np.array([places[group] for group in self.numbers.tolist()], dtype=np.int64)

    @cached_property
    def _cohesion(self) -> NDArray[np.float64]:
        return centroids(self.vectors, self._dense).mean_cosine

    @cached_property
    def _reference(self) -> Reference:
        return reference_of(self.vectors, self._dense)

    def map(self, *, title: str = "Topics") -> MapView:
        """The map, which shows itself in a notebook; ``.save("map.html")`` writes it."""
        return MapView(
            positions=self.positions,
            numbers=self.numbers,
            labels={group: name.label for group, name in self.names.items()},
            texts=self.texts,
            title=title,
        )

    def timeline(
        self, by: str | Sequence[Any], *, every: Every = "month", zone: str = "UTC"
    ) -> TimelineView:
        """How many texts of each group are of which time: ``counts`` and ``shares`` by period.

        ``by`` is a column of the metadata, or a date for each text.  Texts without a date, and with
        something that is none, are counted in ``without_date`` and ``unreadable``.
        """
        dates = column_of(self.metadata, by) if isinstance(by, str) else list(by)
        if len(dates) != len(self.texts):
            message = f"there are {len(dates)} dates and {len(self.texts)} texts: give one for each"
            raise InvalidRequest(message)
        labels = {group: self.names[group].label for group in sizes_of(self.numbers)}
        return timeline_view(
            dates,
            self.numbers.tolist(),
            labels | {NOISE: NOISE_LABEL},
            every=every,
            zone=zone,
            library=self.frames,
        )

    def find(self, query: str, *, limit: int = 10) -> Any:
        """The groups that a query means, best first: by vectors where there is an embedder (score:
        cosine to the centroid), else by words.
        """
        scores = self._scores(query)
        rows = [
            {"group": group, "label": self.names[group].label, "score": score}
            for group, score in sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
            if score > 0
        ]
        kinds = {"group": pl.Int64, "label": pl.String, "score": pl.Float64}
        return frame_of(pl.DataFrame(rows[:limit], schema=kinds), self.frames)

    def _scores(self, query: str) -> dict[int, float]:
        if self.embedder is not None:
            asked = unit_rows(self._embedded([query]))[0]
            cosines = self._reference.centroids @ asked
            return dict(zip(self._order, cosines.astype(float).tolist(), strict=True))
        fitting = matches(query, pl.Series(self.texts, dtype=pl.String))
        return {
            group: fitting.of_group("\n".join([name.label, *name.keywords]), self.numbers == group)
            for group, name in self.names.items()
        }

    def transform(
        self,
        texts: Sequence[str],
        *,
        embeddings: ArrayLike | None = None,
        threshold: float = THRESHOLD,
    ) -> Any:
        """The group that each of some new texts joins, -1 for those that are new to all groups.

        A row a text: text, group, label, probability, nearest (the group it is nearest to) and
        cosine (to the centroid of that).  No group changes.
        """
        given = list(texts)
        joined = self._joined(given, embeddings, threshold)
        numbers = self._numbered(joined.labels)
        frame = pl.DataFrame(
            {
                "text": given,
                "group": numbers,
                "label": self._labels(numbers),
                "probability": joined.probabilities,
                "nearest": self._numbered(joined.nearest),
                "cosine": joined.cosines,
            },
            schema_overrides={"text": pl.String, "label": pl.String},
        )
        return frame_of(frame, self.frames)

    def _joined(
        self, texts: Sequence[str], embeddings: ArrayLike | None, threshold: float
    ) -> Assigned:
        if not texts:
            none, nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
            return Assigned(labels=none, nearest=none, cosines=nothing, probabilities=nothing)
        vectors = self._embedded(texts) if embeddings is None else as_vectors(embeddings)
        if vectors.shape != (len(texts), self.vectors.shape[1]):
            message = (
                f"embeddings are {' × '.join(map(str, vectors.shape))}: {len(texts)} texts need "
                f"{len(texts)} × {self.vectors.shape[1]}"
            )
            raise InvalidRequest(message)
        return assign_to(self._reference, vectors, threshold=threshold)

    def _numbered(self, places: Labels) -> Labels:
        return np.array([*self._order, NOISE], dtype=np.int64)[places]

    def _embedded(self, texts: Sequence[str]) -> Vectors:
        if self.embedder is None:
            message = "there is no embedder: give embeddings=, or set one: topics.with_embedder(…)"
            raise InvalidRequest(message)
        return embedded(self.embedder, texts)

    def with_embedder(self, embedder: Embedder | None) -> "Topics":
        """The same, with another embedder: what is saved has none."""
        return replace(self, embedder=embedder)

    def rename(self, names: Mapping[int, str]) -> "Topics":
        """The same groups, some of them called otherwise."""
        self._require(names)
        for group, name in names.items():
            if not isinstance(name, str) or not name.strip():
                message = f"group {group} is to be called {name!r}: give it a name"
                raise InvalidRequest(message)
        given = {
            group: replace(self.names[group], label=name.strip(), by_people=True)
            for group, name in names.items()
        }
        return replace(self, names={**self.names, **given})

    def merge(self, groups: Sequence[int], *, name: str | None = None) -> "Topics":
        """The same texts, with some groups as one, which has the number of the largest.

        It is named anew from its words, unless ``name`` says otherwise or people had named the
        largest one; all other groups keep their names.
        """
        self._require(groups)
        wanted = set(groups)
        if len(wanted) < 2:
            message = f"merge needs two groups at least, and got {sorted(wanted)}"
            raise InvalidRequest(message)
        kept = next(group for group in sizes_of(self.numbers) if group in wanted)
        numbers = np.where(np.isin(self.numbers, sorted(wanted)), kept, self.numbers)
        people = {group: own.label for group, own in self.names.items() if own.by_people}
        if name is not None:
            people[kept] = name
        fresh = named(
            self.texts,
            self.vectors,
            numbers,
            stop_words=self.record.get("stop_words", ()),
            given={group: label for group, label in people.items() if group not in wanted - {kept}},
        )
        others = {group: own for group, own in self.names.items() if group not in wanted}
        return replace(self, numbers=numbers, names={**others, kept: fresh[kept]})

    def _require(self, groups: Sequence[int] | Mapping[int, str]) -> None:
        unknown = [group for group in groups if group not in self.names]
        if unknown:
            numbers = ", ".join(map(str, self._order[:20]))
            message = f"there is no group {unknown[0]!r}; there are: {numbers}"
            raise InvalidRequest(message)

    def save(self, folder: str) -> None:
        """Writes parquet and JSON into a folder, which :func:`load_topics` reads."""
        from clustering_pipeline.notebook.saved import save  # noqa: PLC0415 - it makes Topics

        save(self, folder)

    def to_definition(self, collection: str, *, name: str | None = None) -> str:
        """Loads texts, vectors and metadata into a collection of the catalog that the environment
        describes, and stores a definition that groups them like this; answers its id.
        """
        from clustering_pipeline.notebook.catalog import open_catalog  # noqa: PLC0415 - takes Topics

        with open_catalog() as catalog:
            return catalog.store(self, collection, name=name)
