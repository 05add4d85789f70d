"""`--set stop.iterations=5`: values of the command line, put over those of the file."""

from collections.abc import Sequence
from typing import Any, cast

from engine.core.campaign.problems import Place, Problem
from engine.core.campaign.yamltree import Spot, Tree, parse_yaml


class _WrongPlaceError(Exception):
    """The path of an override leads nowhere; holds what is wrong and what to do."""


def apply_overrides(tree: Tree, overrides: Sequence[str]) -> None:
    """Change `tree` by each `path=value`, in their order; what is wrong joins its problems.

    A path is made of keys, list positions from 0 and, in lists, names or kinds:
    `checks.cost.deadline`, `proposers.0.slots`. What is missing on the way is made.
    The value is YAML. `path+=value` appends it to a list.
    """
    for override in overrides:
        try:
            _apply(tree, override)
        except _WrongPlaceError as error:
            message, fix = cast("tuple[str, str]", error.args)
            tree.problems.append(
                Problem(line=0, column=0, message=message, fix=fix, option=f"--set {override}")
            )


def _apply(tree: Tree, override: str) -> None:
    path, equals, text = override.partition("=")
    append = path.endswith("+")
    names = path.removesuffix("+").strip().split(".")
    if not equals or not all(names):
        raise _WrongPlaceError("is not key=value", "write, for example, --set stop.iterations=20")
    new = parse_yaml(text, option=f"--set {override}")
    tree.problems.extend(new.problems)
    if not new.problems:
        place = _put(tree, names, new.data, append=append)
        kept = {at: spot for at, spot in tree.spots.items() if at[: len(place)] != place}
        tree.spots.clear()
        tree.spots.update(kept)
        tree.spots.update({(*place, *at): spot for at, spot in new.spots.items()})
        made = Spot(line=0, column=0, key_line=0, key_column=0, option=f"--set {override}")
        for depth in range(1, len(place)):
            tree.spots.setdefault(place[:depth], made)
        tree.unread.update((*place, *at) for at in new.unread)


def _put(tree: Tree, names: Sequence[str], value: Any, *, append: bool) -> Place:
    """Set what the names lead to, or append to it, making the mappings on the way."""
    node: Any = tree.data
    place: Place = ()
    for depth, name in enumerate(names):
        step = _step(node, name, ".".join(names[:depth]))
        place = (*place, step)
        if depth == len(names) - 1 and append:
            return (*place, _append(node, step, value, ".".join(names)))
        if depth == len(names) - 1:
            node[step] = value
        elif isinstance(node, dict) and cast("dict[str, Any]", node).get(name) is None:
            node[step] = [] if names[depth + 1].isdecimal() else {}
        node = cast("Any", node)[step]
    return place


def _append(node: Any, step: str | int, value: Any, path: str) -> int:
    """Append to the list at a step of `node`, made if need be; the position of the value."""
    holder = cast("dict[str | int, Any]", node)  # a list is read and set in the same way
    known = holder[step] if isinstance(step, int) else holder.get(step)
    if known is None:
        known = holder[step] = []
    if not isinstance(known, list):
        raise _WrongPlaceError(f"{path} holds no list", f"set {path} itself, with =")
    items = cast("list[Any]", known)
    items.append(value)
    return len(items) - 1


def _step(node: Any, name: str, path: str) -> str | int:
    match node:
        case dict():
            return name
        case list():
            return _item(cast("list[Any]", node), name, path)
        case _:
            raise _WrongPlaceError(
                f"{path or 'the file'} holds a single value, nothing below it",
                f"set {path} itself" if path else "correct the file first",
            )


def _item(items: list[Any], name: str, path: str) -> int:
    """The position of the item that is called `name`, or has it as its number."""
    titles = [_title(item) for item in items]
    if name in titles:
        return titles.index(name)
    if name.isdecimal() and len(name) < 9 and int(name) <= len(items):
        if int(name) == len(items):
            items.append({})
        return int(name)
    known = ", ".join(title for title in titles if title) or f"0 to {len(items)}"
    raise _WrongPlaceError(f"{path} has no item called {name!r}", f"there are: {known}")


def _title(item: Any) -> str:
    """What a check or a proposer is called."""
    if not isinstance(item, dict):
        return ""
    mapping = cast("dict[str, Any]", item)
    return str(mapping.get("name") or mapping.get("kind") or "")
