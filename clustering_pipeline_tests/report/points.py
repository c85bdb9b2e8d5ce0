import numpy as np

from clustering_pipeline.report import MapPoints


def blobs(*, groups: int, each: int = 5, noise: int = 0, dimensions: int = 2, **given) -> MapPoints:
    """Groups apart from one another, group 0 largest by one point per rank."""
    labels = np.concatenate(
        [np.full(each + groups - group, group) for group in range(groups)] + [np.full(noise, -1)]
    ).astype(np.int64)
    generator = np.random.default_rng(7)
    positions = generator.normal(size=(len(labels), dimensions)) + 10 * labels[:, None]
    given.setdefault("texts", [f"text of document {row}" for row in range(len(labels))])
    return MapPoints(positions=positions, labels=labels, **given)
