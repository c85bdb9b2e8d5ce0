"""Vectors that are hard to measure exactly, and the plain way to do it."""

import numpy as np

from clustering_pipeline_tests.sizes import size

COUNT = size(ci=400, full=1_500)


def embeddings_like(count=COUNT, *, dimensions=384, seed=0, dtype=np.float32):
    """Unit vectors of twenty topics of unequal size, each spread over twelve directions."""
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((20, dimensions)) / np.sqrt(dimensions)
    topic = rng.choice(20, size=count, p=rng.dirichlet(np.full(20, 2.0)))
    directions = rng.standard_normal((20, 12, dimensions)) / np.sqrt(dimensions)
    spread = 0.9 * rng.standard_normal((count, 1, 12)) / np.sqrt(12)
    vectors = centers[topic] + (spread @ directions[topic])[:, 0]
    vectors += 0.02 * rng.standard_normal(vectors.shape)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(dtype)


def noise(count=COUNT, *, dimensions=384, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((count, dimensions), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def with_copies():
    """One vector many times over, pairs of copies, and a few of one kind."""
    vectors = embeddings_like()
    quarter = len(vectors) // 4
    vectors[quarter : 2 * quarter] = vectors[0]
    vectors[2 * quarter : 2 * quarter + 40] = vectors[3 * quarter : 3 * quarter + 40]
    vectors[-4:] = vectors[1]
    return vectors


def near_copies(*, apart, each=20):
    """Every vector again and again, ``apart`` from itself in every coordinate."""
    rng = np.random.default_rng(0)
    vectors = embeddings_like(COUNT // each).repeat(each, axis=0)
    return (vectors + apart * rng.standard_normal(vectors.shape)).astype(np.float32)


def tight_groups(*, spread, dtype=np.float32):
    """Four groups so dense that float32 products cannot tell their points apart."""
    rng = np.random.default_rng(0)
    middles = rng.standard_normal((4, 1, 64))
    points = middles + spread * rng.standard_normal((4, COUNT // 4, 64))
    return points.reshape(-1, 64).astype(dtype)


def whole_numbers(dimensions, *, below):
    """Equal distances everywhere."""
    rng = np.random.default_rng(0)
    return rng.integers(0, below, (COUNT, dimensions)).astype(np.float32)


def two_of_many(count=COUNT, *, kinds=100):
    """Rows with two ones: all distances are 0, the root of two, or two."""
    rng = np.random.default_rng(0)
    vectors = np.zeros((count, kinds), dtype=np.float32)
    for _ in range(2):
        vectors[np.arange(count), rng.integers(0, kinds, count)] = 1
    return vectors


def with_outliers(*, far, dtype):
    vectors = embeddings_like()
    return np.vstack([vectors, far * vectors[:1], np.sqrt(far) * vectors[1:2]]).astype(dtype)


CASES = {
    "embeddings": embeddings_like,
    "float64": lambda: embeddings_like(dtype=np.float64),
    "noise": noise,
    "copies": with_copies,
    "copies up to float32's last digit": lambda: near_copies(apart=1e-8),
    "near copies": lambda: near_copies(apart=1e-6),
    "dense groups": lambda: tight_groups(spread=1e-3),
    "denser groups": lambda: tight_groups(spread=1e-7, dtype=np.float64),
    "far from the origin": lambda: 1e5 + embeddings_like(dtype=np.float64),
    "far outliers": lambda: with_outliers(far=1e6, dtype=np.float64),
    "very far outliers": lambda: with_outliers(far=1e30, dtype=np.float32),
    "huge": lambda: 1e30 * embeddings_like(dtype=np.float64),
    "tiny": lambda: np.float32(1e-25) * embeddings_like(),
    "ties in few dimensions": lambda: whole_numbers(4, below=6),
    "ties": lambda: whole_numbers(30, below=2),
    "nothing but ties": two_of_many,
    "one dimension": lambda: np.random.default_rng(0).standard_normal((COUNT, 1)),
    "two dimensions": lambda: np.random.default_rng(0).random((COUNT, 2), dtype=np.float32),
    "4,096 dimensions": lambda: noise(COUNT // 2, dimensions=4_096),
    "all equal": lambda: np.ones((50, 7), dtype=np.float32),
    "forty": lambda: embeddings_like(40),
    "three": lambda: embeddings_like(3),
    "two": lambda: embeddings_like(2),
}


def distances_of(vectors):
    """(n, n) Euclidean distances in float64 by direct differences."""
    vectors = vectors.astype(np.float64)
    rows = (vectors - row for row in vectors)
    return np.sqrt(np.stack([np.einsum("ij,ij->i", row, row) for row in rows]))


def reachability_of(vectors, *, min_samples, alpha=1.0):
    """(n, n) mutual reachability distances, and the core distances."""
    distances = distances_of(vectors)
    others = distances.copy()
    np.fill_diagonal(others, -1)
    core = np.sort(others, axis=1)[:, min(min_samples, len(vectors) - 1)]
    return np.maximum(distances / alpha, np.maximum(core[:, None], core)), core


class Sets:
    """Disjoint sets of points."""

    def __init__(self, count):
        self.parent = list(range(count))

    def find(self, point):
        while self.parent[point] != point:
            self.parent[point] = self.parent[self.parent[point]]
            point = self.parent[point]
        return point

    def join(self, left, right):
        """Whether the two were apart."""
        left, right = self.find(left), self.find(right)
        self.parent[left] = right
        return left != right


def kruskal(weights):
    """(n - 1, 3) the spanning tree by (weight, smaller id, larger id)."""
    low, high = np.triu_indices(len(weights), 1)
    order = np.lexsort((high, low, weights[low, high]))
    sets = Sets(len(weights))
    tree = [(i, j) for i, j in zip(low[order], high[order], strict=True) if sets.join(i, j)]
    low, high = np.array(tree).T
    return np.column_stack([low, high, weights[low, high]])
