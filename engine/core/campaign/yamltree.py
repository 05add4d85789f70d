"""YAML as plain data that remembers where each value stands.

Scalars are read as YAML 1.2 means them: `on`, `yes` and `1:30` are texts, `1e-3` is a number. A
number with a leading zero stays a text. Whatever is wrong is collected, not raised.
"""

import re
from typing import Any, Final

import msgspec
import yaml

from engine.core.campaign.fields import show
from engine.core.campaign.problems import Place, Problem
from engine.core.campaign.syntax import syntax_problem

MOST_VALUES: Final = 20_000
DEEPEST: Final = 40
_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = "<<"


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Where a value stands, and how it is written if it is a scalar; lines and columns from 1."""

    line: int
    column: int
    key_line: int
    key_column: int
    written: str | None = None
    option: str = ""


class Tree(msgspec.Struct, kw_only=True):
    """Plain data, a spot for each value in it, and what is wrong with it as YAML.

    `unread` are the places of which the problems speak, and whose value is None therefore.
    """

    data: Any
    spots: dict[Place, Spot]
    problems: list[Problem]
    unread: set[Place]


_FLOAT: Final = (
    r"[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+"
    r"|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
_SCALARS: Final = (
    ("null", r"~|null|Null|NULL", "~nN"),
    ("null", r"", ("",)),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    (
        "int",
        r"[-+]?(?:0|[1-9][0-9]{0,17})|0x[0-9a-fA-F]{1,15}|0o[0-7]{1,20}",
        "-+0123456789",
    ),
    ("float", _FLOAT, "-+.0123456789"),
)


def _resolvers() -> dict[str, list[tuple[str, "re.Pattern[str]"]]]:
    """For each first character, the types that a plain scalar may have, and what shows them."""
    table: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for tag, pattern, first in _SCALARS:
        for letter in first:
            table.setdefault(letter, []).append((_TAG + tag, re.compile(rf"(?:{pattern})\Z")))
    return table


class _Loader(yaml.SafeLoader):
    """Resolves scalars by the core schema of YAML 1.2."""

    yaml_implicit_resolvers = _resolvers()


def parse_yaml(text: str, option: str = "") -> Tree:
    """The one YAML document in `text`; `option` names the command line option it came from."""
    builder = _Builder(option)
    try:
        node = _compose(text)
    except (yaml.YAMLError, RecursionError) as error:
        problem = syntax_problem(error, text, option)
        return Tree(data=None, spots={}, problems=[problem], unread=set())
    data = builder.whole(node)
    return Tree(data=data, spots=builder.spots, problems=builder.problems, unread=builder.unread)


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


class _TooManyError(Exception):
    def __init__(self, node: yaml.Node) -> None:
        super().__init__(node)
        self.node = node


class _Builder:
    """Turns nodes into data; an alias becomes a copy, so that every value has one place."""

    def __init__(self, option: str) -> None:
        self.spots: dict[Place, Spot] = {}
        self.problems: list[Problem] = []
        self.unread: set[Place] = set()
        self._option = option

    def whole(self, node: yaml.Node | None) -> Any:
        """The value of the whole document."""
        if node is None:
            self.spots[()] = Spot(line=1, column=1, key_line=1, key_column=1, option=self._option)
            return None
        try:
            return self.build(node, (), node, ())
        except _TooManyError as error:
            fix = "write a smaller file"
            self._complain(error.node, f"more than {MOST_VALUES} values, aliases counted", fix)
            return None

    def build(self, node: yaml.Node, place: Place, key: yaml.Node, above: tuple[int, ...]) -> Any:
        """The value of `node`, which stands at `place` and is named by `key`."""
        refusal = self._refusal(node, above)
        if refusal:
            self.unread.add(place)
            return self._complain(node, *refusal)
        self._note(node, place, key)
        match node:
            case yaml.MappingNode():
                return self._mapping(node, place, (*above, id(node)))
            case yaml.SequenceNode():
                items: list[yaml.Node] = node.value
                inside = (*above, id(node))
                return [
                    self.build(item, (*place, index), item, inside)
                    for index, item in enumerate(items)
                ]
            case _:
                return self._scalar(node, place)

    def _refusal(self, node: yaml.Node, above: tuple[int, ...]) -> tuple[str, str] | None:
        if id(node) in above:
            return "an alias that holds itself", "write the value out"
        if len(above) > DEEPEST:
            return "nested too deeply", "write a flatter file"
        return None

    def _note(self, node: yaml.Node, place: Place, key: yaml.Node) -> None:
        mark, key_mark = node.start_mark, key.start_mark
        if len(self.spots) >= MOST_VALUES:
            raise _TooManyError(node)
        self.spots[place] = Spot(
            line=mark.line + 1,
            column=mark.column + 1,
            key_line=key_mark.line + 1,
            key_column=key_mark.column + 1,
            written=node.value if isinstance(node, yaml.ScalarNode) else None,
            option=self._option,
        )

    def _mapping(self, node: yaml.MappingNode, place: Place, above: tuple[int, ...]) -> Any:
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        pairs: list[tuple[yaml.Node, yaml.Node]] = node.value
        for key, value in pairs:
            name = self._key(key)
            if name == _MERGE and getattr(key, "style", None) is None:
                self._merge(value, merged, above)
            elif name in own:
                first = own[name][0].start_mark.line + 1
                self._complain(
                    key, f"the key {show(name)} is there twice (first in line {first})",
                    "remove one of them",
                )  # fmt: skip
            elif name is not None:
                own[name] = (key, value)
        return {
            name: self.build(value, (*place, name), key, above)
            for name, (key, value) in (merged | own).items()
        }

    def _key(self, key: yaml.Node) -> str | None:
        if isinstance(key, yaml.ScalarNode) and not _broken_text(str(key.value)):
            return str(key.value)
        self._complain(key, "a key must be a text", "put a value that begins with { or [ in quotes")
        return None

    def _merge(
        self,
        value: yaml.Node,
        into: dict[str, tuple[yaml.Node, yaml.Node]],
        above: tuple[int, ...],
    ) -> None:
        sources: list[yaml.Node] = value.value if isinstance(value, yaml.SequenceNode) else [value]
        for source in sources:
            if not isinstance(source, yaml.MappingNode) or id(source) in above:
                self._complain(value, "<< takes an alias of a mapping", "write <<: *NAME")
                continue
            pairs: list[tuple[yaml.Node, yaml.Node]] = source.value
            for key, item in pairs:
                if str(key.value) == _MERGE:
                    self._merge(item, into, (*above, id(source)))
                elif (name := self._key(key)) is not None:
                    into.setdefault(name, (key, item))

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        text = str(node.value)
        tag = str(node.tag).removeprefix(_TAG)
        if _broken_text(text):
            self._complain(node, "holds half of a character (a surrogate)", "remove it")
        else:
            try:
                return _convert(tag, text)
            except ValueError:
                self._complain(node, f"cannot be read as {node.tag}", "remove the tag")
        self.unread.add(place)
        return None

    def _complain(self, node: yaml.Node, message: str, fix: str) -> None:
        mark = node.start_mark
        problem = Problem(
            line=0 if self._option else mark.line + 1,
            column=0 if self._option else mark.column + 1,
            message=message,
            fix=fix,
            option=self._option,
        )
        if problem not in self.problems:
            self.problems.append(problem)


def _broken_text(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _convert(tag: str, text: str) -> Any:
    match tag:
        case "str" | "!":
            return text
        case "null":
            return None
        case "bool" if text.lower() in ("true", "false"):
            return text.lower() == "true"
        case "int":
            return int(text, 0)
        case "float":
            return float(text.replace(".inf", "inf").replace(".nan", "nan").lower())
        case _:
            raise ValueError(tag)
