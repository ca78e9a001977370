"""HEIC and AVIF files, sound and bad, each named for what it does wrong; made beside those of `build`.

Encoded by pillow-heif (x265), Pillow (libavif) and, in ten bits, PyAV; what no encoder writes is had by
changing bytes of boxes.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import av
import numpy as np
import pillow_heif
from PIL import Image

from tests.assets.build import GPS_CANARY, NAME_CANARY, SERIAL_CANARY, asset, encoded, make, scene, small_zip

pillow_heif.register_heif_opener()

SIZE = (320, 240)
ENCODERS = {"heic": "HEIF", "avif": "AVIF"}
_ORIENTATION, _STANDS_IN = 0x0112, 0x0113  # encoders take the first out of EXIF
_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def box(kind: bytes, body: bytes = b"") -> bytes:
    """One box."""
    return struct.pack(">I", len(body) + 8) + kind + body


def ispe(width: int, height: int) -> bytes:
    """The property that states a size, without its length."""
    return b"ispe" + bytes(4) + struct.pack(">II", width, height)


def exif(**values: int | str) -> bytes:
    """EXIF of a phone, with an orientation in the file's EXIF itself where asked for."""
    found = Image.Exif()
    found[0x010F], found[0x0110] = "Maker", "Phone 7"
    if "stored" in values:
        found[_STANDS_IN] = values["stored"]
    if "turn" in values:
        found[_ORIENTATION] = values["turn"]
    found.get_ifd(0x8769)[0x9003] = "2026:06:21 12:00:40"
    gps = found.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (51.0, 28.0, 40.0), "W", (0.0, 0.0, 5.0)
    return found.tobytes()


def with_stored_turn(data: bytes) -> bytes:
    """The file with the orientation that `exif(stored=…)` held a place for."""
    for order, form in ((b"MM", ">HHI"), (b"II", "<HHI")):
        entry = struct.pack(form, _STANDS_IN, 3, 1)
        if order in data and entry in data:
            return data.replace(entry, struct.pack(form, _ORIENTATION, 3, 1))
    raise ValueError("no place was held for an orientation")


def still(name: str, image: Image.Image | None = None, **options: object) -> bytes:
    """A picture as "heic" or "avif"."""
    if image is None and not options:
        return _plain(name)
    quick: dict[str, dict[str, object]] = {
        "heic": {"enc_params": {"preset": "ultrafast", "x265:pools": "1", "x265:frame-threads": "1"}},
        "avif": {"speed": 10},
    }
    return encoded(image or scene(*SIZE), ENCODERS[name], **{"quality": 80, **quick[name], **options})


@lru_cache(maxsize=2)
def _plain(name: str) -> bytes:
    return still(name, scene(*SIZE))


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    """The file with some bytes changed, which must be there."""
    if old not in data:
        raise ValueError("nothing to change")
    return data.replace(old, new)


def in_meta(data: bytes, more: bytes) -> bytes:
    """The file with more boxes in its `meta`; places in the file are not mended."""
    at = data.index(b"meta") - 4
    (size,) = struct.unpack_from(">I", data, at)
    return (
        data[:at] + struct.pack(">I", size + len(more)) + data[at + 4 : at + size] + more + data[at + size :]
    )


def ten_bit_heic() -> bytes:
    """Ten bits a channel, from an 8-bit picture."""
    out = io.BytesIO()
    wide = np.asarray(scene(*SIZE)).astype(np.uint16) * 257
    pillow_heif.encode("RGB;16", SIZE, wide.tobytes(), out, quality=90)
    return out.getvalue()


def ten_bit_avif() -> bytes:
    """The same as AVIF.

    In a thread of its own: under root, SVT-AV1 gives the thread that calls it the highest real-time priority,
    for good, and whatever that thread starts later would starve the machine.
    """
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(_ten_bit_avif).result()


def _ten_bit_avif() -> bytes:
    os.environ["SVT_LOG"] = "-1"  # its encoder prints what it does
    out = io.BytesIO()
    with av.open(out, "w", format="avif") as container:
        track = container.add_stream("libsvtav1", rate=1, options={"preset": "10", "crf": "20"})
        track.width, track.height = SIZE
        track.pix_fmt = "yuv420p10le"
        rgb = av.VideoFrame.from_ndarray(np.asarray(scene(*SIZE)), format="rgb24")
        frame = rgb.reformat(format="yuv420p10le")
        for packet in (*track.encode(frame), *track.encode()):
            container.mux(packet)
    return out.getvalue()


@lru_cache(maxsize=1)
def tiles() -> bytes:
    """A HEIC as phones write it: a grid of tiles."""
    return still("heic", tile_size=64)


def broken_but_for_its_thumbnail() -> bytes:
    """A HEIC whose picture is spoilt, with a whole thumbnail that is large enough to stand in for it."""
    data = still("heic", Image.new("RGB", (1_800, 120), (90, 120, 60)), thumbnails=[1_500])
    at = data.index(b"mdat") + 4
    return data[: at + 4] + bytes(24) + data[at + 28 :]


def _alpha(opaque: bool) -> Image.Image:
    image = scene(*SIZE).convert("RGBA")
    if not opaque:
        image.putalpha(Image.linear_gradient("L").resize(SIZE))
    return image


def _nested(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = box(b"iprp", inner)
    return inner


def _of_both(name: str) -> dict[str, Callable[[], bytes]]:
    """What there is of either form, without the ending."""
    claims = ispe(*SIZE)
    return {
        "honest": lambda: still(name, exif=exif(), xmp=b"<x/>"),
        "grey": lambda: still(name, scene(*SIZE).convert("L")),
        "opaque_alpha": lambda: still(name, _alpha(opaque=True)),
        "transparent": lambda: still(name, _alpha(opaque=False)),
        "turned": lambda: still(name, exif=exif(turn=6)),
        "turned_twice_said": lambda: with_stored_turn(still(name, exif=exif(turn=6, stored=6))),
        "turned_by_exif_alone": lambda: with_stored_turn(still(name, exif=exif(stored=6))),
        "turned_by_xmp_alone": lambda: changed(
            still(name, xmp=b'<x tiff:orientation="6"/>'), b"orientation", b"Orientation"
        ),
        "private": lambda: still(
            name, exif=exif(), xmp=f"<x>{NAME_CANARY} {SERIAL_CANARY} {GPS_CANARY}</x>".encode()
        ),
        "ai_declared_in_xmp": lambda: still(name, xmp=f"<x>{_SOURCE}</x>".encode()),
        "zero_padded": lambda: still(name) + bytes(512),
        "polyglot_zip": lambda: still(name) + small_zip(),
        "second_behind": lambda: still(name) + still(name, scene(*SIZE, seed=9)),
        "truncated": lambda: still(name)[:-300],
        "header_only": lambda: still(name)[:40],
        "animated": lambda: still(name, save_all=True, append_images=[scene(*SIZE, seed=8)]),
        "with_a_track": lambda: still(name) + box(b"moov", box(b"mvhd", bytes(100))),
        "bomb_claimed_size": lambda: changed(still(name), claims, ispe(60_000, 60_000)),
        "bomb_small_claim": lambda: changed(
            still(name, Image.new("RGB", (1_600, 200), (90, 120, 60))), ispe(1_600, 200), claims
        ),
        "another_size_claimed": lambda: changed(still(name), claims, ispe(640, 480)),
        "tiny": lambda: still(name, scene(16, 16)),
        "no_items": lambda: still(name)[:32] + box(b"meta", bytes(4)),
        "two_metas": lambda: still(name) + box(b"meta", bytes(4)),
        "nested_boxes": lambda: in_meta(still(name), _nested(16)),
        "endless_nesting": lambda: in_meta(still(name), _nested(3_000)),
        "box_of_no_size": lambda: changed(still(name), struct.pack(">I", 20) + claims, bytes(4) + claims),
        "box_of_size_seven": lambda: changed(
            still(name), struct.pack(">I", 20) + claims, struct.pack(">I", 7) + claims
        ),
        "crowd_of_properties": lambda: in_meta(still(name), box(b"iprp", box(b"ipco", box(b"free") * 2_000))),
    }


_HEIC_ALONE: dict[str, Callable[[], bytes]] = {
    "tiles": tiles,
    "ten_bit": ten_bit_heic,
    "broken_but_for_its_thumbnail": broken_but_for_its_thumbnail,
    "thumbnailed": lambda: still("heic", thumbnails=[64]),
    "generic_brand": lambda: changed(still("heic"), b"ftypheic", b"ftypmif1"),
    "named_avif": lambda: changed(still("heic"), b"ftypheic", b"ftypavif"),
    "a_million_tiles": lambda: changed(tiles(), b"dimg\x00\x01\x00\x14", b"dimg\x00\x01\xff\xff"),
    "grid_of_a_million": lambda: changed(tiles(), b"\x00\x00\x03\x04\x01\x40", b"\x00\x00\xff\xff\x01\x40"),
    "heavy_tiles": lambda: changed(tiles(), ispe(64, 64), ispe(7_000, 7_000)),
    "grid_of_itself": lambda: changed(
        tiles(), b"dimg\x00\x01\x00\x14\x00\x02", b"dimg\x00\x01\x00\x14\x00\x01"
    ),
    "hidden_second": lambda: changed(
        still("heic", save_all=True, append_images=[scene(*SIZE, seed=8)]),
        b"infe\x02\x00\x00\x00\x00\x02",
        b"infe\x02\x00\x00\x01\x00\x02",
    ),
    "still_of_jpeg": lambda: changed(still("heic"), b"\x00\x01\x00\x00hvc1", b"\x00\x01\x00\x00jpeg"),
}
_AVIF_ALONE: dict[str, Callable[[], bytes]] = {
    "ten_bit": ten_bit_avif,
    "named_heic": lambda: changed(still("avif"), b"ftypavif", b"ftypheic"),
    "film_named": lambda: changed(still("avif"), b"ftypavif", b"ftypisom"),
    "jpeg_named": lambda: make("honest.jpg")[:4] + b"ftypavif" + make("honest.jpg")[12:],
}

_BROKEN = (
    "truncated", "header_only", "no_items", "two_metas", "nested_boxes", "endless_nesting", "box_of_no_size",
    "box_of_size_seven",
)  # fmt: skip
REFUSED = {
    f"{name}.{ending}": reason
    for ending in ENCODERS
    for name, reason in {
        **dict.fromkeys(_BROKEN, "broken"),
        "animated": "animated",
        "with_a_track": "animated",
        "transparent": "transparent",
        "bomb_claimed_size": "too_many_pixels",
        "tiny": "too_small",
        "crowd_of_properties": "too_many_parts",
    }.items()
} | {
    "bomb_small_claim.heic": "broken",
    "another_size_claimed.heic": "broken",
    "second_behind.heic": "broken",
    "broken_but_for_its_thumbnail.heic": "broken",
    "named_avif.heic": "unknown_format",
    "named_heic.avif": "unknown_format",
    "film_named.avif": "unknown_format",
    "jpeg_named.avif": "broken",
    "still_of_jpeg.heic": "unknown_format",
    "grid_of_itself.heic": "unknown_format",
    "grid_of_a_million.heic": "broken",
    "a_million_tiles.heic": "too_many_parts",
    "heavy_tiles.heic": "too_many_pixels",
}
TAILS = {"polyglot_zip.heic", "polyglot_zip.avif", "second_behind.avif"}

for _ending, _alone in (("heic", _HEIC_ALONE), ("avif", _AVIF_ALONE)):
    for _name, _maker in {**_of_both(_ending), **_alone}.items():
        asset(f"{_name}.{_ending}")(_maker)
