"""Keyphrases at size, a whole labelling stage against a slow server, and whether labels fit.

python benchmarks/labels.py                   every row
python benchmarks/labels.py --only keyphrases  only that one: keyphrases, stage, fidelity
"""

import json
import resource
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from clustering_pipeline.labeling import (
    LabelingConfig,
    LabelRequest,
    Prepared,
    Terms,
    estimate,
    fidelity,
    keyphrases,
    label_groups,
    prepare,
)
from clustering_pipeline.labeling.text.selection import telling_words
from clustering_pipeline_tests.labeling.groups import groups, request_to
from clustering_pipeline_tests.labeling.loopback import Reply, Server, at_length, serving

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "clustering_pipeline/local/data/state_of_the_union.parquet"
GROUPS = ROOT / "clustering_pipeline_tests/labeling/state_of_the_union_groups.npy"
DOCUMENTS, WORDS, TOPICS = 50_000, 100, 100
VOCABULARY = 60_000
SEEDS = 5


def corpus() -> tuple[list[str], np.ndarray]:
    """Texts of a hundred words as frequent as in English, a fifth of them their topic's own."""
    generator = np.random.default_rng(0)
    vocabulary = np.array([_word(number) for number in range(VOCABULARY)])
    rank = 1.0 / np.arange(1, VOCABULARY + 1)
    upto = np.cumsum(rank / rank.sum())
    labels = generator.integers(0, TOPICS, DOCUMENTS)
    texts = []
    for label in labels:
        drawn = np.searchsorted(upto, generator.random(WORDS)).clip(max=VOCABULARY - 1)
        drawn[::5] = 1_000 + label * 50 + generator.integers(0, 50, WORDS // 5)
        texts.append(" ".join(vocabulary[drawn]))
    return texts, labels


def _word(number: int) -> str:
    digits = np.base_repr(number + 26, 26).lower()
    return digits.translate(str.maketrans("0123456789", "qrstuvwxyz"))


def keyphrases_at_size() -> dict[str, object]:
    texts, labels = corpus()
    before = _peak_megabytes()
    began = time.perf_counter()
    found = keyphrases(texts, labels)
    return {
        "documents": DOCUMENTS,
        "words each": WORDS,
        "groups": len(found),
        "seconds": round(time.perf_counter() - began, 1),
        "cpu seconds": round(time.process_time(), 1),
        "peak MB": round(_peak_megabytes()),
        "peak MB before": round(before),
    }


def stage() -> dict[str, object]:
    """Two hundred groups, half a second an answer, sixteen at once; then again from the cache."""

    def slow(server: Server, request: dict[str, object]) -> Reply:
        return replace(at_length(server, request), after=0.5)

    with serving(slow) as server:
        request = request_to(server, *groups(200), terms=Terms())
        expected = estimate(request)
        began = time.perf_counter()
        labels = label_groups(request)
        seconds = time.perf_counter() - began
        asked = server.calls
        label_groups(replace(request, cached=labels.fresh))
        return {
            "groups": len(labels.groups),
            "seconds": round(seconds, 2),
            "errors": len(labels.errors),
            "calls": asked,
            "calls of a second run": server.calls - asked,
            "estimated dollars": round(expected.cost or 0.0, 5),
            "dollars": round(labels.ledger.cost, 5),
        }


def label_fidelity() -> dict[str, object]:
    """How often a judge picks a group's own document by its label, against its commonest word."""
    frame, labels = pl.read_parquet(SAMPLE), np.load(GROUPS).astype(np.int64)
    vectors = frame["embedding"].to_numpy()
    ready = prepare(frame.drop("embedding").to_dicts(), labels, vectors, config=LabelingConfig())
    named = {
        one.number: one.label for one in label_groups(LabelRequest(groups=ready.groups)).groups
    }
    commonest = {group: _commonest(ready.texts, labels == group) for group in named}
    print("| group | documents | label | fidelity |\n|---|---:|---|---:|")
    print(_table(named, ready, labels))
    return {
        name: [round(_mean(names, ready, labels, seed), 3) for seed in range(SEEDS)]
        for name, names in (("keyphrases", named), ("commonest word", commonest))
    }


def _table(named: dict[int, str], ready: Prepared, labels: np.ndarray) -> str:
    scores = fidelity(named, ready, labels)
    return "\n".join(
        f"| {group.cluster_id} | {group.size} | {named[group.number]} "
        f"| {scores[group.number].score:.2f} |"
        for group in ready.groups
    )


def _mean(names: dict[int, str], ready: Prepared, labels: np.ndarray, seed: int) -> float:
    found = fidelity(names, ready, labels, seed=seed)
    return float(np.mean([one.score for one in found.values()]))


def _commonest(texts: tuple[str, ...], inside: np.ndarray) -> str:
    said = [word for row in np.flatnonzero(inside) for word in telling_words(texts[row])]
    words, counts = np.unique(said, return_counts=True)
    return str(words[counts.argmax()])


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


ROWS: dict[str, Callable[[], dict[str, object]]] = {
    "keyphrases": keyphrases_at_size,
    "stage": stage,
    "fidelity": label_fidelity,
}


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=ROWS)
    only = parser.parse_args().only
    if only:
        print(f"{only}: {json.dumps(ROWS[only]())}")
        return
    for name in ROWS:  # a process each, so that peaks are their own
        subprocess.run(
            [sys.executable, "-m", "benchmarks.labels", "--only", name], check=True, cwd=ROOT
        )


if __name__ == "__main__":
    main()
