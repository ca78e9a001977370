"""The end of the demo, with the server stopped: books, receipts and log are checked from files alone."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from core.db import Database
from core.money import Money
from market.demo import agent, books
from market.demo.stage import Demo
from market.demo.story import DEPOSIT

_PACKAGES = (
    "torch",
    "onnxruntime",
    "opencv-python-headless",
    "c2pa-python",
    "sqlalchemy",
    "celery",
    "fastapi",
    "scikit-image",
    "scikit-learn",
)
HONEST = 4  # captures that deserve their money
PAID = "3.80"  # to the passer-by, the neighbour, the guest and the lab
FEES = "0.38"


def balance_books(demo: Demo) -> None:
    """Every invariant of the books holds, and the money is where the story says."""
    database = Database(demo.house.settings.database)
    try:
        figures = books.audited(database)
        moved, stands = books.flows(database), books.standing(database)
        found = books.reports(database, [look.capture for look in demo.record.looks if look.capture])
    finally:
        database.dispose()
    for look in demo.record.looks:
        look.report = found.get(look.capture)
    broken = [figure.name for figure in figures if figure.stops]
    demo.record.facts["audit"] = [
        {"name": figure.name, "says": figure.says, "figure": figure.figure} for figure in figures
    ]
    demo.record.facts["money"] = {
        "flows": {name: {"count": flow.count, "amount": str(flow.amount)} for name, flow in moved.items()},
        "standing": stands,
    }
    demo.record.facts["fusion"] = books.constants()
    demo.record.judge(
        "the books balance",
        "every invariant holds",
        f"broken: {broken}" if broken else "every invariant holds",
        not broken,
        text=f"the books balance: all {len(figures)} invariants hold",
    )
    _follow_money(demo, moved)


def _follow_money(demo: Demo, moved: dict[str, books.Flow]) -> None:
    """Nothing but the four honest captures was paid, and what was not paid came back."""
    rewards, fees = moved["reward"], moved["fee"]
    demo.record.expect(
        "only the honest are paid",
        f"{HONEST} rewards, {PAID} + {FEES}",
        f"{rewards.count} rewards, {rewards.amount} + {fees.amount}",
        text=f"{HONEST} rewards, ${PAID} in all, and ${FEES} of fees left escrow; no cheat has a cent",
    )
    held = moved["hold"].amount
    settled = rewards.amount + fees.amount + moved["refund"].amount
    text = f"of ${held} held in escrow ${moved['refund'].amount} came back, the rest was paid"
    demo.record.expect("escrow is empty", str(held), str(settled), text=text)
    left = demo.record.facts["money"]["standing"].get("agent:available", "0.00")
    due = Money.parse(DEPOSIT) - rewards.amount - fees.amount
    text = f"the agent has ${left} left of ${DEPOSIT}"
    demo.record.expect("the agent has the rest", str(due), left, text=text)


def check_receipts(demo: Demo) -> None:
    """Each receipt verifies by the SDK in a process that knows no server; a changed one does not."""
    key = demo.house.log_key()
    receipts: list[dict[str, Any]] = demo.record.facts.get("receipts", [])
    text = f"the agent kept {len(receipts)} receipts and their pictures"
    demo.record.expect("receipts kept", HONEST, len(receipts), text=text)
    if not receipts:
        return
    files = [Path(receipt["file"]) for receipt in receipts]
    status, said = agent.check_receipts(files, key)
    checked = []
    for receipt, file in zip(receipts, files, strict=True):
        steps = {step["step"]: step for step in said if step["file"] == file.name}
        checked.append(
            {"observation": receipt["observation"], "ask": receipt["ask"], "steps": [*steps.values()]}
        )
        found = ", ".join(f"{name} {step['status']}" for name, step in steps.items())
        holds = status == 0 and "inclusion ok" in found and "failed" not in found
        text = f"verifies with the server stopped: the receipt of “{receipt['ask']}”"
        demo.record.judge("a receipt verifies offline", "included, no step failed", found, holds, text=text)
    status, said = agent.check_receipts([_altered(files[0])], key)
    failed = [step["step"] for step in said if step["status"] == "failed"]
    demo.record.judge(
        "an altered receipt does not verify",
        "exit 1, inclusion fails",
        f"exit {status}, failed: {', '.join(failed)}",
        status == 1 and "inclusion" in failed,
        text="does not: the same receipt with its answer changed",
    )
    demo.record.facts["offline"] = {"log_key": key, "receipts": checked}


def _altered(file: Path) -> Path:
    """A copy of a saved observation whose answer and receipt both say otherwise."""
    saved = json.loads(file.read_text(encoding="utf-8"))
    receipt = json.loads(saved["bundle"]["receipt"])
    receipt["answer"] = saved["observation"]["answer"] = _other(receipt["answer"])
    text = json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    saved["bundle"]["receipt"] = text
    path = file.with_name("altered.json")
    path.write_text(json.dumps(saved), encoding="utf-8")
    return path


def _other(answer: object) -> object:
    return (not answer) if isinstance(answer, bool) else 99


def versions() -> dict[str, str]:
    """Python, machine, and the packages whose behaviour the demo rests on."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "cores": str(os.cpu_count())}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
