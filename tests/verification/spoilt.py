"""Files gone wrong: missing, cut off, or with one byte changed; and trees in which one file is so."""

from __future__ import annotations

from pathlib import Path

DAMAGES = ("missing", "truncated", "other bytes")


def spoil(original: Path, path: Path, damage: str) -> None:
    """Writes a damaged copy of a file (or none)."""
    data = bytearray(original.read_bytes())
    data[-1] ^= 1
    if damage != "missing":
        path.write_bytes(data[: len(data) // 2] if damage == "truncated" else data)


def mirrored(source: Path, target: Path, inner: Path, damage: str) -> None:
    """Makes a folder that looks like another, by links, but for one damaged file somewhere in it.

    Args:
        inner: that file, from `source`.
    """
    target.mkdir(parents=True)
    first, *rest = inner.parts
    for entry in source.iterdir():
        if entry.name != first:
            (target / entry.name).symlink_to(entry)
    if rest:
        mirrored(source / first, target / first, Path(*rest), damage)
    else:
        spoil(source / first, target / first, damage)
