"""The tree in the docstring is the tree of the classes, and every leaf says how it is answered."""

import inspect

import pytest

from clustering_pipeline.model import errors
from clustering_pipeline.model.errors import PUBLIC_CATEGORIES, ClusteringError, public_category

STATUSES = {
    "MalformedRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "TooManyRequests": 429,
    "InvalidRequest": 422,
    "NotFound": 404,
    "Conflict": 409,
    "StoreUnavailable": 503,
    "LabelingFailed": 500,
    "RunEnded": 500,
}


def children(error: type[ClusteringError]) -> list[type[ClusteringError]]:
    """The classes below one, in order; what a module derives for itself alone is none of them."""
    return [one for one in error.__subclasses__() if one.__module__ == errors.__name__]


def descendants(error: type[ClusteringError]) -> list[type[ClusteringError]]:
    return [one for child in children(error) for one in (child, *descendants(child))]


def drawn(error: type[ClusteringError], indent: str = "") -> list[str]:
    """The tree below one class, as the docstring draws it."""
    lines = []
    below = children(error)
    for child in below:
        last = child is below[-1]
        lines.append(f"{indent}{'└── ' if last else '├── '}{child.__name__}")
        lines += drawn(child, indent + ("    " if last else "│   "))
    return lines


def in_docstring() -> list[str]:
    """The drawing, without what it says in brackets."""
    lines = inspect.getdoc(errors).splitlines()
    tree = [line for line in lines if "──" in line]
    return [line.partition(" (")[0].rstrip() for line in tree]


LEAVES = [error for error in descendants(ClusteringError) if not children(error)]
leaves = pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)


def test_the_docstring_draws_the_tree():
    assert in_docstring() == drawn(ClusteringError)


@leaves
def test_a_leaf_has_a_docstring_and_no_constructor(leaf):
    assert leaf.__doc__.endswith(".")
    assert "__init__" not in vars(leaf)


@leaves
def test_a_leaf_is_answered_as_its_branch_is(leaf):
    branch = next(one for one in reversed(leaf.__mro__) if one.__name__ in STATUSES)
    assert leaf.status == STATUSES[branch.__name__]


@leaves
def test_a_leaf_has_a_category_of_its_own_or_of_its_branch_that_clients_know(leaf):
    assert leaf.category
    if leaf.category != "canceled":
        assert public_category(leaf.category) in set(PUBLIC_CATEGORIES) - {"unknown"}


def test_an_error_carries_its_sentence_and_its_details():
    error = errors.UnknownVector("no vector 'a'", details={"known": ["b"]})
    assert (str(error), error.message, error.details) == (
        "no vector 'a'",
        "no vector 'a'",
        {"known": ["b"]},
    )
