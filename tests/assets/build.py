"""Bad and odd image files, each named for what it does wrong; `build(folder)` writes them all.

Deterministic and small (about 2 MB together), so they are made anew and never committed. A bomb is
built from its compressed form: nobody has to hold 169 megapixels to write one.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

GPS_CANARY = "51.477811"
SERIAL_CANARY = "SERIAL-CANARY-7741"
NAME_CANARY = "Canary Person Name"

_BUILDERS: dict[str, Callable[[], bytes]] = {}


def asset(name: str) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Names the file that the decorated function makes."""

    def keep(function: Callable[[], bytes]) -> Callable[[], bytes]:
        _BUILDERS[name] = function
        return function

    return keep


def build(folder: Path) -> dict[str, Path]:
    """Writes every file into `folder`; returns name -> path."""
    paths: dict[str, Path] = {}
    for name, make in _BUILDERS.items():
        paths[name] = folder / name
        paths[name].write_bytes(make())
    return paths


def names() -> tuple[str, ...]:
    """The name of every file."""
    return tuple(_BUILDERS)


def make(name: str) -> bytes:
    """The bytes of one file."""
    return _BUILDERS[name]()


def scene(width: int = 320, height: int = 240, seed: int = 7) -> Image.Image:
    """A smooth picture with some texture: no photo, but no flat field either."""
    generator = np.random.default_rng(seed)
    rough = generator.integers(0, 255, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    """An image file's bytes."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def zeros_png(width: int, height: int, *, depth: int = 8, colour: int = 2) -> bytes:
    """A valid black PNG of any size: one deflated block of zeros, repeated, with its Adler-32 computed."""
    channels = {0: 1, 2: 3, 6: 4}[colour]
    total = height * (1 + (width * channels * depth + 7) // 8)
    block = 1 << 20
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    full = squeeze.compress(bytes(block)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    tail = zlib.compressobj(9, zlib.DEFLATED, -15)
    rest = tail.compress(bytes(total % block)) + tail.flush(zlib.Z_FINISH)
    body = b"\x78\xda" + full * (total // block) + rest + struct.pack(">I", (total % 65521) << 16 | 1)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def small_zip() -> bytes:
    """A zip archive, to hang behind a picture."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("payload.sh"), "#!/bin/sh\necho owned\n")
    return out.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    """One JPEG marker segment."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """A JPEG with one more segment right behind its SOI."""
    return jpeg[:2] + segment(marker, body) + jpeg[2:]


@asset("honest.jpg")
def _honest() -> bytes:
    return encoded(scene(), quality=90)


@asset("honest.png")
def _honest_png() -> bytes:
    return encoded(scene(), "PNG")


@asset("honest.webp")
def _honest_webp() -> bytes:
    return encoded(scene(), "WEBP", quality=80)


@asset("truncated.jpg")
def _truncated() -> bytes:
    return _honest()[: len(_honest()) // 2]


@asset("truncated.png")
def _truncated_png() -> bytes:
    return _honest_png()[: len(_honest_png()) // 2]


@asset("header_only.jpg")
def _header_only() -> bytes:
    return _honest()[:30]


@asset("empty.jpg")
def _empty() -> bytes:
    return b""


@asset("text.jpg")
def _text() -> bytes:
    return b"<html><script>alert(1)</script></html>" * 20


@asset("gif_named.jpg")
def _gif() -> bytes:
    return encoded(scene().convert("P"), "GIF")


@asset("tiff_named.jpg")
def _tiff() -> bytes:
    return encoded(scene(), "TIFF")


@asset("bmp_named.png")
def _bmp() -> bytes:
    return encoded(scene(64, 64), "BMP")


@asset("bomb_169_megapixels.png")
def _bomb_rgb() -> bytes:
    return zeros_png(13_000, 13_000)


@asset("bomb_400_megapixels_one_bit.png")
def _bomb_one_bit() -> bytes:
    return zeros_png(20_000, 20_000, depth=1, colour=0)


@asset("bomb_claimed_size.jpg")
def _bomb_claimed() -> bytes:
    jpeg = bytearray(_honest())
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 65_000, 65_000)
    return bytes(jpeg)


def many_scans(count: int, side: int) -> bytes:
    """A progressive JPEG whose last scan is repeated `count` times: each costs a pass over all pixels."""
    jpeg = encoded(Image.new("L", (side, side), 90), progressive=True, quality=50)
    last = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + last * count + jpeg[-2:]


@asset("bomb_of_scans.jpg")
def _bomb_of_scans() -> bytes:
    return many_scans(400, 1_000)


@asset("bomb_text_chunk.png")
def _bomb_text() -> bytes:
    png = _honest_png()
    squeezed = zlib.compress(bytes(8 << 20), 9)
    return png[:33] + png_chunk(b"zTXt", b"Comment\x00\x00" + squeezed) + png[33:]


@asset("wide_line.png")
def _wide() -> bytes:
    return zeros_png(40_000, 40, colour=0)


@asset("one_pixel.png")
def _pixel() -> bytes:
    return encoded(Image.new("RGB", (1, 1)), "PNG")


@asset("animated.png")
def _apng() -> bytes:
    return encoded(scene(), "PNG", save_all=True, append_images=[scene(seed=8)])


@asset("animated.webp")
def _animated_webp() -> bytes:
    return encoded(scene(), "WEBP", save_all=True, append_images=[scene(seed=8)])


@asset("transparent.png")
def _transparent() -> bytes:
    image = scene().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return encoded(image, "PNG")


@asset("transparent_palette.png")
def _transparent_palette() -> bytes:
    return encoded(scene().quantize(16), "PNG", transparency=3)


@asset("opaque_alpha.png")
def _opaque_alpha() -> bytes:
    return encoded(scene().convert("RGBA"), "PNG")


@asset("cmyk.jpg")
def _cmyk() -> bytes:
    return encoded(scene().convert("CMYK"), "JPEG")


@asset("grey.jpg")
def _grey() -> bytes:
    return encoded(scene().convert("L"), "JPEG")


@asset("sixteen_bit.png")
def _sixteen_bit() -> bytes:
    ramp = np.linspace(0, 65_535, 320 * 240).reshape(240, 320).astype(np.uint16)
    return encoded(Image.fromarray(ramp), "PNG")


@asset("one_bit.png")
def _one_bit() -> bytes:
    return encoded(scene().convert("1"), "PNG")


@asset("palette.png")
def _palette() -> bytes:
    return encoded(scene().quantize(32), "PNG")


@asset("polyglot_zip.jpg")
def _polyglot_zip() -> bytes:
    return _honest() + small_zip()


@asset("polyglot_html.png")
def _polyglot_html() -> bytes:
    return _honest_png() + b"<html><script>alert(1)</script>"


@asset("polyglot_zip.webp")
def _polyglot_webp() -> bytes:
    return _honest_webp() + small_zip()


@asset("second_jpeg_behind.jpg")
def _second_jpeg() -> bytes:
    return _honest() + encoded(scene(seed=9))


@asset("zero_padded.jpg")
def _padded() -> bytes:
    return _honest() + bytes(512)


@asset("preview_listed.jpg")
def _listed_preview() -> bytes:
    return encoded(scene(), "MPO", save_all=True, append_images=[scene(64, 48, seed=9)])


@asset("preview_listed_and_zip.jpg")
def _listed_and_zip() -> bytes:
    return _listed_preview() + small_zip()


@asset("turned_by_exif.jpg")
def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(scene(), exif=exif.tobytes())


@asset("hostile_exif.jpg")
def _hostile_exif() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "Make\u202eKAM\u200b\x07" + "A" * 5_000
    exif[0x0112] = 99
    exif[0x011A] = IFDRational(0, 0)
    exif[0x9286] = b"\x00" * 64
    gps = exif.get_ifd(0x8825)
    gps[2] = (IFDRational(1, 0), IFDRational(0, 0), IFDRational(2**31, 1))
    return encoded(scene(), exif=exif.tobytes())


@asset("broken_exif.jpg")
def _broken_exif() -> bytes:
    return with_segment(_honest(), 0xE1, b"Exif\x00\x00II*\x00" + b"\xff" * 40)


@asset("private_metadata.jpg")
def _private() -> bytes:
    """GPS, a serial number, a name and a comment in every place a JPEG has for them."""
    exif = Image.Exif()
    exif[0x010F], exif[0x013B], exif[0xA431] = "Maker", NAME_CANARY, SERIAL_CANARY
    exif.get_ifd(0x8769)[0xA431] = SERIAL_CANARY
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", tuple(IFDRational(Fraction(n)) for n in (51, 28, 40))
    gps[0x1D] = "2026:11:20"
    xmp = f"<x:xmpmeta>{NAME_CANARY}<exif:GPSLatitude>{GPS_CANARY}</exif:GPSLatitude></x:xmpmeta>"
    jpeg = encoded(scene(), exif=exif.tobytes(), comment=SERIAL_CANARY.encode())
    jpeg = with_segment(jpeg, 0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + xmp.encode())
    return with_segment(jpeg, 0xED, b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + NAME_CANARY.encode())


@asset("private_metadata.png")
def _private_png() -> bytes:
    png = _honest_png()
    text = png_chunk(b"tEXt", b"Author\x00" + NAME_CANARY.encode())
    text += png_chunk(b"tEXt", b"Serial\x00" + SERIAL_CANARY.encode())
    return png[:33] + text + png[33:]


@asset("ai_declared_in_xmp.jpg")
def _ai_xmp() -> bytes:
    kind = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    xmp = f"<x:xmpmeta><Iptc4xmpExt:DigitalSourceType>{kind}</Iptc4xmpExt:DigitalSourceType></x:xmpmeta>"
    return with_segment(_honest(), 0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + xmp.encode())


@asset("ai_declared_in_compressed_text.png")
def _ai_png() -> bytes:
    kind = b"http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    body = b"XML:com.adobe.xmp\x00\x01\x00\x00\x00" + zlib.compress(kind)
    png = _honest_png()
    return png[:33] + png_chunk(b"iTXt", body) + png[33:]


@asset("generator_settings_in_exif.jpg")
def _generator_exif() -> bytes:
    """As A1111 saves a JPEG: the settings as UTF-16 in EXIF's UserComment."""
    text = "a lighthouse at dusk\nSteps: 30, Sampler: Euler a, CFG scale: 7".encode("utf-16-be")
    return with_segment(_honest(), 0xE1, b"Exif\x00\x00" + b"UNICODE\x00" + text)


@asset("generator_workflow.png")
def _generator_workflow() -> bytes:
    png = _honest_png()
    text = b'Comment\x00{"3": {"class_type": "KSampler", "inputs": {"seed": 1}}}'
    return png[:33] + png_chunk(b"tEXt", text) + png[33:]


@asset("generator_settings.png")
def _generator_settings() -> bytes:
    png = _honest_png()
    text = b"parameters\x00a lighthouse at dusk\nSteps: 30, Sampler: Euler a, CFG scale: 7"
    return png[:33] + png_chunk(b"tEXt", text) + png[33:]
