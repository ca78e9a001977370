"""Form bodies as Stripe reads them: `a[b][0]=c` is a tree whose leaves are strings."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from tests.fakes.stripe.errors import invalid

Node = str | dict[str, "Node"]
Tree = dict[str, Node]

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def decode(text: str) -> Tree:
    """The tree of a form body or a query string. A list is a branch whose keys are its indexes."""
    tree: Tree = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        _put(tree, _path(key), value)
    return tree


def _path(key: str) -> list[str]:
    match = _KEY.fullmatch(key)
    if match is None:
        raise invalid(f"Received unknown parameter: {key}", code="parameter_unknown", param=key)
    rest = match[2]
    return [match[1], *rest[1:-1].split("][")] if rest else [match[1]]


def _put(tree: Tree, path: list[str], value: str) -> None:
    branch = tree
    for part in path[:-1]:
        inner = branch.setdefault(part or str(len(branch)), {})
        if isinstance(inner, str):
            raise invalid(f"Invalid hash at {path[0]}", param=path[0])
        branch = inner
    branch[path[-1] or str(len(branch))] = value
