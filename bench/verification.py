"""What verifying a photograph of 12 megapixels costs, part by part, and how many a machine verifies.

    python -m bench.verification [--quick] [--json PATH] [--seed N]

The photographs are those that ship in scikit-image, enlarged to 4,000 x 3,000 with noise of their own, in
honest sessions of tier 0, each with one earlier capture to be compared with. Every ratio is taken within one
picture, one after the other, so that other work on the machine weighs on both sides. The peers: simplejpeg
(libjpeg-turbo, decoding at a scale) with OpenCV's resize for decoding; the same function in this process for
the sandbox; the bare net for the engine (on a CUDA device where there is one); two processes that only
multiply matrices for what a second process is worth on this machine.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
import torch
from PIL import Image

from core import figures
from core.figures import Row
from verification import bystanders, pipeline, plates
from verification.case import Case, Tools
from verification.context import Context
from verification.decoding import child, limits
from verification.engine import TOGETHER, Engine, packaged_weights
from verification.matching.registration import PLENTY
from verification.nets import xfeat
from verification.picture import Decoder
from verification.reading import Reader
from verification.recall import Looks, Recall
from verification.redteam.photographs import Pixels, shelves
from verification.redteam.registry import Split
from verification.redteam.workshop import Reply, Workshop
from verification.registry import registered
from verification.statement import said_in
from verification.trust import TrustList

SIZE = (4000, 3000)
SCALED = (limits.PICTURE_SIDE, limits.PICTURE_SIDE * SIZE[1] // SIZE[0])
_TICK = os.sysconf("SC_CLK_TCK")


def contexts(count: int, seed: int) -> list[Context]:
    """Honest captures of tier 0, each of a photograph of its own."""
    shelf = shelves(None)[Split.REPORTED]
    made = []
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        base = shelf.real[number % len(shelf.real)]
        workshop = Workshop(rng, base, shelf, "reported", "web", 0, _unasked)
        earlier = workshop.earlier(workshop.jpeg(workshop.photograph(workshop.other())))
        made.append(Context(workshop.evidence(_file(base.rgb, rng)), (earlier,)))
    return made


def _unasked(context: Context) -> Reply:
    raise ValueError("nobody here tries twice")


def _file(rgb: Pixels, rng: np.random.Generator) -> bytes:
    """A JPEG of 12 megapixels with the noise of a sensor."""
    large = cv2.resize(rgb, SIZE, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    noisy = np.clip(large + rng.standard_normal(large.shape, np.float32) * 4, 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(noisy).save(out, "JPEG", quality=90)
    return out.getvalue()


class Bench:
    """The verifier's tools, opened once, and one capture at a time through them."""

    def __init__(self) -> None:
        self.decoder, self.engine = Decoder(), Engine("cpu")
        self.reader = Reader(self.engine)
        self._looks = Looks(self.decoder, self.engine)

    def tools(self, context: Context) -> Tools:
        """With the memory of this context; how its earlier capture looks is kept, as a market keeps it."""
        memory = Recall(context.memory, self._looks)
        return Tools(self.decoder, memory, self.engine, self.reader, TrustList())

    def whole(self, context: Context) -> None:
        """One examination as a worker makes it."""
        pipeline.examine(context.evidence, self.tools(context))

    def parts(self, context: Context) -> dict[str, float]:
        """Milliseconds of each check, and of the buyer's copy, one after the other."""
        case = Case(context.evidence, self.tools(context), statement=said_in(context.evidence.session))
        spent = {}
        for check in registered():
            if "photo" in check.kinds:
                spent[check.name] = timed(partial(pipeline.run, check, case))
        picture = case.picture
        if picture is None:
            raise ValueError("a photograph of this bench cannot be decoded")
        spent["faces"] = timed(partial(bystanders.areas, picture.rgb, self.engine))
        spent["plates"] = timed(partial(plates.areas, picture.rgb, self.reader, context.evidence))
        spent["derive"] = timed(partial(self.decoder.derive, context.evidence.media))
        return spent

    def spent(self) -> float:
        """Processor seconds so far, of this process and the decoding child."""
        fields = Path(f"/proc/{self.decoder.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return time.process_time() + (int(fields[11]) + int(fields[12])) / _TICK

    def peak_mib(self) -> float:
        """Most memory held so far, of this process and the decoding child, in MiB."""
        return sum(_peak(pid) for pid in (os.getpid(), self.decoder.pid))


def _peak(pid: int | None) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def timed(act: Callable[[], object]) -> float:
    """Wall milliseconds."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def worked(act: Callable[[], object]) -> float:
    """Processor milliseconds of this process."""
    began = time.process_time()
    act()
    return (time.process_time() - began) * 1000


# -- one photograph ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Single:
    """What was measured of one photograph at a time; milliseconds, and ratios."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    to_parts: list[float] = field(default_factory=list)
    fast: list[float] = field(default_factory=list)
    to_peer: list[float] = field(default_factory=list)
    to_process: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def single(bench: Bench, given: Sequence[Context], rounds: int) -> Single:
    """Each photograph so many times."""
    told, quick = Single(), {check.name for check in registered() if check.cost < 1}
    for context in given:  # nothing is loaded, and no earlier picture looked at, while the clock runs
        bench.whole(context)
    for context in list(given) * rounds:
        before = bench.spent()
        told.wall.append(timed(partial(bench.whole, context)))
        told.processor.append((bench.spent() - before) * 1000)
        parts = bench.parts(context)
        for name, ms in parts.items():
            told.parts[name].append(ms)
        told.to_parts.append(told.wall[-1] / sum(parts.values()))
        told.fast.append(sum(ms for name, ms in parts.items() if name in quick))
        _decoding(bench, context.evidence.media, told)
    return told


def _decoding(bench: Bench, media: bytes, told: Single) -> None:
    """What the child does, beside its peers."""
    here = worked(lambda: child.open_picture(media, {}))
    told.to_peer.append(here / worked(lambda: peer(media)))
    boxed = timed(lambda: bench.decoder.open(media))
    told.to_process.append(boxed / timed(lambda: child.open_picture(media, {})))


def peer(media: bytes) -> Pixels:
    """The same pixels by the quickest way known: libjpeg-turbo at the next larger scale, then OpenCV."""
    width, height = SCALED
    rgb = simplejpeg.decode_jpeg(media, "RGB", min_width=width, min_height=height, min_factor=1)
    return np.asarray(cv2.resize(rgb, SCALED, interpolation=cv2.INTER_AREA), np.uint8)


# -- several workers ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Load:
    """What so many processes did together: acts a second, and the most memory one held (MiB)."""

    rate: float
    mib: float


def together(processes: int, seconds: float, seed: int, *, spin: bool) -> Load:
    """So many workers side by side for so long; `spin`: they multiply matrices instead of verifying."""
    spawn = multiprocessing.get_context("spawn")
    start, told = spawn.Barrier(processes), spawn.SimpleQueue()
    given = (seconds, seed, spin)
    workers = [spawn.Process(target=_work, args=(start, told.put, *given)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    results = [told.get() for _ in workers]
    for worker in workers:
        worker.join()
    return Load(sum(rate for rate, _ in results), max(mib for _, mib in results))


def _work(
    start: Barrier, tell: Callable[[tuple[float, float]], None], seconds: float, seed: int, spin: bool
) -> None:
    """One worker: warm, then acts until the time is over."""
    act, mib = _spinning() if spin else _verifying(seed)
    act()
    start.wait()
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        act()
        done += 1
    tell((done / (time.perf_counter() - began), mib()))


def _verifying(seed: int) -> tuple[Callable[[], object], Callable[[], float]]:
    bench, given, turn = Bench(), contexts(3, seed), iter(range(10**9))
    for context in given:
        bench.whole(context)
    return lambda: bench.whole(given[next(turn) % len(given)]), bench.peak_mib


def _spinning() -> tuple[Callable[[], object], Callable[[], float]]:
    torch.set_num_threads(1)
    matrix = torch.ones(700, 700)
    return lambda: matrix @ matrix, lambda: 0.0


def several(rounds: int, seconds: float, seed: int) -> list[Row]:
    """One worker, then two, and what the machine itself gives."""
    one, two, gains, bare, mib = [], [], [], [], []
    for _ in range(rounds):
        alone, double = (together(count, seconds, seed, spin=False) for count in (1, 2))
        spins = [together(count, seconds / 4, seed, spin=True).rate for count in (1, 2)]
        one.append(alone.rate)
        two.append(double.rate)
        gains.append(double.rate / alone.rate)
        bare.append(spins[1] / spins[0])
        mib.append(max(alone.mib, double.mib))
    return [
        figures.of_samples("captures a second, one worker", one),
        figures.of_samples("captures a second, two workers", two),
        figures.of_samples("two workers / one", gains, bar=">= 1.7"),
        figures.of_samples("the same of bare matrix products: the machine's own", bare),
        figures.of_samples("most memory of a worker and its child", mib, unit="MiB", bar="<= 1536"),
    ]


# -- the engine ------------------------------------------------------------------------------------


def engine_alone(seed: int, rounds: int) -> list[Row]:
    """The engine on the device that it chooses, and the net alone there, batches of pictures at a time."""
    engine, source = Engine(), np.random.default_rng(seed)
    pictures = [source.integers(0, 256, (480, 640, 3), dtype=np.uint8) for _ in range(TOGETHER)]
    batch = torch.rand(TOGETHER, 1, 480, 640, device=engine.device).to(memory_format=torch.channels_last)
    net = xfeat.XFeat.from_weights(torch.load(packaged_weights(), weights_only=True)).to(engine.device)
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def bare() -> None:
        with torch.inference_mode(), torch.autocast(engine.device.type, torch.bfloat16, engine.reduced):
            xfeat.keypoints(net(batch), PLENTY)
        if engine.device.type == "cuda":
            torch.cuda.synchronize()

    ratios, rates = [], []
    for turn in range(rounds + 2):
        ours, theirs = timed(partial(engine.features_of, pictures)), timed(bare)
        if turn >= 2:  # the first two choose algorithms
            ratios.append(theirs / ours)
            rates.append(TOGETHER * 1000 / ours)
    return [
        figures.of_samples(f"engine, {engine.device.type}: pictures a second, by {TOGETHER}", rates),
        figures.of_samples("engine: speed / that of the bare net", ratios, bar=">= 0.8"),
    ]


# -- the command -------------------------------------------------------------------------------------


def rows_of(told: Single) -> list[Row]:
    """The figures of one photograph at a time, then where the time goes."""
    rows = [
        figures.of_quantile("whole verification, p50", told.wall, 0.5, unit="ms", bar="<= 250"),
        figures.of_quantile("of it processor time, p50", told.processor, 0.5, unit="ms"),
        figures.of_quantile("whole / sum of its parts alone, p50", told.to_parts, 0.5, bar="<= 1.25"),
        figures.of_quantile("fast path: all that needs no net, p50", told.fast, 0.5, unit="ms", bar="<= 40"),
        figures.of_quantile("decoding / simplejpeg and resize, p50", told.to_peer, 0.5, bar="<= 1.1"),
        figures.of_quantile("sandboxed / in this process, p50", told.to_process, 0.5, bar="<= 1.25"),
    ]
    by_cost = sorted(told.parts.items(), key=lambda item: -statistics.median(item[1]))
    rows += [
        figures.of_quantile(f"  part: {name}, p50", ms, 0.5, unit="ms")
        for name, ms in by_cost
        if statistics.median(ms) >= 0.5
    ]
    return rows


def main() -> int:
    """The command."""
    chosen = figures.arguments(__doc__).parse_args()
    pictures, rounds, turns = (3, 4, 2) if chosen.quick else (8, 6, 5)
    bench = Bench()
    rows = rows_of(single(bench, contexts(pictures, chosen.seed), rounds))
    bench.decoder.close()
    rows += several(turns, 8.0 if chosen.quick else 20.0, chosen.seed)
    rows += engine_alone(chosen.seed, 5 if chosen.quick else 30)
    title = f"Verifying a photograph of {SIZE[0]} x {SIZE[1]}, tier 0; {bench.engine.reason}"
    return figures.finish(title, rows, chosen.json, seed=chosen.seed)


if __name__ == "__main__":
    sys.exit(main())
