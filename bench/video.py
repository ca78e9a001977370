"""Videos: how long a verdict takes, which cuts are seen, and which copies are known again.

    python -m bench.video [--quick] [--json PATH] [--seed N]

Everything is simulated: a hand-held camera before scenes made of photographs that ship in scikit-image
(`market.simulator.camera`), recorded by the software encoders of PyAV's wheel. The bar is the issue's:
10 s for a verdict on two cores, by the clock: films are decoded by four threads and looked through beside
that, so an idle machine's time is what a contributor waits. Processor time, which other work on the machine
changes less, is shown beside it.
"""

from __future__ import annotations

import hashlib
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data

from core import figures
from market.simulator.camera import render
from market.simulator.motion import hold, motion_csv, pan
from market.simulator.recorder import record
from verification import context as contexts
from verification.evidence import Json, Report
from verification.film import watch
from verification.measures.takes import takes
from verification.picture import Decoder
from verification.standalone import Standalone

Pixels: TypeAlias = npt.NDArray[np.uint8]
Frames: TypeAlias = list[Pixels]
SCENES = ("coffee", "chelsea", "astronaut", "rocket", "immunohistochemistry")
FPS, SIZE = 15.0, (640, 480)


@dataclass(frozen=True)
class Take:
    """Frames of one simulated take, and what was felt."""

    frames: Frames
    motion: str


def take(scene: str, seed: int, seconds: float, size: tuple[int, int] = SIZE) -> Take:
    """A hand that holds or turns the phone."""
    whole = np.asarray(getattr(data, scene)(), np.uint8)[..., :3]
    photo = cv2.resize(whole, (1280, round(1280 * whole.shape[0] / whole.shape[1]))).astype(np.uint8)
    way = pan("LR") if seed % 3 == 0 else hold
    count = round(seconds * FPS) + 1
    shot = render(photo, code=None, seed=seed, size=size, frames=count, fps=FPS, motion=way)
    return Take(shot.frames, motion_csv(shot.motion, "native"))


# -- time ------------------------------------------------------------------------------------------


def wide(one: Take, seconds: float) -> Iterator[Pixels]:
    """A take at 1080p and 30 frames a second, there and back again as long as asked, with new noise.

    Filming 600 such frames would take a quarter of an hour; the time of a verdict does not depend on that.
    """
    noise = np.random.default_rng(1).normal(0, 3, (8, 1080, 1920, 1)).astype(np.int16)
    there = [np.asarray(cv2.resize(frame, (1920, 1080)), np.uint8) for frame in one.frames]
    both = there + there[-2:0:-1]
    for k in range(round(seconds * 30)):
        yield np.clip(both[k // 2 % len(both)] + noise[k % 8], 0, 255).astype(np.uint8)


def spent() -> float:
    """Processor seconds of this process and its ended children."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    began, used = time.perf_counter(), spent()
    act()
    return time.perf_counter() - began, spent() - used


def judged(file: Path, motion: str, memory: Sequence[str] = ()) -> Report:
    """A verdict with everything opened for it, so that the children's time counts (they end with it)."""
    with Standalone(copies=True) as standalone:
        return standalone.examine(_context(file, motion, memory))


def _context(file: Path, motion: str = "", memory: Sequence[str] = ()) -> contexts.Context:
    value: dict[str, Json] = {
        "kind": "video",
        "file": file.name,
        "motion": motion or None,
        "tier": "T1",
        "answer": True,
        "bounty": {"lat": 51.5, "lon": -0.1, "radius_m": 100, "ask": "Is the door open?"},
        "claim": {"challenge": {"type": "pan", "expected": "LR"}},
        "statement": {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "lat": 51.5, "lon": -0.1},
        "memory": [{"path": name} for name in memory],
    }
    return contexts.read(value, file.parent)


def _opened() -> None:
    """What a verdict of nothing costs: nets and children are opened once in a worker's life."""
    with Standalone(copies=True) as standalone, tempfile.TemporaryDirectory() as folder:
        tiny = Path(folder) / "clip"
        tiny.write_bytes(record([np.full((120, 160, 3), 90, np.uint8)] * 20))
        standalone.examine(_context(tiny))


def _decoded(data: bytes) -> None:
    with Decoder() as decoder:
        watch(decoder, data)


def times(folder: Path, lengths: Sequence[int], rounds: int) -> Iterator[figures.Row]:
    """Verdicts of 1080p films, beside the pass over them alone."""
    one = take("coffee", 3, 2.0, (960, 540))
    opening = [timed(_opened) for _ in range(rounds)]
    idle = float(np.median([used for _, used in opening])), float(np.median([wall for wall, _ in opening]))
    for seconds in lengths:
        file = folder / f"clip{seconds}"
        file.write_bytes(record(wide(one, seconds), fps=30.0, bits=10_000_000))
        found = [timed(lambda file=file: judged(file, one.motion)) for _ in range(rounds)]  # type: ignore[misc]
        alone = [timed(lambda file=file: _decoded(file.read_bytes())) for _ in range(rounds)]  # type: ignore[misc]
        used = [max(0.0, cpu - idle[0]) for _, cpu in found]
        waited = [max(0.0, wall - idle[1]) for wall, _ in found]
        name = f"{seconds} s of 1080p, 30 fps"
        yield figures.of_quantile(f"{name}: verdict, wall, p50", waited, 0.5, unit="s", bar="<= 10")
        yield figures.of_quantile(f"{name}: verdict, wall, p95", waited, 0.95, unit="s", bar="<= 10")
        yield figures.of_quantile(f"{name}: verdict, processor, p50", used, 0.5, unit="s")
        ratios = [cpu / decode for cpu, (_, decode) in zip(used, alone, strict=True)]
        yield figures.of_samples(f"{name}: verdict / decoding alone", ratios)


# -- takes -----------------------------------------------------------------------------------------


def cut(a: Frames, b: Frames) -> Frames:
    """Two takes joined."""
    return a[: len(a) * 2 // 3] + b[len(b) // 3 :]


def dissolve(a: Frames, b: Frames, count: int = 10) -> Frames:
    """Two takes blended into one another over two thirds of a second."""
    weights = (np.arange(count) + 1) / (count + 1)
    tail, head = a[-count:], b[:count]
    mixed = [(x * (1 - w) + y * w).astype(np.uint8) for x, y, w in zip(tail, head, weights, strict=True)]
    return a[:-count] + mixed + b[count:]


def jump(a: Frames, _: Frames) -> Frames:
    """A second and a third cut out of one take."""
    return a[: len(a) // 3] + a[len(a) // 3 + 20 :]


def loop(a: Frames, _: Frames) -> Frames:
    """Two seconds shown again and again."""
    return a[:30] * 3


def back(a: Frames, _: Frames) -> Frames:
    """There and back again."""
    return a + a[-2::-1]


MAKINGS: dict[str, tuple[Callable[[Frames, Frames], Frames], str]] = {
    "cuts between scenes": (cut, "cuts"),
    "jumps within a take": (jump, "jumps"),
    "dissolves": (dissolve, "dissolves"),
    "loops": (loop, "loop"),
    "loops there and back": (back, "loop"),
}


def makings(decoder: Decoder, films: Sequence[Take], rng: np.random.Generator) -> Iterator[figures.Row]:
    """Shares found, and honest takes called otherwise."""
    codecs = ("h264", "vp8")

    def read(frames: Frames) -> tuple[object, bool]:
        codec, bits = str(rng.choice(codecs)), int(rng.integers(400_000, 3_000_000))
        film = watch(decoder, record(frames, fps=FPS, codec=codec, bits=bits))
        found = takes(film.times, film.thumbs)
        return found, bool(found.cuts or found.jumps or found.dissolves or found.loop)

    honest = [read(one.frames)[1] for one in films]
    yield share("honest takes called cut or looped", honest)
    for name, (make, key) in MAKINGS.items():
        found = []
        for k, one in enumerate(films):
            other = films[(k + 1) % len(films)]
            found.append(bool(getattr(read(make(one.frames, other.frames))[0], key)))
        yield share(f"{name} found", found)


def shrunk(frame: Pixels, size: tuple[int, int]) -> Pixels:
    """A frame at another size."""
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def share(name: str, found: Sequence[bool], bar: str | None = None) -> figures.Row:
    """A share with Wilson's 95 % interval."""
    n, p, z = len(found), float(np.mean(found)), 1.96
    centre, half = (p + z * z / (2 * n)), z * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    below = 1 + z * z / n
    return figures.Row(
        name, p, max(0.0, (centre - half) / below), min(1.0, (centre + half) / below), n, "", bar
    )


# -- copies ----------------------------------------------------------------------------------------

COPIES: dict[str, tuple[Callable[[Frames], Frames], str, int]] = {
    "encoded anew": (lambda f: f, "h264", 500_000),
    "encoded anew, VP9": (lambda f: f, "vp9", 500_000),
    "trimmed at both ends": (lambda f: f[11:-14], "h264", 900_000),
    "halved in size": (
        lambda f: [shrunk(x, (320, 240)) for x in f],
        "vp8",
        400_000,
    ),
    "mirrored": (lambda f: [np.ascontiguousarray(x[:, ::-1]) for x in f], "h264", 900_000),
    "cut to 85 %": (lambda f: [shrunk(x[36:-36, 48:-48], SIZE) for x in f], "h264", 900_000),
    "every second frame": (lambda f: f[::2], "h264", 900_000),
}


def copies(folder: Path, films: Sequence[Take]) -> Iterator[figures.Row]:
    """Shares of copies called so, among two other films; and new takes of a scene called copies."""
    for number, one in enumerate(films):
        (folder / f"film{number}").write_bytes(record(one.frames, fps=FPS, bits=3_000_000))
    with Standalone(copies=True) as standalone:

        def known(name: str, memory: Sequence[str]) -> bool:
            said = standalone.examine(_context(folder / name, memory=memory))
            return any(f.check == "duplicate" and f.reason == "copy_of_earlier" for f in said.findings)

        def earlier(number: int) -> list[str]:
            return [f"film{(number + k) % len(films)}" for k in range(min(3, len(films)))]

        for name, (make, codec, bits) in COPIES.items():
            found = []
            for number, one in enumerate(films):
                rate = FPS / 2 if name == "every second frame" else FPS
                (folder / "copy").write_bytes(record(make(one.frames), fps=rate, codec=codec, bits=bits))
                found.append(known("copy", earlier(number)))
            yield share(f"copies found: {name}", found)
        wrong = [known(f"film{number}", earlier(number)[1:]) for number in range(len(films))]
        yield share("other films called copies", wrong)


def main(given: Sequence[str] | None = None) -> int:
    """Runs the benchmark. Exits 1 when a verdict takes over 10 s of processor time."""
    chosen = figures.arguments(__doc__).parse_args(given)
    rng = np.random.default_rng(chosen.seed)
    lengths, rounds, count = ((5, 20), 2, 4) if chosen.quick else ((5, 10, 20), 10, 16)
    films = [take(SCENES[k % len(SCENES)], chosen.seed * 100 + k, 5.0) for k in range(count)]
    with tempfile.TemporaryDirectory() as name, Decoder() as decoder:
        folder = Path(name)
        rows = [
            *times(folder, lengths, rounds),
            *makings(decoder, films, rng),
            *copies(folder, films[: max(4, count // 2)]),
        ]
    return figures.finish("video: time, takes and copies (simulated films)", rows, chosen.json)


if __name__ == "__main__":
    sys.exit(main())
