"""`python -m market demo`: the main job end to end, over HTTP, on one machine, with proof.

    house    a fresh home and the real server in it        agent   the SDK's example, in its own process
    cast     people, photographs, words                     stage   who is on it, and what all acts share
    story    the acts; adversaries: the cheats' part        books   what the database says
    proof    the checks with the server stopped             record  what was expected and seen
    page, charts, page.css   the report

Leaves `report.html` and `summary.json` in `.spotcheck/demo`. Exit status 0 only if every expectation was met.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx2

from core import clock
from core.config import Settings
from market.demo import page, proof, story
from market.demo.agent import AgentSilent
from market.demo.house import House, HouseDown
from market.demo.record import Record
from market.demo.stage import Demo, NothingFound
from market.simulator.contributor import Refused

# What can go wrong in a run without being a fault of the demo's own code.
_SETBACKS = (
    HouseDown,
    AgentSilent,
    NothingFound,
    Refused,
    OSError,
    httpx2.HTTPError,
    subprocess.SubprocessError,
)


def run(settings: Settings, *, seed: int) -> int:
    """Plays the demo and writes its report; returns the exit status.

    Args:
        settings: only `home` is used: the demo lives in `home/demo`, in a house of its own.
        seed: decides what simulated cameras, hands and positions do.
    """
    folder = settings.home / "demo"
    shutil.rmtree(folder / "agent", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    record = Record(seed, clock.wire(clock.now()))
    record.facts["versions"] = proof.versions()
    house = House(folder / "house")
    print(f"Spotcheck demo, seed {seed}, in {_short(folder)}\n")
    with httpx2.Client(base_url=house.url, timeout=30) as http:
        _play(Demo(record, house, http, folder.resolve()))
    record.timings["whole demo"] = record.elapsed_s
    return _report(record, folder)


def _play(demo: Demo) -> None:
    """The acts, then the server's end, then the proofs; a setback ends the acts but not the report."""
    try:
        for act in story.ACTS:
            _timed(demo, act)
    except _SETBACKS as setback:
        demo.record.judge("the story goes on", "to its end", f"{type(setback).__name__}: {setback}", False)
    finally:
        if demo.agent is not None:
            demo.agent.stop()
        demo.house.stop()
        demo.pool.shutdown(cancel_futures=True)
    demo.record.say("the server is stopped; what follows needs only files")
    try:
        _timed(demo, proof.balance_books)
        _timed(demo, proof.check_receipts)
    except _SETBACKS as setback:
        demo.record.judge("the proofs are checked", "all", f"{type(setback).__name__}: {setback}", False)


def _timed(demo: Demo, act: Callable[[Demo], None]) -> None:
    began = demo.record.elapsed_s
    try:
        act(demo)
    finally:
        demo.record.timings[f"act: {act.__name__.replace('_', ' ')}"] = demo.record.elapsed_s - began


def _report(record: Record, folder: Path) -> int:
    """Writes summary and page, and says how it ended."""
    summary = record.summary()
    (folder / "summary.json").write_text(json.dumps(summary, indent=1, default=str) + "\n", encoding="utf-8")
    (folder / "report.html").write_text(page.render(record), encoding="utf-8")
    missed = [item for item in record.expectations if not item.met]
    met = len(record.expectations) - len(missed)
    print(f"\n{met} of {len(record.expectations)} expectations met in {record.timings['whole demo']:.0f} s")
    for item in missed:
        print(f"  ✗ {item.what}: expected {item.expected}, saw {item.observed}")
    print(f"report   {_short(folder / 'report.html')}\nsummary  {_short(folder / 'summary.json')}")
    return 0 if record.succeeded else 1


def _short(path: Path) -> str:
    return os.path.relpath(path)
