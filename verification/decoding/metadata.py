"""EXIF as plain JSON values, and what a file says of its own origin. Runs inside the child.

Every value here was written by a stranger: numbers may be 0/0, text may hold control or bidirectional
characters, counts may lie. What comes out is finite, short and printable, or not there.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from PIL import ExifTags, Image

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"

MAX_TAGS = 160
MAX_TEXT = 200
MAX_ITEMS = 32
_IFDS = {ExifTags.IFD.Exif: "Exif", ExifTags.IFD.GPSInfo: "GPS"}
_SKIPPED = {"MakerNote", "PrintImageMatching", "ExifOffset", "GPSInfo", "UserComment"}
# https://cv.iptc.org/newscodes/digitalsourcetype/ ; C2PA 2.x adds its own under c2pa.org
_SOURCE_TYPE = re.compile(rb"digitalsourcetype/([A-Za-z]{3,60})")
# What image generators leave behind: text chunk names, and words of their settings in EXIF or XMP.
_GENERATOR_KEYS = frozenset(
    {
        "parameters", "prompt", "workflow", "generation_data",  # A1111 and its kin, ComfyUI, hosted ones
        "Dream", "sd-metadata", "invokeai_metadata", "invokeai_graph", "invokeai_workflow",
        "fooocus_scheme",
    }
)  # fmt: skip
_GENERATOR_WORDS = re.compile(
    rb"mflux_version|sui_image_params|Steps: \d+, Sampler: |Negative prompt: "
    rb'|"fooocus_scheme"|"class_type": ?"KSampler'
)
_WIDE = 1 << 17  # bytes at each end in which settings may stand as UTF-16 (EXIF UserComment)
GENERATOR_SETTINGS = "generatorSettings"


def exif_of(image: Image.Image) -> dict[str, Plain]:
    """EXIF by tag name (GPS and Exif folders as nested mappings); {} when absent or unreadable."""
    try:
        exif = image.getexif()
        plain = _named(exif.items(), ExifTags.TAGS)
        for number, name in _IFDS.items():
            inner = _named(exif.get_ifd(number).items(), ExifTags.GPSTAGS if name == "GPS" else ExifTags.TAGS)
            if inner:
                plain[name] = inner
        return plain
    except Exception:  # noqa: BLE001 - a door: the least tested parser of all, and no loss worth a refusal
        return {}


def _named(items: Iterable[tuple[int, object]], names: Mapping[int, str]) -> dict[str, Plain]:
    plain: dict[str, Plain] = {}
    for tag, value in items:
        name = names.get(tag)
        if name is None or name in _SKIPPED or len(plain) >= MAX_TAGS:
            continue
        plain[name] = _plain(value)
    return plain


def _plain(value: object) -> Plain:
    """One value, made harmless. Rationals become floats; 0/0 and infinities become None."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else None
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, bytes):
        return visible(value.decode("latin-1"))
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value[:MAX_ITEMS]]
    return _finite(value)


def _finite(value: object) -> float | None:
    """A rational or float as a finite number, else None."""
    try:
        number = float(value)  # type: ignore[arg-type]  # IFDRational, float, or something unforeseen
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def visible(text: str) -> str:
    """At most MAX_TEXT characters, none of them control, format, surrogate or private."""
    kept = (char for char in text[: MAX_TEXT * 2] if unicodedata.category(char)[0] != "C")
    return "".join(kept)[:MAX_TEXT].strip()


def source_types(data: bytes, image: Image.Image) -> list[str]:
    """IPTC digital source types named anywhere in the file, raw or in text that Pillow unpacked.

    "generatorSettings" stands for an image generator's prompt or settings found there.
    """
    texts = [data, data[:_WIDE].replace(b"\0", b""), data[-_WIDE:].replace(b"\0", b"")]
    for value in image.info.values():
        if isinstance(value, bytes):
            texts.append(value)
        elif isinstance(value, str):
            texts.append(value.encode("utf-8", "replace"))
    found = {match.decode("ascii") for text in texts for match in _SOURCE_TYPE.findall(text)}
    if _GENERATOR_KEYS & image.info.keys() or any(_GENERATOR_WORDS.search(text) for text in texts):
        found.add(GENERATOR_SETTINGS)
    return sorted(found)[:MAX_ITEMS]
