import numpy as np
import pytest

from clustering_pipeline.engine.identity import Generation, identify
from clustering_pipeline_tests.engine.identity.generations import first, generation, published
from clustering_pipeline_tests.sizes import size

A, B, C = "abcdefghij", "klmnopqrst", "ABCDEFGHIJ"


def events(before, after) -> list[tuple[str, int | None, tuple[int, ...]]]:
    """Kind, place in the later run (of one that died: in the earlier), and parents."""
    found = identify(after, before).events
    return [(one.kind, one.old if one.new is None else one.new, one.parents) for one in found]


@pytest.mark.parametrize(
    ("groups", "noise", "expected"),
    [
        pytest.param([A, B], C, [("continued", 0, (0,)), ("continued", 1, (1,))], id="same"),
        pytest.param([A + "XY", B], C, [("grown", 0, (0,)), ("continued", 1, (1,))], id="grown"),
        pytest.param([A[:-2], B], C, [("shrunk", 0, (0,)), ("continued", 1, (1,))], id="shrunk"),
        pytest.param(
            [A[:-1] + "X", B], C, [("continued", 0, (0,)), ("continued", 1, (1,))], id="exchanged"
        ),
        pytest.param([A], B, [("continued", 0, (0,)), ("died", 1, ())], id="died"),
        pytest.param(
            [A, B, C],
            "",
            [("continued", 0, (0,)), ("continued", 1, (1,)), ("born", 2, ())],
            id="born",
        ),
        pytest.param(
            [A[:6], A[6:], B],
            C,
            [("shrunk", 0, (0,)), ("split", 0, (0,)), ("split", 1, (0,)), ("continued", 2, (1,))],
            id="split",
        ),
        pytest.param([A + B], C, [("grown", 0, (0,)), ("merged", 0, (0, 1))], id="merged"),
        pytest.param(
            [A[:4], A[4:7], A[7:], B],
            C,
            [
                ("shrunk", 0, (0,)),
                ("split", 0, (0,)),
                ("split", 1, (0,)),
                ("split", 2, (0,)),
                ("continued", 3, (1,)),
            ],
            id="split-in-three",
        ),
    ],
)
def test_what_happened_is_told(groups, noise, expected):
    assert events(first([A, B], noise=C), generation(groups, noise=noise)) == expected


def test_overlaps_are_over_documents_that_both_runs_saw():
    (grown,) = identify(generation([A + "XYZ"]), first([A[:8]], noise="ij")).events
    assert (grown.kind, grown.parents, grown.overlaps, grown.by) == (
        "grown",
        (0,),
        (0.8,),
        "members",
    )


def test_planted_changes_among_many_groups_are_reported_exactly():
    count, each = size(ci=60, full=500), 40
    before = many(count, each, {})
    before = published(before, identify(before))
    split, merged, dead = range(10), range(10, 20, 2), range(20, 30)
    after = many(
        count,
        each,
        dict.fromkeys(split, "split")
        | dict.fromkeys(merged, "merged")
        | dict.fromkeys(dead, "dead"),
        born=5,
    )
    told = {"split": set(), "merged": set(), "died": set(), "born": 0}
    for one in identify(after, before).events:
        if one.kind == "split":
            told["split"] |= set(one.parents)
        elif one.kind == "merged":
            told["merged"].add(one.parents)
        elif one.kind == "died":
            told["died"].add(one.old)
        elif one.kind == "born":
            told["born"] += 1
    assert told == {
        "split": set(split),
        "merged": {(one, one + 1) for one in merged},
        "died": set(dead),
        "born": 5,
    }


def many(count: int, each: int, changes: dict[int, str], *, born: int = 0) -> Generation:
    """Groups of ``each`` documents, some of which split, merge with the next one, or die."""
    rows = np.arange(count * each)
    labels = rows // each
    for group, change in changes.items():
        inside = labels == group
        if change == "split":
            labels[inside & (rows % 2 == 0)] = count + group
        else:
            labels[inside] = group + 1 if change == "merged" else -1
    labels = np.concatenate([labels, 10 * count + np.arange(born * each) // each])
    present, numbers = np.unique(labels[labels >= 0], return_inverse=True)
    deepest = np.full(len(labels), -1)
    deepest[labels >= 0] = numbers
    return Generation(
        documents=[f"document {row}" for row in range(len(labels))],
        deepest=deepest,
        paths=tuple((place,) for place in range(len(present))),
    )
