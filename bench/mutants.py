"""Bad input by the thousand and by name: what a stranger could hand in as a capture.

A `Trial` is a folder of files with a context among them (docs/examine.md). Named trials put each file of
tests/assets, broken C2PA and broken motion into every place of a context that names a file.
Mutants are drawn from a seed: the same seed and number make the same bytes, but for fresh C2PA keys.
"""

from __future__ import annotations

import io
import json
import math
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image
from skimage import data

from market.simulator.recorder import record
from tests.assets import build
from tests.verification import authority
from verification.evidence import Json

CONTEXT = "context.json"
MOTION = "t,gx,gy,gz,ax,ay,az\n" + "".join(
    f"{n / 50:.2f},{0.01 * n % 0.3:.3f},0.02,-0.01,0.1,9.7,0.4\n" for n in range(100)
)
Mutator = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True)
class Trial:
    """Files by name, one of them CONTEXT; `kind` says what was done to them."""

    kind: str
    files: dict[str, bytes]


@lru_cache(maxsize=2)
def _sample(name: str) -> Image.Image:
    return Image.fromarray(getattr(data, name)())


@lru_cache(maxsize=16)
def photo(side: int = 160, of: str = "coffee", **options: object) -> bytes:
    """A small photograph as JPEG (or as `format` says), with EXIF."""
    small = _sample(of).resize((side, side * 3 // 4))
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", 6
    exif.get_ifd(0x8769)[0x9003] = "2026:06:21 12:00:40"
    exif.get_ifd(0x8825)[2] = (51.0, 28.0, 40.0)
    out = io.BytesIO()
    small.save(out, **{"format": "JPEG", "quality": 85, "exif": exif.tobytes(), **options})  # type: ignore[arg-type]
    return out.getvalue()


def _third_parties(name: str) -> dict[str, Json]:
    """A file in the places of what others signed; whose mutants are in tests/verification/."""
    return {"timestamp": name, "attestation": {"format": "android-key", "object": name, "assertion": name}}


def context(**changes: Json) -> dict[str, Json]:
    """A whole context, whose session was verified before, over the files of `trial`."""
    said: dict[str, Json] = {
        "captured_at": "2026-06-21T12:00:41Z",
        "lat": 51.4779,
        "lon": -0.0015,
        "accuracy_m": 12.5,
        "device_id": "d1",
    }
    memory: Json = {"path": "earlier", "account": "a2", "lat": 51.4779, "lon": -0.0016}
    whole: dict[str, Json] = {
        "file": "photo",
        "kind": "photo",
        "bounty": {
            "lat": 51.47781,
            "lon": -0.00148,
            "radius_m": 150,
            "ask": "How many?",
            "answer_schema": {},
            "tier": "T1",
            "reward_micros": 2_000_000,
        },
        "claim": {
            "nonce": "5f" * 32,
            "issued_at": "2026-06-21T12:00:00Z",
            "expires_at": "2026-06-21T12:10:00Z",
            "challenge": {"type": "none"},
        },
        "answer": 3,
        "statement": said,
        "session": {"verified": True},
        "received_at": "2026-06-21T12:00:44Z",
        "account": {"id": "a1", "age_days": 20, "accepted": 3, "rejected": 0},
        "memory": [memory],
    }
    return {**whole, **changes}


def trial(kind: str, value: object = None, **files: bytes) -> Trial:
    """The honest trial with some files changed and a context of one's own."""
    held = {"photo": photo(), "earlier": photo(128, "astronaut"), "motion": MOTION.encode(), **files}
    written = (
        value if isinstance(value, bytes) else json.dumps(context() if value is None else value).encode()
    )
    return Trial(kind, {**held, CONTEXT: written})


def signed() -> dict[str, bytes]:
    """Pictures with C2PA manifests, by what is wrong with them."""
    maker, other = authority.found(), authority.found()
    plain = photo(exif=b"")
    whole, foreign = maker.sign(plain), other.sign(photo(200, exif=b""))
    manifest = whole[2 : whole.rindex(b"\xff\xeb") + 2 + _length(whole, whole.rindex(b"\xff\xeb"))]
    edited = whole.replace(b"GREENWICH", b"GREENWICK")
    return {
        "sound": whole,
        "said to be generated": maker.sign(plain, authority.GENERATED),
        "an edit of another": maker.sign_edit_of(plain, foreign),
        "kept elsewhere": maker.sign_elsewhere(plain),
        "assertion edited": edited,
        "bytes appended": whole + b"more",
        "grafted": plain[:2] + manifest + plain[2:],
        "cut in the manifest": whole[: len(manifest) // 2],
        "box of no length": whole.replace(b"jumb", b"jum\x00", 1),
        "endless box": whole.replace(struct.pack(">I", len(manifest))[:2], b"\xff\xff", 3),
    }


def _length(jpeg: bytes, at: int) -> int:
    return int.from_bytes(jpeg[at + 2 : at + 4], "big")


@lru_cache(maxsize=4)
def film(codec: str, seconds: float = 1.4) -> bytes:
    """A small film: the photograph, wandering."""
    whole = np.asarray(_sample("coffee").resize((240, 180)), np.uint8)
    wander = [(40 + round(30 * math.sin(k / 5)), 30 + k % 20) for k in range(round(seconds * 15))]
    return record([whole[y : y + 120, x : x + 160] for x, y in wander], codec=codec, bits=300_000)


def broken_films() -> dict[str, bytes]:
    """Files that are no film, or hardly one, by what is wrong with them."""
    mp4, webm = film("h264"), film("vp8")
    size = struct.pack(">HH", 160, 120)
    return {
        "empty": b"",
        "zero bytes": bytes(5_000),
        "text": b"no film" * 300,
        "a photograph": photo(),
        "cut in half": mp4[: len(mp4) // 2],
        "cut webm": webm[:-700],
        "one frame": film("h264", 0.07),
        "zip behind": mp4 + build.small_zip(),
        "zip behind webm": webm + build.small_zip(),
        "huge in the header": mp4.replace(size, b"\xff\xff\xff\xff"),
        "no index": mp4.replace(b"moov", b"free"),
        "a box longer than the file": mp4.replace(b"mdat", b"free") + struct.pack(">I4s", 1 << 30, b"mdat"),
        "two films": mp4 + mp4,
        "webm named mp4": webm[:4] + b"ftyp" + webm[8:],
        "endless sample table": mp4.replace(b"stsz" + bytes(8), b"stsz" + bytes(4) + b"\x7f\xff\xff\xff"),
    }


BROKEN_MOTION: dict[str, bytes] = {
    "empty": b"",
    "header alone": b"t,gx,gy,gz,ax,ay,az\n",
    "other header": b"time,x\n1,2\n",
    "not a number": MOTION.replace("9.7", "nan").encode(),
    "endless": MOTION.replace("9.7", "inf").encode(),
    "huge numbers": MOTION.replace("9.7", "1e300").encode(),
    "times that fall": b"t,gx,gy,gz,ax,ay,az\n1,0,0,0,0,0,0\n0,0,0,0,0,0,0\n",
    "one row": b"t,gx,gy,gz,ax,ay,az\n0,0,0,0,0,0,0\n",
    "too many rows": MOTION[:20].encode() + b"".join(b"%d,0,0,0,0,0,0\n" % n for n in range(21_000)),
    "one endless line": b"t,gx,gy,gz,ax,ay,az\n" + b"1" * 300_000 + b",0,0,0,0,0,0\n",
    "a quote never closed": b't,gx,gy,gz,ax,ay,az\n"' + b"1,0,0,0,0,0,0\n" * 20_000,
    "bytes": bytes(range(256)) * 40,
    "zero bytes": b"t,gx,gy,gz,ax,ay,az\n\x00\x00,0,0,0,0,0,0\n",
}


def named() -> Iterator[Trial]:
    """Every bad or odd file in every place that can hold one."""
    files = {name: build.make(name) for name in build.names()} | {
        f"c2pa: {k}": v for k, v in signed().items()
    }
    for name, bad in files.items():
        yield trial(f"file: {name}", photo=bad)
        yield trial(f"memory: {name}", earlier=bad)
        frames = context(file=None, frames=["photo", "bad", "photo"], memory=None)
        yield trial(f"frames: {name}", frames, bad=bad)
        seen = context(references=["bad"], examples=["bad"], memory=None, **_third_parties("bad"))
        yield trial(f"references: {name}", seen, bad=bad)
    for name, bad in BROKEN_MOTION.items():
        yield trial(f"motion: {name}", context(motion="motion", memory=None), motion=bad)
        frames = context(frames=["photo", "photo", "photo"], motion="motion", memory=None)
        yield trial(f"motion and frames: {name}", frames, motion=bad)
    for name, bad in broken_films().items():
        yield trial(f"video: {name}", context(kind="video", memory=None), photo=bad)
        yield trial(f"video in memory: {name}", earlier=bad)
    for name, text in HOSTILE_JSON.items():
        yield trial(f"context: {name}", text)


HOSTILE_JSON: dict[str, bytes] = {
    "empty": b"",
    "text": b"hello",
    "bytes": bytes(range(256)),
    "deep lists": b'{"answer": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"answer": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
    "long number": b'{"answer": ' + b"9" * 100_000 + b"}",
    "no number": b'{"answer": NaN}',
    "beyond a float": b'{"bounty": {"lat": 1e999, "lon": 1}}',
    "key twice": b'{"file": "photo", "file": "earlier"}',
    "half a character": b'{"file": "\\ud800"}',
    "zero in a name": b'{"file": "a\\u0000b"}',
    "a folder": b'{"file": "."}',
    "a device": b'{"file": "/dev/zero"}',
    "itself": b'{"file": "context.json", "frames": ["context.json"], "references": ["context.json"]}',
    "long code": json.dumps(context(claim={"challenge": {"type": "qr", "expected": "A1" * 32}})).encode(),
    "odd key": json.dumps(
        context(session=None, statement={"public_key": "MFkw", "signature": "AA"})
    ).encode(),
    "odd statement": json.dumps(context(statement={"lat": [], "captured_at": {}, "sha256": 1e300})).encode(),
    "odd schema": json.dumps(context(bounty={"answer_schema": {"type": [], "properties": 3}})).encode(),
}


def flip(base: bytes, chance: random.Random) -> bytes:
    """Some bytes are others."""
    changed = bytearray(base)
    for _ in range(chance.choice((1, 1, 2, 5, 20, 100))):
        changed[chance.randrange(len(changed))] = chance.choice((0, 255, chance.randrange(256)))
    return bytes(changed)


def cut(base: bytes, chance: random.Random) -> bytes:
    """The end, or a piece, is missing."""
    begin = chance.randrange(len(base))
    return base[:begin] + (base[begin + chance.randrange(1, 400) :] if chance.random() < 0.6 else b"")


def insert(base: bytes, chance: random.Random) -> bytes:
    """Foreign bytes, or a piece of itself, stand somewhere."""
    at, size = chance.randrange(len(base)), chance.randrange(1, 300)
    begin = chance.randrange(len(base))
    return (
        base[:at]
        + (chance.randbytes(size) if chance.random() < 0.5 else base[begin : begin + size])
        + base[at:]
    )


def number(base: bytes, chance: random.Random) -> bytes:
    """A length or an offset is extreme."""
    form = chance.choice((">H", "<H", ">I", "<I"))
    top = 2 ** (8 * struct.calcsize(form))
    at = chance.randrange(max(1, len(base) - 4))
    value = struct.pack(form, chance.choice((0, 1, top - 1, top // 2, top // 2 - 1, len(base) % top)))
    return base[:at] + value + base[at + len(value) :]


def text(base: bytes, chance: random.Random) -> bytes:
    """A word or number of a text is something else."""
    words = base.split(b",")
    odd = (
        b"",
        b"nan",
        b"-inf",
        b"1e308",
        b"1e-320",
        b'"',
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b"-1",
        b"9" * 400,
    )
    words[chance.randrange(len(words))] = chance.choice(odd)
    return b",".join(words)


BYTES: Sequence[Mutator] = (flip, cut, insert, number)
ODD: tuple[Json, ...] = (
    None, True, 0, -1, 1e308, -0.0, 10**30, "", "\u202e", "\ud800", "x" * 5_000, [], [None], {}, {"a": []},
    "photo", "/dev/null", "../photo", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "-----BEGIN",
)  # fmt: skip


def odd_context(chance: random.Random) -> bytes:
    """A context in which a value is odd, a key is missing, or a key is new."""
    value = context(frames=["photo", "photo"], motion=MOTION, references=["earlier"])
    if chance.random() < 0.7:  # the search for copies is the costly part, and not what is tried here
        value["memory"] = None
    for _ in range(chance.choice((1, 1, 2, 4))):
        inner: dict[str, Json] = value
        while True:
            key = chance.choice(sorted(inner) or ["new"])
            below = inner.get(key)
            if not isinstance(below, dict) or chance.random() < 0.3:
                break
            inner = below
        if chance.random() < 0.2:
            inner.pop(key, None)
        else:
            inner[chance.choice((key, key, key, "new"))] = chance.choice(ODD)
    return json.dumps(value).encode()


def mutants(seed: int, count: int) -> Iterator[Trial]:
    """So many trials, each with one file changed at random."""
    pictures = {
        "jpeg": photo(),
        "progressive jpeg": photo(progressive=True),
        "png": photo(format="PNG"),
        "webp": photo(format="WEBP"),
        "heic": photo(format="HEIF"),
        "heic tiles": photo(format="HEIF", tile_size=64),
        "avif": photo(format="AVIF"),
        **{f"c2pa: {name}": made for name, made in signed().items()},
    }
    kinds = [
        *pictures,
        *(kind for kind in pictures if kind.startswith("c2pa")),
        "motion",
        "context",
        "context",
        "video h264",
        "video vp8",
    ]
    asked: Json = {"type": "qr", "expected": "K7M4XP"}
    for number_ in range(count):
        chance = random.Random(f"{seed} {number_}")
        kind = chance.choice(kinds)
        if kind == "context":
            whole = json.dumps(context(frames=["photo"], motion="motion", memory=None)).encode()
            yield trial(
                kind, odd_context(chance) if chance.random() < 0.7 else chance.choice(BYTES)(whole, chance)
            )
        elif kind.startswith("video"):
            bad = chance.choice(BYTES)(film(kind.split()[1]), chance)
            yield trial(kind, context(kind="video", memory=None), photo=bad)
        elif kind == "motion":
            frames: Json = ["photo", "photo"] if chance.random() < 0.5 else None
            value = context(motion="motion", frames=frames, memory=None)
            yield trial(kind, value, motion=chance.choice((*BYTES, text, text))(MOTION.encode(), chance))
        else:
            bad = chance.choice(BYTES)(pictures[kind], chance)
            yield _picture(kind, bad, chance.random(), asked)


def _picture(kind: str, bad: bytes, where: float, asked: Json) -> Trial:
    """Most as the photo itself; the rest where other pictures stand."""
    if where < 0.6:
        return trial(kind, photo=bad)
    if where < 0.7:
        return trial(kind, context(claim={"challenge": asked}), photo=bad)
    if where < 0.8:
        return trial(kind, earlier=bad)
    if where < 0.9:
        frames = context(frames=["photo", "bad", "earlier"], motion="motion", memory=None)
        return trial(kind, frames, bad=bad)
    seen = context(references=["bad"], examples=["bad"], memory=None, **_third_parties("bad"))
    return trial(kind, seen, bad=bad)
