"""What the labels of a run are made of: all levels of its groups in one request."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
import polars as pl

from clustering_pipeline.labeling import (
    Group,
    LabelingConfig,
    LabelRequest,
    Prepared,
    cache_keys,
    prepare,
)
from clustering_pipeline.labeling.provider import Provider
from clustering_pipeline.logs import tell
from clustering_pipeline.model.definitions.feature_uri import FeatureURI
from clustering_pipeline.model.errors import LabelingFailed
from clustering_pipeline.pipeline.run.columns import CLUSTER_ID, FEATURE, PAYLOAD
from clustering_pipeline.pipeline.run.hierarchy_levels import Level, levels
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import (
    Matrix,
    features,
    grouped_documents,
    original_space,
)
from clustering_pipeline.pipeline.stages.label_cache import recall, recall_format

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The groups level by level, with the texts and keyphrases their labels are made of."""

    config: LabelingConfig
    documents: pl.DataFrame
    levels: tuple[Level, ...]
    prepared: tuple[Prepared, ...]

    @property
    def starts(self) -> tuple[int, ...]:
        """The number of each level's first group when all levels are counted through."""
        sizes = [len(level.cluster_ids) for level in self.levels]
        return tuple(accumulate(sizes[:-1], initial=0))

    @property
    def groups(self) -> tuple[Group, ...]:
        """All groups, counted through: so money, time and names are shared by all levels."""
        return tuple(
            _renumbered(group, start)
            for prepared, start in zip(self.prepared, self.starts, strict=True)
            for group in prepared.groups
        )


def material(run: Run) -> Material:
    """Reads the run's groups and documents."""
    config = LabelingConfig.from_mapping(run.spec.llm_labeling.model_dump())
    documents = grouped_documents(run, columns=[PAYLOAD])
    paths = run.spec.llm_labeling.vector_paths
    blocks, vectors = features(run) if paths else {}, original_space(run)
    payloads, named_vectors = documents[PAYLOAD].to_list(), _by_path(blocks, paths, len(documents))
    of_groups = tuple(levels(documents[CLUSTER_ID], documents[FEATURE]))
    return Material(
        config=config,
        documents=documents,
        levels=of_groups,
        prepared=tuple(
            prepare(
                payloads,
                level.labels,
                vectors,
                config=config,
                features=named_vectors,
                cluster_ids=dict(enumerate(level.cluster_ids)),
                ignore=run.own_fields,
            )
            for level in of_groups
        ),
    )


def _by_path(blocks: Mapping[str, Matrix], paths: Collection[str], rows: int) -> dict[str, Matrix]:
    """The vectors that ``vector`` inputs tell of, by the names they use, a row for each row."""
    by_path = {
        path: matrix
        for uri, matrix in blocks.items()
        for path in paths
        if path in {uri, FeatureURI.parse(uri).output}
    }
    # Clusterings of one feature each lie one after the other, over the same documents.
    return {
        path: np.tile(matrix, (rows // max(len(matrix), 1), 1)) for path, matrix in by_path.items()
    }


def label_request(
    run: Run, given: Material, *, names: Mapping[str, str] | None = None
) -> LabelRequest:
    """Everything there is to ask, with what was answered before; ``names`` are those by people."""
    groups, config, by_people = given.groups, given.config, names or {}
    provider, reason = _provider(run, config)
    request = LabelRequest(
        groups=groups,
        config=config,
        provider=provider,
        terms=run.pipeline.terms,
        human_names={
            group.number: by_people[group.cluster_id]
            for group in groups
            if group.cluster_id in by_people
        },
    )
    if provider is None:
        return replace(request, unreachable=reason) if reason else request
    catalog, scope = run.pipeline.catalog, run.spec.scope
    return replace(
        request,
        cached=recall(catalog, scope, config, list(cache_keys(request).values())),
        format=recall_format(catalog, scope, provider, config),
    )


def _provider(run: Run, config: LabelingConfig) -> tuple[Provider | None, str | None]:
    """The model, or why the definition may not have it."""
    # No document leaves the machine because of an environment variable: the definition must ask.
    if not config.enabled:
        return None, None
    try:
        return run.pipeline.provider_of(config), None
    except LabelingFailed as refused:
        tell(LOG, "no model asked", logging.WARNING, because=refused.message)
        return None, refused.message


def _renumbered(group: Group, start: int) -> Group:
    nearest = tuple(start + other for other in group.nearest)
    return replace(group, number=start + group.number, nearest=nearest)
