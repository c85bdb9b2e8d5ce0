"""How much each feature counts: as given, as learned, or all the same."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from clustering_pipeline import engine
from clustering_pipeline.engine.vectors import Labels
from clustering_pipeline.pipeline.run.progress import Paced
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Feature URI to weight; None weighs all the same.  ``quality`` and ``record`` when learned."""

    values: Mapping[str, float] | None = None
    quality: float | None = None
    record: Mapping[str, Any] | None = None


def weigh(run: Run, features: Mapping[str, Matrix]) -> Weights:
    """What the definition gives, or learns by clustering samples under many weights."""
    config = run.spec.vectors
    if config.multi_feature_strategy != "weighted":
        return Weights(values=config.feature_weights)

    check = Paced(ask=run.check)

    def group(vectors: Matrix) -> Labels:
        reduced = engine.reduce(vectors, run.spec.preprocessing, check=check).vectors
        return engine.fit_interruptibly(
            reduced, algorithm=run.spec.method, params=run.spec.params, check=check
        ).labels

    learned = engine.learn_weights(
        features,
        group,
        config.weight_learning_config,
        normalize=config.normalize_features,
        check=check,
    )
    trials = [asdict(trial) for trial in learned.trials]
    return Weights(
        values=learned.weights,
        quality=learned.metric,
        record={**learned.record, "trials": trials},
    )
