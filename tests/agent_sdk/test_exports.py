"""What the package offers, what it weighs, and that its documentation is there."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import agent_sdk
import agent_sdk.loops
from agent_sdk import errors
from agent_sdk.resources import accounts, approvals, bounties, devices, observations, receipts

ROOT = Path(__file__).resolve().parents[2]
MODULES = [m.name for m in pkgutil.walk_packages(agent_sdk.__path__, "agent_sdk.")]


def test_every_error_and_every_name_listed_is_exported() -> None:
    for name in agent_sdk.__all__:
        assert hasattr(agent_sdk, name), name
    assert sorted(agent_sdk.__all__) == sorted(set(agent_sdk.__all__))
    kinds = {
        n for n, k in vars(errors).items() if inspect.isclass(k) and issubclass(k, errors.SpotcheckError)
    }
    assert kinds <= set(agent_sdk.__all__)
    for name in agent_sdk.loops.__all__:
        assert hasattr(agent_sdk.loops, name), name


def test_importing_the_sdk_loads_nothing_of_the_server_and_nothing_heavy() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import agent_sdk, agent_sdk.loops, sys; print(*sorted(sys.modules))"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    ).stdout.split()  # fmt: skip
    tops = {name.split(".")[0] for name in loaded}
    heavy = {"torch", "numpy", "sqlalchemy", "fastapi", "starlette", "celery", "cv2", "PIL", "h3", "shapely"}
    assert not tops & (heavy | {"core", "payments", "verification", "bounties", "market"})


def test_both_clients_offer_the_same_groups_and_methods() -> None:
    pairs = [
        (bounties.Bounties, bounties.AsyncBounties),
        (observations.Observations, observations.AsyncObservations),
        (receipts.Receipts, receipts.AsyncReceipts),
        (accounts.Deposits, accounts.AsyncDeposits),
        (accounts.Keys, accounts.AsyncKeys),
        (approvals.Approvals, approvals.AsyncApprovals),
        (devices.Devices, devices.AsyncDevices),
        (agent_sdk.Spotcheck, agent_sdk.AsyncSpotcheck),
        (agent_sdk.LiveBounty, agent_sdk.AsyncLiveBounty),
    ]
    for blocking, awaiting in pairs:
        assert _public(blocking) == _public(awaiting)
    blocking_client, awaiting_client = agent_sdk.Spotcheck("k"), agent_sdk.AsyncSpotcheck("k")
    groups = {name for name in vars(blocking_client) if not name.startswith("_")}
    assert groups == {name for name in vars(awaiting_client) if not name.startswith("_")}
    assert groups == {"bounties", "observations", "receipts", "deposits", "keys", "approvals", "devices"}
    blocking_client.close()


def _public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_every_module_and_public_thing_has_a_docstring() -> None:
    for name in ["agent_sdk", *MODULES]:
        module = importlib.import_module(name)
        assert module.__doc__, name
        for thing, value in vars(module).items():
            ours = getattr(value, "__module__", "") == name
            if (
                thing.isidentifier()
                and not thing.startswith("_")
                and ours
                and (inspect.isclass(value) or inspect.isfunction(value))
            ):
                assert value.__doc__, f"{name}.{thing}"


def test_every_example_that_asks_a_question_says_what_an_answer_is() -> None:
    """Without answer_schema a bounty takes a picture and no answer."""
    call = re.compile(r"(?:bounties\.post|approvals\.ask)\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")
    examples = [
        example
        for name in ["agent_sdk", *MODULES]
        for example in call.findall(importlib.import_module(name).__doc__ or "")
    ]
    assert len(examples) >= 7
    assert [example for example in examples if "?" in example and "answer_schema" not in example] == []


def test_the_wheel_ships_every_package_and_its_types() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {"agent_sdk"} | {
        ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "agent_sdk").rglob("__init__.py")
    }
    assert set(project["tool"]["setuptools"]["packages"]) == packages
    assert (ROOT / "agent_sdk" / "py.typed").exists()
    assert project["project"]["version"] == agent_sdk.__version__
    needed = {line.split(">")[0].split("=")[0] for line in project["project"]["dependencies"]}
    assert needed == {"cryptography", "httpx2", "pydantic"}
