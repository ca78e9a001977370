"""The server's errors and the SDK's are one tree under two roofs: same names, parents, statuses."""

from __future__ import annotations

import core.errors
from agent_sdk import errors


def _tree(root: type[Exception]) -> dict[str, str]:
    """Name -> parent's name, of every class under `root` defined beside it."""
    found: dict[str, str] = {}
    for child in root.__subclasses__():
        if child.__module__ == root.__module__:
            found[child.__name__] = root.__name__
            found.update(_tree(child))
    return found


LOCAL = {"ConnectionFailed", "UnreadableReply", "KeyNotShown", "JournalBroken", "ReceiptError"}


def test_the_sdk_has_every_server_error_in_its_place_and_no_other_with_a_status() -> None:
    server, sdk = _tree(core.errors.SpotcheckError), _tree(errors.SpotcheckError)
    local = {name for name, parent in sdk.items() if name in LOCAL or _under_local(name, sdk)}
    assert {name: parent for name, parent in sdk.items() if name not in local} == server
    for name in server:
        assert getattr(errors, name).default_status == getattr(core.errors, name).status
    for name in local:
        assert getattr(errors, name).default_status is None


def _under_local(name: str, tree: dict[str, str]) -> bool:
    while name in tree:
        if name in LOCAL:
            return True
        name = tree[name]
    return False


def test_a_servers_problem_comes_out_as_the_same_class() -> None:
    for name in ["SpotcheckError", *_tree(core.errors.SpotcheckError)]:
        kind: type[core.errors.SpotcheckError] = getattr(core.errors, name)
        raised = kind("what happened", limit=7)
        body = raised.problem("req_1")
        assert errors.error_for(str(body["code"]), raised.status) is getattr(errors, name)


def test_both_trees_are_drawn_in_their_docstrings() -> None:
    for module in (core.errors, errors):
        drawn = module.__doc__ or ""
        for name in _tree(module.SpotcheckError):
            assert f"── {name} " in drawn or f"── {name}\n" in drawn, name
