"""What a filter means.

This is the definition: a store may evaluate a filter itself only where it gives the same answer.

- A path leads through objects and, element by element, through lists of objects.  What is not there
  is null.
- A condition on a list holds if it holds for any element (an element that is itself a list is a
  value like any other).  ``contains`` on a list asks for an equal element, on a string for a
  substring.
- ``ne``, ``nin`` and NOT are complements, so a missing field satisfies them.
- Types never mix: ``1`` is ``1.0`` but neither ``"1"`` nor ``true``.  When the operand is an ISO
  date it is compared with ISO dates, as instants; otherwise strings compare by code point.
- ``exists`` asks for anything but null, an empty list included; ``is_null`` is equality with null.
- Unless ``case_sensitive``, strings are compared after Unicode case folding.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import ge, gt, le, lt
from typing import Any, TypeAlias

from clustering_pipeline.model.filters.text import as_time, compile_pattern, tokens
from clustering_pipeline.model.filters.tree import JSON, Condition, Filter, Group, Operator

Predicate: TypeAlias = Callable[[Mapping[str, object]], bool]
Test: TypeAlias = Callable[[object], bool]
Maker: TypeAlias = Callable[[Condition], Test]


def matches(tree: Filter | None, payload: Mapping[str, object]) -> bool:
    """Whether ``payload`` is selected by ``tree``."""
    return predicate(tree)(payload)


def predicate(tree: Filter | None) -> Predicate:
    """``matches`` for one filter and many payloads: operands are prepared once."""
    if tree is None:
        return lambda _: True
    return _group(tree) if isinstance(tree, Group) else _condition(tree)


def _group(group: Group) -> Predicate:
    every = [predicate(item) for item in group.every]
    some = [predicate(item) for item in group.some]
    none = [predicate(item) for item in group.none]

    def holds(payload: Mapping[str, object]) -> bool:
        return (
            all(item(payload) for item in every)
            and (not some or any(item(payload) for item in some))
            and not any(item(payload) for item in none)
        )

    return holds


def _condition(condition: Condition) -> Predicate:
    path = condition.path
    test = _TESTS[condition.operator](condition)
    if _is_complement(condition):
        return lambda payload: not any(test(leaf) for leaf in _leaves(payload, path))
    return lambda payload: any(test(leaf) for leaf in _leaves(payload, path))


def _is_complement(condition: Condition) -> bool:
    if condition.operator in {Operator.EXISTS, Operator.IS_NULL}:
        return condition.value is False
    return condition.operator in {Operator.NE, Operator.NIN}


def _leaves(value: object, path: Sequence[str]) -> Iterable[object]:
    for depth, key in enumerate(path):
        if isinstance(value, list | tuple):
            rest = path[depth:]
            elements = (leaf for element in value for leaf in _inside(element, rest))
            return list(elements) or [None]
        value = value.get(key) if isinstance(value, Mapping) else None
    return [value]


def _inside(element: object, path: Sequence[str]) -> Iterable[object]:
    return _leaves(element, path) if isinstance(element, Mapping) else [None]


def _any_element(test: Test) -> Test:
    def holds(leaf: object) -> bool:
        if isinstance(leaf, list | tuple):
            return any(test(element) for element in leaf)
        return test(leaf)

    return holds


def _equality(condition: Condition) -> Test:
    return _equals(condition.value, case_sensitive=condition.case_sensitive)


def _membership(condition: Condition) -> Test:
    operands = condition.value if isinstance(condition.value, list | tuple) else ()
    tests = [_equals(item, case_sensitive=condition.case_sensitive) for item in operands]
    return lambda leaf: any(test(leaf) for test in tests)


def _equals(operand: JSON, *, case_sensitive: bool) -> Test:
    same = _same(operand, case_sensitive=case_sensitive)
    if isinstance(operand, list | tuple):
        return lambda leaf: same(leaf) or _any_element(same)(leaf)
    return _any_element(same)


def _same(operand: object, *, case_sensitive: bool) -> Test:
    if isinstance(operand, str):
        return _same_string(operand, case_sensitive=case_sensitive)
    if operand is None or isinstance(operand, bool):
        return lambda value: value is operand
    if isinstance(operand, list | tuple):
        return _same_list([_same(item, case_sensitive=case_sensitive) for item in operand])
    if isinstance(operand, Mapping):
        return _same_object(
            {str(key): _same(item, case_sensitive=case_sensitive) for key, item in operand.items()}
        )
    return lambda value: _is_number(value) and value == operand


def _same_string(operand: str, *, case_sensitive: bool) -> Test:
    instant = as_time(operand)
    if instant is not None:
        return lambda value: as_time(value) == instant
    fold = _folding(case_sensitive=case_sensitive)
    text = fold(operand)
    return lambda value: isinstance(value, str) and fold(value) == text


def _same_list(tests: Sequence[Test]) -> Test:
    return lambda value: (
        isinstance(value, list | tuple)
        and len(value) == len(tests)
        and all(test(item) for test, item in zip(tests, value, strict=True))
    )


def _same_object(tests: Mapping[str, Test]) -> Test:
    return lambda value: (
        isinstance(value, Mapping)
        and value.keys() == tests.keys()
        and all(test(value[key]) for key, test in tests.items())
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _folding(*, case_sensitive: bool) -> Callable[[str], str]:
    return str if case_sensitive else str.casefold


_ORDER: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.GT: gt,
    Operator.GTE: ge,
    Operator.LT: lt,
    Operator.LTE: le,
}


def _ordering(condition: Condition) -> Test:
    compare, operand = _ORDER[condition.operator], condition.value
    if not isinstance(operand, str):
        return _any_element(lambda value: _is_number(value) and compare(value, operand))
    instant = as_time(operand)
    if instant is not None:
        return _any_element(
            lambda value: (moment := as_time(value)) is not None and compare(moment, instant)
        )
    fold = _folding(case_sensitive=condition.case_sensitive)
    limit = fold(operand)
    return _any_element(lambda value: isinstance(value, str) and compare(fold(value), limit))


def _containment(condition: Condition) -> Test:
    element = _same(condition.value, case_sensitive=condition.case_sensitive)
    part = _string_test(condition, lambda text, operand: operand in text)
    if not isinstance(condition.value, str):
        return lambda leaf: isinstance(leaf, list | tuple) and any(map(element, leaf))
    return lambda leaf: any(map(element, leaf)) if isinstance(leaf, list | tuple) else part(leaf)


def _string_test(condition: Condition, test: Callable[[str, str], bool]) -> Test:
    fold = _folding(case_sensitive=condition.case_sensitive)
    operand = fold(str(condition.value))
    return lambda value: isinstance(value, str) and test(fold(value), operand)


def _text(test: Callable[[str, str], bool]) -> Maker:
    """For a test of a text and the operand."""
    return lambda condition: _any_element(_string_test(condition, test))


def _pattern(condition: Condition) -> Test:
    return _any_element(
        compile_pattern(str(condition.value), case_sensitive=condition.case_sensitive)
    )


def _any_word(words: Sequence[str], asked: Sequence[str]) -> bool:
    return any(word in words for word in asked)


def _all_words(words: Sequence[str], asked: Sequence[str]) -> bool:
    return bool(asked) and all(word in words for word in asked)


def _run_of_words(words: Sequence[str], run: Sequence[str]) -> bool:
    starts = range(len(words) - len(run) + 1) if run else ()
    return any(words[start : start + len(run)] == run for start in starts)


def _words(test: Callable[[Sequence[str], Sequence[str]], bool]) -> Maker:
    """For a test of the words of a text and those of the operand."""

    def make(condition: Condition) -> Test:
        fold = _folding(case_sensitive=condition.case_sensitive)
        asked = tokens(fold(str(condition.value)))
        return _any_element(
            lambda value: isinstance(value, str) and test(tokens(fold(value)), asked)
        )

    return make


_TESTS: dict[Operator, Maker] = {
    Operator.EQ: _equality,
    Operator.NE: _equality,
    Operator.IN: _membership,
    Operator.NIN: _membership,
    Operator.GT: _ordering,
    Operator.GTE: _ordering,
    Operator.LT: _ordering,
    Operator.LTE: _ordering,
    Operator.CONTAINS: _containment,
    Operator.STARTS_WITH: _text(str.startswith),
    Operator.ENDS_WITH: _text(str.endswith),
    Operator.REGEX: _pattern,
    Operator.EXISTS: lambda _: lambda leaf: leaf is not None,
    Operator.IS_NULL: lambda _: _any_element(lambda value: value is None),
    Operator.TEXT: _words(_any_word),
    Operator.WORDS: _words(_all_words),
    Operator.PHRASE: _words(_run_of_words),
}
