"""How far one value travels: the stops it makes in modules, and its returns to modules it left.

python benchmarks/journeys.py                          assign, publish and label, by their run
python benchmarks/journeys.py --root ../before         the same in another checkout
python benchmarks/journeys.py --trail                  every stop too, and what is entered there
python benchmarks/journeys.py label=clustering_pipeline.pipeline.stages.label:label
python benchmarks/journeys.py a=package.module:function:one,other     other parameters than run

The walk reads syntax trees; nothing of the project is imported or run.  It starts in a function and
follows its value, a parameter, depth-first through the calls, as they are written: the arguments of
a call come before the call, both branches of a condition are walked, a loop is walked once, and the
body of an inner function is walked where it is defined.

- A name carries the value if it is such a parameter, or a local that is assigned, opened or looped
  over from an expression that carries it.  An expression carries it if it is such a name, an
  attribute or an element of what carries it (``run.spec.params``), a list, tuple, ``and``, ``or``
  or conditional with such a part, or one of these unpacked or awaited.  The result of a call does
  not carry it: it is another value.
- A call passes the value on if an argument carries it, or if it is a method of what carries it.
  It is followed if it names a function or a class of the project (through any re-export), a method
  of such a class, or a method of a parameter annotated with such a class (of ``self`` too).
  Attributes have no known class: ``run.read_frame()`` is followed, ``run.pipeline.x()`` is not.
  Properties, functions handed over to be called later, and libraries are not followed either.
- In what is entered, the parameters that received the value carry it on.  Each function is walked
  once; to enter it again counts, and leads nowhere.  A method that is entered again does not count:
  to ask an object once more is no journey.  A class is walked in its ``__init__`` or
  ``__post_init__``, if it has one.
- What is entered, in this order, is the trail.  A stop is a stretch of it in one module.  The end
  of a call is no stop by itself: control is back in the caller's module, and the trail is so
  when the value is passed on to something of that module again.  A return is a stop in a module
  that the trail has left before, so returns are stops less modules.
"""

import ast
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

PACKAGE = "clustering_pipeline"
STAGES = ("assign", "publish", "label")
FOLDERS = {"stages", "publishing"}
VALUE, VALUE_CLASS = "run", "Run"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """A class of the project, and the module that defines it."""

    module: str
    node: ast.ClassDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A function or method of the project; ``owner`` is the class whose text it stands in."""

    module: str
    node: Function
    owner: Class | None = None

    @property
    def name(self) -> str:
        """What the trail calls it."""
        return f"{self.owner.node.name}.{self.node.name}" if self.owner else self.node.name

    @property
    def positional(self) -> list[str]:
        """The parameters that arguments without a name fill, ``self`` included."""
        return [one.arg for one in (*self.node.args.posonlyargs, *self.node.args.args)]

    @property
    def named(self) -> list[str]:
        """The parameters that arguments with a name fill."""
        return [one.arg for one in (*self.node.args.args, *self.node.args.kwonlyargs)]

    @property
    def is_bound(self) -> bool:
        """Whether the first parameter is the object or its class."""
        return self.owner is not None and not _decorated(self.node, "staticmethod")


Found = str | Entry | Class | None  # a str is a module's name


class Project:
    """The modules of one checkout, and what their names stand for."""

    def __init__(self, root: Path) -> None:
        self.trees: dict[str, ast.Module] = {}
        self._packages: set[str] = set()
        for path in sorted((root / PACKAGE).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if parts[-1] == "__init__":
                self._packages.add(name)
            self.trees[name] = ast.parse(path.read_text(encoding="utf-8"))
        self._names = {module: dict(self._names_of(module)) for module in self.trees}

    def _names_of(self, module: str) -> Iterator[tuple[str, tuple[str, str] | Entry | Class]]:
        """What ``module`` imports, as a module and a name in it, and what it defines."""
        for node in ast.walk(self.trees[module]):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield from self._imported(module, node)
        for node in self.trees[module].body:
            if isinstance(node, ast.ClassDef):
                yield node.name, Class(module=module, node=node)
            elif isinstance(node, Function):
                yield node.name, Entry(module=module, node=node)

    def _imported(
        self, module: str, node: ast.Import | ast.ImportFrom
    ) -> Iterator[tuple[str, tuple[str, str]]]:
        for one in node.names:
            if isinstance(node, ast.ImportFrom):
                yield one.asname or one.name, (self._source(module, node), one.name)
            else:
                whole = one.name if one.asname else one.name.partition(".")[0]
                yield one.asname or whole, (whole, "")

    def _source(self, module: str, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = module.split(".")
        above = node.level - (module in self._packages)
        return ".".join([*parts[: len(parts) - above], *([node.module] if node.module else [])])

    def found(self, module: str, name: str, passed: frozenset[str] = frozenset()) -> Found:
        """What ``name`` stands for in ``module``; None if it is not the project's."""
        below = f"{module}.{name}" if name else module
        known = self._names.get(module, {}).get(name)
        if isinstance(known, Entry | Class):
            return known
        if known is not None and below not in passed:
            return self.found(*known, passed | {below})
        return below if below in self.trees else None

    def named(self, module: str, expression: ast.expr) -> Found:
        """What a name with dots stands for in ``module``."""
        if isinstance(expression, ast.Name):
            return self.found(module, expression.id)
        if not isinstance(expression, ast.Attribute):
            return None
        holder = self.named(module, expression.value)
        if isinstance(holder, str):
            return self.found(holder, expression.attr)
        return self.method(holder, expression.attr) if isinstance(holder, Class) else None

    def method(self, owner: Class, name: str) -> Entry | None:
        """The method of ``owner`` or of the first of its bases that has it."""
        for node in owner.node.body:
            if isinstance(node, Function) and node.name == name:
                return Entry(module=owner.module, node=node, owner=owner)
        for base in owner.node.bases:
            above = self.named(owner.module, base)
            if isinstance(above, Class) and above != owner and (one := self.method(above, name)):
                return one
        return None

    def annotated(self, module: str, annotation: ast.expr | None) -> Class | None:
        """The class that an annotation names, alone or as the first in a union."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return self.annotated(module, ast.parse(annotation.value, mode="eval").body)
        if isinstance(annotation, ast.BinOp):
            left = self.annotated(module, annotation.left)
            return left or self.annotated(module, annotation.right)
        one = self.named(module, annotation) if annotation is not None else None
        return one if isinstance(one, Class) else None

    def stage(self, name: str) -> Entry:
        """The one function ``name`` in a folder of stages that takes a run."""
        several = [one for module in self.trees if (one := self._stage(module, name))]
        if len(several) != 1:
            places = ", ".join(one.module for one in several) or "none"
            message = f"{name!r} is not one function ({places}): say {name}=module:function"
            raise SystemExit(message)
        return several[0]

    def _stage(self, module: str, name: str) -> Entry | None:
        one = self._names[module].get(name)
        if not FOLDERS.intersection(module.split(".")) or not isinstance(one, Entry):
            return None
        taken = {each.arg: each.annotation for each in one.node.args.args}
        owner = self.annotated(module, taken.get(VALUE))
        return one if owner is not None and owner.node.name == VALUE_CLASS else None


@dataclass(slots=True, kw_only=True)
class Journey:
    """Where one value has been: the module and the name of all that was entered with it."""

    project: Project
    trail: list[tuple[str, str]] = field(default_factory=list)
    _walked: set[tuple[str, str]] = field(default_factory=set)

    def enter(self, entry: Entry, carrying: Iterable[str]) -> None:
        """Goes into a function whose parameters ``carrying`` hold the value."""
        place = entry.module, entry.name
        if place in self._walked:
            if entry.owner is None:
                self.trail.append(place)
            return
        self.trail.append(place)
        self._walked.add(place)
        _Walk(self, entry, set(carrying)).walk(entry.node.body)

    def construct(self, made: Class) -> None:
        """Goes into a class that has no code of its own for that."""
        self.trail.append((made.module, made.node.name))

    @property
    def stops(self) -> list[tuple[str, list[str]]]:
        """The stretches of the trail in one module each."""
        parts = groupby(self.trail, key=lambda place: place[0])
        return [(module, [name for _, name in part]) for module, part in parts]

    @property
    def modules(self) -> int:
        """How many modules the trail enters."""
        return len({module for module, _ in self.trail})


class _Walk(ast.NodeVisitor):
    """The text of one function, read in order."""

    def __init__(self, journey: Journey, entry: Entry, carrying: set[str]) -> None:
        self._journey, self._project, self._module = journey, journey.project, entry.module
        self._carrying = carrying
        self._locals: dict[str, Class | None] = {}
        given = entry.node.args
        for one in (*given.posonlyargs, *given.args, *given.kwonlyargs):
            self._locals[one.arg] = self._project.annotated(entry.module, one.annotation)
        if entry.is_bound and entry.positional:
            self._locals[entry.positional[0]] = entry.owner

    def walk(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        self._call(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        self._bind(node.targets, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self._bind([node.target], node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._bind([node.target], node.value)

    def visit_withitem(self, node: ast.withitem) -> None:
        self.visit(node.context_expr)
        if node.optional_vars is not None:
            self._bind([node.optional_vars], node.context_expr)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._bind([node.target], node.iter, whole=False)
        self.walk([*node.body, *node.orelse])

    visit_AsyncFor = visit_For  # noqa: N815

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.visit(node.iter)
        self._bind([node.target], node.iter, whole=False)
        self.walk(node.ifs)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self.walk([*node.generators, node.elt])

    visit_SetComp = visit_GeneratorExp = visit_ListComp  # noqa: N815

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self.walk([*node.generators, node.key, node.value])

    def visit_FunctionDef(self, node: Function) -> None:
        self._locals[node.name] = None
        self.walk(node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._locals[node.name] = None

    def _bind(self, targets: Iterable[ast.expr], value: ast.expr, *, whole: bool = True) -> None:
        """Gives locals their value; its class too, if it is ``whole`` and not one of its parts."""
        known = self._locals.get(value.id) if isinstance(value, ast.Name) and whole else None
        for target in targets:
            names = [one.id for one in ast.walk(target) if isinstance(one, ast.Name)]
            if isinstance(target, ast.Attribute | ast.Subscript):
                continue
            self._locals.update(dict.fromkeys(names, known))
            if self._carries(value):
                self._carrying.update(names)

    def _carries(self, expression: ast.expr) -> bool:
        match expression:
            case ast.Name():
                return expression.id in self._carrying
            case (
                ast.Attribute(value=inner)
                | ast.Subscript(value=inner)
                | ast.Starred(value=inner)
                | ast.Await(value=inner)
                | ast.NamedExpr(value=inner)
            ):
                return self._carries(inner)
            case ast.BoolOp(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts):
                return any(map(self._carries, parts))
            case ast.IfExp():
                return self._carries(expression.body) or self._carries(expression.orelse)
            case _:
                return False

    def _call(self, call: ast.Call) -> None:
        made = self._callee(call.func)
        entry = made
        if isinstance(made, Class):
            method = self._project.method
            entry = method(made, "__init__") or method(made, "__post_init__")
            arguments = [*call.args, *(one.value for one in call.keywords)]
            if entry is None and any(map(self._carries, arguments)):
                self._journey.construct(made)
        if isinstance(entry, Entry) and (carrying := self._received(call, entry)):
            self._journey.enter(entry, carrying)

    def _callee(self, function: ast.expr) -> Found:
        root = function
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name):
            return None
        if root.id not in self._locals:
            return self._project.named(self._module, function)
        owner = self._locals[root.id]
        if owner is None or not isinstance(function, ast.Attribute) or function.value is not root:
            return None
        return self._project.method(owner, function.attr)

    def _received(self, call: ast.Call, entry: Entry) -> set[str]:
        """The parameters of ``entry`` that the value goes into."""
        places = entry.positional
        carrying: set[str] = set()
        if entry.is_bound:
            of_value = isinstance(call.func, ast.Attribute) and self._carries(call.func.value)
            carrying.update(places[:1] if of_value else [])
            places = places[1:]
        rest, named_rest = entry.node.args.vararg, entry.node.args.kwarg
        for number, argument in enumerate(call.args):
            if self._carries(argument):
                unpacked = isinstance(argument, ast.Starred)
                filled = places[number:] if unpacked else places[number : number + 1]
                carrying.update(filled or ([rest.arg] if rest else []))
        for one in call.keywords:
            if self._carries(one.value):
                filled = entry.named if one.arg is None else {one.arg}.intersection(entry.named)
                carrying.update(filled or ([named_rest.arg] if named_rest else []))
        return carrying


def _decorated(node: Function, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in node.decorator_list)


def journey(project: Project, start: Entry, values: Iterable[str]) -> Journey:
    """The way of the parameters ``values`` of ``start``."""
    values = list(values)
    if missing := set(values).difference(entry_names := {*start.positional, *start.named}):
        message = f"{start.name} takes {', '.join(sorted(entry_names))}; not {', '.join(missing)}"
        raise SystemExit(message)
    made = Journey(project=project)
    made.enter(start, values)
    return made


def _start(project: Project, given: str) -> tuple[str, Entry, list[str]]:
    """A stage's name, its function, and the parameters to follow."""
    stage, _, address = given.partition("=")
    if not address:
        return stage, project.stage(stage), [VALUE]
    module, _, rest = address.partition(":")
    name, _, values = rest.partition(":")
    one = project.found(module, name)
    if not name or not isinstance(one, Entry):
        message = f"no function {name!r} in {module}: say {stage}=package.module:function"
        raise SystemExit(message)
    return stage, one, values.split(",") if values else [VALUE]


def main() -> None:
    """Prints one row for each stage."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="STAGE[=module:function[:parameter,...]]")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--trail", action="store_true", help="print every stop")
    given = parser.parse_args()
    project = Project(given.root)
    starts = [_start(project, one) for one in given.stages or STAGES]
    print(f"{'stage':<12}{'stops':>8}{'returns':>9}{'modules':>9}")
    for stage, start, values in starts:
        made = journey(project, start, values)
        stops = made.stops
        returns = len(stops) - made.modules
        print(f"{stage:<12}{len(stops):>8}{returns:>9}{made.modules:>9}")
        if given.trail:
            for number, (module, names) in enumerate(stops, start=1):
                print(f"{number:>6}  {module}: {', '.join(names)}")


if __name__ == "__main__":
    main()
