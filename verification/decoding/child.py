"""The sandboxed process that touches hostile bytes: `python -m verification.decoding.child`.

A capture's bytes are written by a stranger, and image parsers are where such bytes bite. So no
other process of ours parses them: this one does, with nothing to steal and nowhere to go. It holds
no secret (its environment is emptied by the parent), imports neither torch nor numpy, and locks
itself in before it reads the first byte:

* address space, CPU seconds a job, file size and core dumps are limited (`setrlimit`);
* RLIMIT_NOFILE is lowered to the descriptors already open, so neither a file nor a socket can be
  opened; root is dropped for `nobody`;
* on Linux x86-64 a seccomp filter allows only the calls that computing, memory and the two pipes
  need: no socket, open, fork, exec or ptrace exists for it. Elsewhere the first two stand alone, and
  the greeting says so ("rlimits" instead of "seccomp+rlimits").

Frames (`verification.decoding.frames`) go both ways.
Requests: {"op": "open" | "derive" | "grain" | "provenance", ...} with the media as body; "bounds" makes what
a picture may be less than `limits` say ({"pixels", "scans", "cpu_s"}: a frame of a burst). Replies:
{"ok": true, ...} with pixels or JPEG bytes as body, or {"ok": false, "reason", "detail"}.
Method and limits: Pillow's security handbook; libvips `block_untrusted`.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import c2pa
from PIL import (
    AvifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from verification.decoding import heif, limits
from verification.decoding.frames import FRAME, head
from verification.decoding.metadata import exif_of, source_types
from verification.decoding.refusal import Refused
from verification.decoding.seccomp import confine
from verification.decoding.tail import trailing_bytes
from verification.decoding.veil import veiled

Reply = tuple[dict[str, Any], bytes | bytearray | memoryview]
Operations = dict[str, Callable[[bytes, dict[str, Any]], Reply]]
_PLUGINS = (
    AvifImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)  # before lock-in
_READER = {
    "AVIF": "AVIF",
    "HEIC": "HEIF",
}  # Pillow's name of what opens a form; the latter in heif_child only
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # the decoder starts none then


def _opened(data: bytes, bounds: Mapping[str, int]) -> Image.Image:
    """The header, judged before any pixel is decoded."""
    boxed = heif.form_of(data)
    if boxed:
        heif.judge(data, boxed)
    try:
        image = Image.open(io.BytesIO(data), formats=(_READER[boxed],) if boxed else limits.FORMATS)
    except UnidentifiedImageError:
        raise Refused("broken" if boxed else "unknown_format") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Refused("too_many_pixels") from None
    width, height = image.size
    if width * height > bounds.get("pixels", limits.MAX_PIXELS):
        raise Refused("too_many_pixels")
    if _form(image) == "JPEG" and data.count(b"\xff\xda") > bounds.get("scans", limits.MAX_SCANS):
        raise Refused("too_many_scans")
    scale = min(1.0, limits.PICTURE_SIDE / max(width, height))
    if min(width, height) * scale < limits.MIN_SIDE:
        raise Refused("too_small")
    if image.format not in {"MPO", "HEIF"} and getattr(image, "n_frames", 1) > 1:
        raise Refused("animated")
    return image


def _form(image: Image.Image) -> str:
    """JPEG, PNG, WEBP, AVIF or HEIC: a JPEG with an index of further images calls itself MPO."""
    return {"MPO": "JPEG", "HEIF": "HEIC"}.get(str(image.format), str(image.format))


# None or one: what `open_picture` decoded last, neither scaled nor turned. The buyer's copy is made of the
# same picture a moment later.
_KEPT: list[tuple[bytes, Image.Image]] = []


def _pixels(image: Image.Image, side: int, data: bytes = b"") -> Image.Image:
    """RGB, upright, long side at most `side`.

    Args:
        data: the file, where its pixels may be asked for once more: they are kept for that one time.
    """
    rgb = _decoded(image, side)
    if data and rgb.width * rgb.height <= limits.KEPT_PIXELS:
        _KEPT[:] = [(data, rgb)]
    return _shown(rgb, _orientation(image), side)


def _kept(data: bytes, image: Image.Image, side: int) -> Image.Image | None:
    """The pixels that were kept of this file, if they are as many as `side` asks for; kept no longer."""
    held = _KEPT.pop() if _KEPT else None
    _drafted(image, side)
    return held[1] if held is not None and held[1].size == image.size and held[0] == data else None


def _drafted(image: Image.Image, side: int) -> None:
    """Lets a JPEG be decoded at 1/2, 1/4 or 1/8 where enough is left for `side`."""
    width, height = image.size
    scale = min(1.0, limits.ENOUGH * side / max(width, height))
    image.draft("RGB", (max(1, int(width * scale)), max(1, int(height * scale))))


def _decoded(image: Image.Image, side: int) -> Image.Image:
    """RGB as stored, of at least about `side`."""
    _drafted(image, side)
    image.load()
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() != (255, 255):
            raise Refused("transparent")
    return image if image.mode == "RGB" else image.convert("RGB")


def _shown(rgb: Image.Image, orientation: Image.Transpose | None, side: int) -> Image.Image:
    """Scaled down and turned upright. Hamming's filter costs half of what Lanczos' does, and is as sharp at
    scales near one, where what `_drafted` leaves has to go."""
    scale = side / max(rgb.size)
    if scale < 1:
        size = (max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale)))
        rgb = rgb.resize(size, Image.Resampling.HAMMING, reducing_gap=3.0)
    return rgb.transpose(orientation) if orientation is not None else rgb


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _orientation(image: Image.Image) -> Image.Transpose | None:
    """The turn EXIF asks for; broken EXIF asks for none.

    By ISO/IEC 23008-12 the boxes `irot` and `imir` alone count. A HEIC comes turned as they say. Of an AVIF
    Pillow puts what they say into EXIF; XMP, which it would ask next, must not be asked.
    """
    if image.format == "HEIF":
        return None
    try:
        if image.format == "AVIF":
            exif = Image.Exif()
            exif.load(image.info.get("exif", b""))
            return _TURNS.get(exif.get(0x0112, 1))
        return _TURNS.get(image.getexif().get(0x0112, 1))
    except Exception:  # noqa: BLE001 - a door: EXIF parsers raise whatever they like on hostile bytes
        return None


def open_picture(data: bytes, header: dict[str, Any]) -> Reply:
    """Pixels for the checks, EXIF, what stands after the picture's end, and the processor time it took."""
    begun, bounds = _cpu_used(), header.get("bounds", {})
    image = _opened(data, bounds)
    form = _form(image)
    facts = {
        "format": form,
        "width": image.size[0],
        "height": image.size[1],
        "exif": exif_of(image),
        "trailing_bytes": trailing_bytes(data, form),
    }
    rgb = _pixels(image, limits.PICTURE_SIDE, b"" if bounds else data)  # nobody wants a copy of a frame
    body = rgb.tobytes()
    return {"ok": True, **facts, "shape": [rgb.height, rgb.width], "cpu_s": _cpu_used() - begun}, body


def derive(data: bytes, header: dict[str, Any]) -> Reply:
    """The buyer's copy: re-encoded from pixels alone, with the areas of `header["veil"]` made unknowable."""
    image, side = _opened(data, {}), limits.DERIVATIVE_SIDE
    orientation = _orientation(image)
    kept = _kept(data, image, side)
    seen = _shown(kept, orientation, side) if kept else _pixels(image, side)
    bare = Image.frombytes("RGB", seen.size, seen.tobytes())  # free of every tag that the file carried
    rgb = veiled(bare, header.get("veil", ()))
    out = io.BytesIO()
    rgb.save(out, "JPEG", quality=limits.DERIVATIVE_QUALITY)
    return {"ok": True, "width": rgb.size[0], "height": rgb.size[1]}, out.getvalue()


def grain(data: bytes, header: dict[str, Any]) -> Reply:
    """The middle of the picture as stored: YCbCr at native resolution, neither turned nor scaled (a HEIC
    comes turned).

    The cut starts on the file's own 8 x 8 grid. A JPEG's luminance comes as its decoder made it, so
    that its DCT coefficients can be had back; its quantisation tables come along (zigzag undone by Pillow).
    """
    image = _opened(data, {})
    tables = getattr(image, "quantization", {}) if _form(image) == "JPEG" else {}
    image.draft("YCbCr", None)
    width, height = image.size
    wide, tall = min(limits.GRAIN_SIDE, width) // 8 * 8, min(limits.GRAIN_SIDE, height) // 8 * 8
    left, top = (width - wide) // 16 * 8, (height - tall) // 16 * 8
    cut = image.crop((left, top, left + wide, top + tall))
    if cut.mode.startswith("I;16"):
        cut = cut.point(lambda value: value / 256).convert("L")
    if cut.mode != "YCbCr":
        cut = cut.convert("RGB").convert("YCbCr")
    facts = {"format": _form(image), "width": width, "height": height, "left": left, "top": top}
    listed = [list(tables[key]) for key in sorted(tables)]
    return {"ok": True, **facts, "shape": [tall, wide], "tables": listed}, cut.tobytes()


def provenance(data: bytes, header: dict[str, Any]) -> Reply:
    """C2PA manifests judged against the anchors in the request, and declared source types."""
    image = _opened(data, {})
    declared = source_types(data, image)
    settings = {
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
        "trust": {"trust_anchors": header["anchors"]} if header["anchors"] else {},
    }
    try:
        context = c2pa.Context.from_dict(settings)
        with c2pa.Reader(limits.MEDIA_TYPES[_form(image)], io.BytesIO(data), context=context) as reader:
            found = {"state": str(reader.get_validation_state()), "report": json.loads(reader.crjson())}
    except c2pa.C2paError.ManifestNotFound:
        found = {"state": "none"}
    except c2pa.C2paError as error:
        found = {"state": "elsewhere" if str(error).startswith("Remote") else "unreadable"}
    return {"ok": True, "declared": declared}, json.dumps(found).encode()


OPERATIONS: Operations = {
    "open": open_picture,
    "derive": derive,
    "grain": grain,
    "provenance": provenance,
}


def answer(operations: Operations, header: dict[str, Any], body: bytes) -> Reply:
    """One job; whatever a parser raises becomes a refusal."""
    try:
        return operations[header["op"]](body, header)
    except Refused as refusal:
        return {"ok": False, "reason": refusal.args[0], "detail": ""}, b""
    except MemoryError:
        return {"ok": False, "reason": "out_of_memory", "detail": ""}, b""
    except Exception as error:  # noqa: BLE001 - a door: OSError, SyntaxError, RuntimeError, struct.error, ...
        detail = f"{type(error).__name__}: {error}"[:200]
        return {"ok": False, "reason": "broken", "detail": detail}, b""


def _lock_in(memory_bytes: int, highest_fd: int, *, threads: bool = False) -> str:
    """Gives up what this process will not need; returns the name of what holds it."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest_fd + 1, highest_fd + 1))
    return "seccomp+rlimits" if confine(threads=threads) else "rlimits"


def _allow_cpu(seconds: int) -> None:
    """From now on this process may burn `seconds` more; then SIGXCPU ends it."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(_cpu_used()) + 1 + seconds, hard))


def _cpu_used() -> float:
    """Seconds that this process has burnt. (`time.process_time` is a call that the filter does not let.)"""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _read_exactly(pipe: BinaryIO, count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError
    return data


def run_all(data: bytes) -> None:
    """Every job once, on a sound picture."""
    for job in OPERATIONS.values():
        job(data, {"anchors": ""})


def _warm_up() -> None:
    """Runs every parser once, so that nothing needs loading after the doors are shut."""
    exif = Image.Exif()
    exif[0x0112] = 1
    exif.get_ifd(0x8825)[1] = "N"
    for kind in (*limits.FORMATS, "AVIF"):
        out = io.BytesIO()
        Image.new("RGB", (64, 64)).save(out, kind, exif=exif.tobytes())
        run_all(out.getvalue())
    for codec in ("utf-16", "utf-8", "latin-1", "ascii", "idna"):
        "a".encode(codec)


def _send(pipe: BinaryIO, header: dict[str, Any], body: bytes | bytearray | memoryview) -> None:
    pipe.write(head(header, len(body)))
    pipe.write(body)  # on its own: a film's copy is not made a second time
    pipe.flush()


def serve(operations: Operations, warm_up: Callable[[], None], *, threads: bool = False) -> None:
    """Serves jobs from stdin until it closes. argv: memory limit in bytes, CPU seconds a job.

    `warm_up` runs every parser once, before the doors are shut; with `threads` jobs may start threads later.
    """
    memory_bytes, cpu_seconds = int(sys.argv[1]), int(sys.argv[2])
    requests = sys.stdin.buffer
    replies_fd = os.dup(1)
    os.dup2(2, 1)  # a stray print of some library must not land in the protocol
    replies = os.fdopen(replies_fd, "wb")
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # corrupt EXIF is no refusal
    Image.MAX_IMAGE_PIXELS = limits.MAX_PIXELS
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    warm_up()
    if len(os.listdir("/proc/self/task") if sys.platform == "linux" else ()) > 1:
        raise RuntimeError("a thread was started before the lock-in, which would not hold it")
    sandbox = _lock_in(memory_bytes, replies_fd, threads=threads)
    _send(replies, {"ok": True, "sandbox": sandbox}, b"")
    try:
        while True:
            header_size, body_size = FRAME.unpack(_read_exactly(requests, FRAME.size))
            header = json.loads(_read_exactly(requests, header_size))
            body = _read_exactly(requests, body_size)
            _allow_cpu(min(cpu_seconds, header.get("bounds", {}).get("cpu_s", cpu_seconds)))
            _send(replies, *answer(operations, header, body))
    except EOFError:
        return


def main() -> None:
    """The child that takes pictures."""
    serve(OPERATIONS, _warm_up)


if __name__ == "__main__":
    main()
