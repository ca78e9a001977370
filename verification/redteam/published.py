"""A run's lines as one file that can be handed on: anyone reckons its figures again, and a later run takes it
up on another machine instead of making everything anew.

JSON lines (`redteam.lines`) in the order of family, tier and index, packed as .xz. The facts of findings are
left out: no figure rests on them, and they are half of the file.
"""

from __future__ import annotations

import lzma
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from verification.redteam import lines
from verification.redteam.lines import Line
from verification.redteam.registry import recipes


def publish(run: Sequence[Line], path: Path) -> None:
    """Writes a run's lines. The same lines give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = sorted(run, key=lambda line: (line.family, line.tier, line.index))
    text = "".join(f"{_without_facts(line).text()}\n" for line in ordered)
    _replace(path, lzma.compress(text.encode()))


def take_up(path: Path, cache: Path) -> None:
    """Lays published lines into a cache, before what it holds already: of two of one sample the later counts,
    and one that no longer counts is made anew as always (`redteam.keys`).

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else.
    """
    held: defaultdict[str, dict[str, None]] = defaultdict(dict)
    known = {recipe.name for recipe in recipes()}
    try:
        for text in lzma.decompress(path.read_bytes()).decode().splitlines():
            family = lines.parse(text).family
            if family not in known:  # it names a file of the cache
                raise ValueError(f"{family!r} is no family")
            held[family][text] = None
    except (lzma.LZMAError, EOFError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no published lines: {error}") from error
    cache.mkdir(parents=True, exist_ok=True)
    for family, texts in held.items():
        own = cache / f"{family}.jsonl"
        newer = own.read_text(encoding="utf-8").splitlines() if own.exists() else []
        both = [text for text in texts if text not in newer] + newer
        _replace(own, "".join(f"{text}\n" for text in both).encode())


def _replace(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all: hours of work stand in it."""
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(data)
    new.replace(path)


def _without_facts(line: Line) -> Line:
    kept = [{name: one[name] for name in one if name != "facts"} for one in line.findings]
    return replace(line, findings=kept)
