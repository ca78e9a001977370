"""Pictures out of hostile bytes, by way of a sandboxed child process.

This side parses no image: of its bytes it reads whether they call themselves HEIC, which another child takes
(`verification.decoding.heif_child`). It keeps one `verification.decoding.child` alive, speaks frames with it
over two pipes, and replaces it when it dies, hangs, or has done its number of jobs. The child is
started with `subprocess` (fork and exec), never forked from a process that holds torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import Unavailable
from verification.decoding import limits
from verification.decoding.frames import head
from verification.decoding.heif import form_of
from verification.decoding.pipes import end, exchange, widen
from verification.evidence import Derivative, Json

Pixels = npt.NDArray[np.uint8]

_ROOT = Path(__file__).resolve().parent.parent
# The C library keeps what a child frees for its next picture (128 MiB at most): to get 20 MB anew from the
# kernel, page by page, takes a third as long as decoding a photograph. Elsewhere than in glibc it is nothing.
_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(128 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}
_PHOTOGRAPHS, _HEICS = "verification.decoding.child", "verification.decoding.heif_child"
_BY_THE_BYTES = {  # deaths that the bytes themselves caused, by signal
    signal.SIGXCPU: "too_costly",
    signal.SIGSEGV: "breaks_decoder",
    signal.SIGBUS: "breaks_decoder",
    signal.SIGABRT: "breaks_decoder",
    signal.SIGILL: "breaks_decoder",
    signal.SIGFPE: "breaks_decoder",
    signal.SIGSYS: "breaks_decoder",
}


class Undecodable(Exception):
    """These bytes are no picture we take.

    Attributes:
        reason: empty_file, too_many_bytes, unknown_format, too_many_pixels, too_many_scans, too_many_parts,
            too_small, animated, transparent, broken, out_of_memory, too_costly or breaks_decoder.
        detail: what the parser said, at most 200 characters; for logs, never for a caller.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded photo.

    Attributes:
        format: "JPEG", "PNG", "WEBP", "HEIC" or "AVIF".
        width / height: as stored in the file, before turning and scaling (a HEIC's: turned).
        rgb: uint8[h, w, 3], read-only, turned as EXIF says, long side <= 1600.
        exif: tag name -> plain value; folders "Exif" and "GPS" are nested. Written by a stranger.
        trailing_bytes: bytes behind the picture's end that belong to nothing.
    """

    format: str
    width: int
    height: int
    rgb: Pixels
    exif: Mapping[str, Json]
    trailing_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Grain:
    """The middle of a photo at native resolution, as stored: neither turned nor scaled.

    Attributes:
        format: "JPEG", "PNG", "WEBP", "HEIC" or "AVIF".
        width / height: of the whole picture, as stored.
        left / top: where the cut begins, multiples of 8.
        ycbcr: uint8[h, w, 3], read-only; sides multiples of 8, at most 1024.
        tables: a JPEG's quantisation tables, luminance first, each int64[8, 8] (row = vertical
            frequency); () for other formats.
    """

    format: str
    width: int
    height: int
    left: int
    top: int
    ycbcr: Pixels
    tables: tuple[npt.NDArray[np.int64], ...]

    @property
    def luminance(self) -> npt.NDArray[np.float32]:
        """float32[h, w], 0..255."""
        return self.ycbcr[..., 0].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a file's C2PA manifests and metadata say of its origin.

    Attributes:
        state: "Trusted", "Valid" or "Invalid" as c2pa-rs judged it; "none" without a manifest;
            "elsewhere" when it would have to be fetched (never done here); "unreadable" when there is
            one that cannot be parsed.
        report: the crJSON report (manifests with certificate names, assertions, validation codes).
        declared: IPTC digital source types found anywhere in the file, such as "digitalCapture".
    """

    state: str
    report: Mapping[str, Json]
    declared: tuple[str, ...]


class _Died(Exception):
    """The child ended in mid-job; `args[0]` is its return code."""


class Decoder:
    """The decoding child and its keeper. Safe to share between threads (jobs queue up); a process
    that inherits one through fork starts a child of its own.

    Args:
        timeout_s: wall time a job may take before the child is replaced.
        jobs_per_child: after so many jobs the child is replaced, so that nothing accumulates in it.
        memory_bytes / cpu_s: the child's address space, and the CPU seconds of one job.
        program / max_bytes: the module that the child runs, and the most bytes it is given.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 30.0,
        jobs_per_child: int = 500,
        memory_bytes: int = limits.MEMORY_BYTES,
        cpu_s: int = limits.CPU_SECONDS,
        program: str = _PHOTOGRAPHS,
        max_bytes: int = limits.MAX_BYTES,
    ) -> None:
        self._program = program
        self._max_bytes = max_bytes
        self._beside: Decoder | None = None
        self._heics: Decoder | None = None
        self._timeout_s = timeout_s
        self._jobs_per_child = jobs_per_child
        self._limits = (str(memory_bytes), str(cpu_s))
        self._lock = threading.Lock()
        self._children: list[subprocess.Popen[bytes]] = []  # none or one
        self._jobs = 0
        self._owner = os.getpid()
        self.sandbox = "not started"  # then "seccomp+rlimits" or "rlimits"
        weakref.finalize(self, end, self._children)

    def open(self, data: bytes) -> Picture:
        """The picture in `data`.

        Raises:
            Undecodable: the bytes are at fault.
            Unavailable: the machine is (the child cannot be kept alive, or ran out of wall time).
        """
        header, body = self.job({"op": "open"}, data)
        height, width = header["shape"]
        rgb = np.frombuffer(body, dtype=np.uint8).reshape(height, width, 3)
        return Picture(
            header["format"], header["width"], header["height"], rgb, header["exif"], header["trailing_bytes"]
        )

    def frames(self, burst: Sequence[bytes]) -> list[Pixels]:
        """The pixels of a burst's frames, as `open` gives them. What a frame may be is less than what a photo
        may, and all together have one amount of processor time, which grows with their bytes (`limits`).

        Raises:
            Undecodable, Unavailable: as `open`.
        """
        bounds = {
            "pixels": limits.FRAME_PIXELS,
            "scans": limits.FRAME_SCANS,
            "cpu_s": limits.FRAME_CPU_SECONDS,
        }
        left = limits.BURST_CPU_SECONDS + limits.BURST_CPU_SECONDS_A_MIB * sum(map(len, burst)) / 2**20
        seen = []
        for data in burst:
            header, body = self.job({"op": "open", "bounds": bounds}, data)
            left -= header["cpu_s"]
            if left < 0:
                raise Undecodable("too_costly")
            height, width = header["shape"]
            seen.append(np.frombuffer(body, dtype=np.uint8).reshape(height, width, 3))
        return seen

    def derive(self, data: bytes, veil: Sequence[Sequence[float]] = ()) -> Derivative:
        """The buyer's copy: a JPEG of long side <= 2048 made from pixels alone, so no metadata.

        Args:
            veil: areas that nobody must know again (`verification.bystanders`, `verification.plates`).

        Raises:
            Undecodable, Unavailable: as `open`.
        """
        header, body = self.job({"op": "derive", "veil": [list(area) for area in veil]}, data)
        sha256 = hashlib.sha256(body).hexdigest()
        return Derivative(bytes(body), sha256, "image/jpeg", header["width"], header["height"])

    def grain(self, data: bytes) -> Grain:
        """The middle of the picture at native resolution, for what scaling would destroy.

        Raises:
            Undecodable, Unavailable: as `open`.
        """
        header, body = self.job({"op": "grain"}, data)
        height, width = header["shape"]
        ycbcr = np.frombuffer(body, dtype=np.uint8).reshape(height, width, 3)
        tables = tuple(np.array(table, np.int64).reshape(8, 8) for table in header["tables"])
        place = (header["width"], header["height"], header["left"], header["top"])
        return Grain(header["format"], *place, ycbcr, tables)

    def provenance(self, data: bytes, anchors_pem: str) -> Provenance:
        """C2PA manifests judged against these root certificates alone; nothing is fetched.

        Raises:
            Undecodable, Unavailable: as `open`.
        """
        header, body = self.job({"op": "provenance", "anchors": anchors_pem}, data)
        found: dict[str, Any] = json.loads(bytes(body))
        return Provenance(found["state"], found.get("report", {}), tuple(header["declared"]))

    def films(self) -> Decoder:
        """The keeper of the other child, which takes films (see `verification.film`); started when needed."""
        with self._lock:
            if self._beside is None:
                self._beside = Decoder(
                    timeout_s=limits.FILM_WALL_SECONDS,
                    jobs_per_child=50,
                    cpu_s=limits.FILM_CPU_SECONDS,
                    memory_bytes=limits.FILM_MEMORY_BYTES,
                    program="verification.decoding.film_child",
                    max_bytes=limits.FILM_BYTES,
                )
            return self._beside

    def heics(self) -> Decoder:
        """The keeper of the child that takes HEIC (see `verification.decoding.heif_child`), with this one's
        limits; started when needed."""
        with self._lock:
            if self._heics is None:
                memory_bytes, cpu_s = map(int, self._limits)
                self._heics = Decoder(
                    timeout_s=self._timeout_s,
                    jobs_per_child=self._jobs_per_child,
                    memory_bytes=memory_bytes,
                    cpu_s=cpu_s,
                    program=_HEICS,
                )
            return self._heics

    @property
    def pid(self) -> int | None:
        """The child's process id while one lives."""
        return self._children[0].pid if self._children else None

    def close(self) -> None:
        """Ends the child, and those for films and HEIC; the next job would start another."""
        with self._lock:
            end(self._children)
            for other in (self._beside, self._heics):
                if other is not None:
                    other.close()

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def job(self, header: dict[str, Any], data: bytes) -> tuple[dict[str, Any], memoryview]:
        """What the child answers to one request.

        Raises:
            Undecodable, Unavailable: as `open`.
        """
        if not data:
            raise Undecodable("empty_file")
        if len(data) > self._max_bytes:
            raise Undecodable("too_many_bytes")
        if self._program == _PHOTOGRAPHS and form_of(data) == "HEIC":
            return self.heics().job(header, data)
        with self._lock:
            try:
                reply, body = self._ask(header, data)
            except _Died as died:
                if died.args[0] == -signal.SIGXCPU:  # as costly the second time
                    raise self._blame(died.args[0]) from None
                try:  # perhaps not these bytes' fault: once more, on a fresh child
                    reply, body = self._ask(header, data)
                except _Died as again:
                    raise self._blame(again.args[0]) from None
        if not reply["ok"]:
            raise Undecodable(reply["reason"], reply["detail"])
        return reply, body

    @staticmethod
    def _blame(returncode: int) -> Exception:
        reason = _BY_THE_BYTES.get(signal.Signals(-returncode)) if returncode < 0 else None
        if reason is not None:
            return Undecodable(reason)
        return Unavailable(f"the decoding child ended twice with code {returncode}")

    def _ask(self, header: dict[str, Any], data: bytes) -> tuple[dict[str, Any], memoryview]:
        """One request and its reply, within the wall time; the lock is held."""
        if os.getpid() != self._owner:
            self._children.clear()  # the forking parent's; its pipes must not be shared
            self._owner = os.getpid()
        if self._children and self._jobs >= self._jobs_per_child:
            end(self._children)
        if not self._children:
            self._start()
        self._jobs += 1
        try:
            return exchange(
                self._children[0], (head(header, len(data)), data), time.monotonic() + self._timeout_s
            )
        except TimeoutError:
            end(self._children)
            raise Unavailable(f"decoding took over {self._timeout_s:.0f} s") from None
        except EOFError:
            raise _Died(end(self._children)) from None

    def _start(self) -> None:
        """A fresh child that has said it is locked in. Its environment holds nothing of ours."""
        command = [sys.executable, "-m", self._program, *self._limits]
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env={"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **_MEMORY},
        )
        self._children.append(child)
        self._jobs = 0
        for pipe in (child.stdin, child.stdout):
            widen(pipe)
        try:
            greeting, _ = exchange(child, (), time.monotonic() + max(60.0, self._timeout_s))
        except (TimeoutError, EOFError):
            code = end(self._children)
            raise Unavailable(f"the decoding child did not start (code {code})") from None
        self.sandbox = str(greeting["sandbox"])
