"""Parameters checked against the SDK's own types, compiled once from its TypedDicts.

The SDK's types are generated from Stripe's specification, so a parameter that Stripe does not know
(or no longer knows) is refused here too. Everything arrives as text and is read by its type. An
enum whose SDK type also allows any string, for values of versions to come, accepts the values of
this version only.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import ForwardRef, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints

import stripe
from stripe._stripe_object import UntypedStripeObject
from typing_extensions import is_typeddict

from tests.fakes.stripe.errors import Refused, invalid, missing
from tests.fakes.stripe.form import Node, Tree

Read = Callable[[Node, str], object]

# Options of the call, which the SDK's parameter types inherit and sends as headers.
_OPTIONS = frozenset(stripe.RequestOptions.__annotations__)
# Names the SDK's annotations use but import for type checkers only.
_NAMES = {
    "Mapping": Mapping,
    "StripeContext": stripe.StripeContext,
    "UntypedStripeObject": UntypedStripeObject,
}
_INTEGER = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@cache
def shape(name: str) -> Shape:
    """The reader of one of the SDK's parameter types, as `checkout.SessionListParams`."""
    found: object = stripe.params
    for part in name.split("."):
        found = getattr(found, part)
    return _shape_of(found)


@cache
def _shape_of(typed_dict: object) -> Shape:
    return Shape(typed_dict)


class Shape:
    """Reads a branch by one TypedDict; nested types are compiled when first met, for some are huge."""

    def __init__(self, typed_dict: object) -> None:
        self._type = typed_dict
        self._reads: dict[str, Read] | None = None
        required: frozenset[str] = getattr(typed_dict, "__required_keys__", frozenset())
        self._required = required - _OPTIONS

    @property
    def reads(self) -> dict[str, Read]:
        if self._reads is None:
            module = sys.modules[getattr(self._type, "__module__", "")]
            hints = get_type_hints(self._type, vars(module), _NAMES, include_extras=True)
            self._reads = {name: _reader(hint) for name, hint in hints.items() if name not in _OPTIONS}
        return self._reads

    def __call__(self, node: Node, path: str) -> dict[str, object]:
        if isinstance(node, str):
            raise invalid("Invalid object", param=path)
        reads = self.reads
        unknown = [_inside(path, name) for name in node if name not in reads]
        if unknown:
            plural = "s" if len(unknown) > 1 else ""
            message = f"Received unknown parameter{plural}: {', '.join(unknown)}"
            raise invalid(message, code="parameter_unknown", param=unknown[0])
        for name in reads:
            if name in self._required and name not in node:
                raise missing(_inside(path, name))
        return {name: reads[name](inner, _inside(path, name)) for name, inner in node.items()}

    def read(self, tree: Tree) -> dict[str, object]:
        """The whole request's parameters.

        Raises:
            Refused: a parameter is unknown, missing, or not of its type.
        """
        return self(tree, "")


def _inside(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _reader(hint: object) -> Read:
    if get_origin(hint) is not None:
        return _composed(hint, get_origin(hint), get_args(hint))
    if is_typeddict(hint):
        return _shape_of(hint)
    if isinstance(hint, ForwardRef) or hint not in _SCALARS:
        raise TypeError(f"a parameter type of the SDK that the fake cannot read: {hint!r}")
    return _SCALARS[hint]


def _composed(hint: object, origin: object, arguments: tuple[object, ...]) -> Read:
    if origin in {Union, UnionType}:
        return _union(arguments)
    if origin is Literal:
        return _Choice(frozenset(map(str, arguments)))
    if origin is list:
        return _list_of(_reader(arguments[0]))
    if origin in {dict, UntypedStripeObject}:
        return _map_of(_reader(arguments[-1]))
    if origin in {NotRequired, Required}:
        return _reader(arguments[0])
    raise TypeError(f"a parameter type of the SDK that the fake cannot read: {hint!r}")


class _Choice:
    def __init__(self, values: frozenset[str]) -> None:
        self.values = values

    def __call__(self, node: Node, path: str) -> str:
        if isinstance(node, str) and node in self.values:
            return node
        wanted = ", ".join(sorted(self.values - {""}))
        raise invalid(f"Invalid {path}: must be one of {wanted}", param=path)


def _union(members: tuple[object, ...]) -> Read:
    """Branches go to the member that is a branch, text to the scalars; `''` means unset where allowed."""
    literals = frozenset(str(v) for m in members if get_origin(m) is Literal for v in get_args(m))
    rest = [m for m in members if get_origin(m) is not Literal and m is not type(None)]
    branches = [_reader(m) for m in rest if m not in _SCALARS]
    scalars = [_SCALARS[m] for m in rest if m in _SCALARS]
    if literals - {""}:
        # Beside an enum's values the SDK allows any text, meant for values of versions to come.
        scalars = [*(s for s in scalars if s is not _text), _Choice(literals)]

    def read(node: Node, path: str) -> object:
        if node == "" and "" in literals:
            return ""
        candidates = scalars if isinstance(node, str) else branches
        return _first(candidates or scalars or branches, node, path)

    return read


def _first(candidates: list[Read], node: Node, path: str) -> object:
    for candidate in candidates[:-1]:
        try:
            return candidate(node, path)
        except Refused:
            continue
    return candidates[-1](node, path)


def _list_of(item: Read) -> Read:
    def read(node: Node, path: str) -> object:
        if isinstance(node, str) or not all(map(str.isdigit, node)):
            raise invalid("Invalid array", param=path)
        return [item(node[key], f"{path}[{key}]") for key in sorted(node, key=int)]

    return read


def _map_of(value: Read) -> Read:
    def read(node: Node, path: str) -> object:
        if isinstance(node, str):
            raise invalid("Invalid hash", param=path)
        # An empty text unsets a key, so it is allowed here where it is nowhere else.
        return {key: "" if inner == "" else value(inner, f"{path}[{key}]") for key, inner in node.items()}

    return read


def _leaf(node: Node, path: str, noun: str) -> str:
    if not isinstance(node, str):
        raise invalid(f"Invalid {noun}: {node}", param=path)
    if not node:
        message = (
            f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a "
            f"parameter; however '{path}' cannot be unset. You should remove '{path}' from your request or "
            "supply a non-empty value."
        )
        raise invalid(message, code="parameter_invalid_empty", param=path)
    return node


def _text(node: Node, path: str) -> str:
    return _leaf(node, path, "string")


def _integer(node: Node, path: str) -> int:
    leaf = _leaf(node, path, "integer")
    if not _INTEGER.fullmatch(leaf):
        raise invalid(f"Invalid integer: {leaf}", code="parameter_invalid_integer", param=path)
    return int(leaf)


def _boolean(node: Node, path: str) -> bool:
    leaf = _leaf(node, path, "boolean")
    if leaf not in {"true", "false"}:
        raise invalid(f"Invalid boolean: {leaf}", param=path)
    return leaf == "true"


def _decimal(node: Node, path: str) -> str:
    leaf = _leaf(node, path, "decimal")
    if not _DECIMAL.fullmatch(leaf):
        raise invalid(f"Invalid decimal: {leaf}", param=path)
    return leaf


_SCALARS: dict[object, Read] = {
    str: _text, int: _integer, bool: _boolean, float: _decimal, Decimal: _decimal,
}  # fmt: skip
