"""HEIC and AVIF through the real children: the same picture as a JPEG's, upright, one still, nothing else."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pillow_heif
import pytest
from PIL import Image

from tests.assets import boxed, build
from tests.fakes.seeing import BlindEngine
from tests.verification import stage
from tests.verification.authority import found
from verification.case import Case
from verification.checks.metadata import metadata
from verification.decoding import limits
from verification.decoding.heif import form_of, judge
from verification.decoding.refusal import Refused
from verification.evidence import Status
from verification.film import is_film
from verification.picture import Decoder, Undecodable
from verification.recall import Looks

FORMS = {"heic": "HEIC", "avif": "AVIF"}
both = pytest.mark.parametrize("name", FORMS)


def psnr(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """Likeness of two pictures of one size, decibels."""
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))


def turned(degrees: int = 270) -> npt.NDArray[np.uint8]:
    """The scene, turned against the clock."""
    return np.asarray(build.scene(*boxed.SIZE).rotate(degrees, expand=True))


@pytest.mark.parametrize(
    "file", ["honest.heic", "tiles.heic", "ten_bit.heic", "generic_brand.heic", "honest.avif", "ten_bit.avif"]
)
def test_the_same_picture_as_a_jpeg(decoder: Decoder, file: str) -> None:
    picture = decoder.open(build.make(file))
    jpeg = decoder.open(build.encoded(build.scene(*boxed.SIZE), quality=95))
    assert picture.format == FORMS[file.rpartition(".")[2]]
    assert (picture.width, picture.height, picture.trailing_bytes) == (320, 240, 0)
    assert psnr(picture.rgb, jpeg.rgb) > 30


def test_what_phones_write_is_a_grid_and_a_tile_alone_is_not_it(decoder: Decoder) -> None:
    assert b"grid" in boxed.tiles()
    assert decoder.open(boxed.tiles()).rgb.shape == (240, 320, 3)


@both
def test_grey_and_opaque(decoder: Decoder, name: str) -> None:
    grey = decoder.open(build.make(f"grey.{name}")).rgb
    assert psnr(grey, np.asarray(build.scene(*boxed.SIZE).convert("L").convert("RGB"))) > 30
    assert decoder.open(build.make(f"opaque_alpha.{name}")).rgb.shape == (240, 320, 3)


@both
@pytest.mark.parametrize("how", ["turned", "turned_twice_said"])
def test_turned_once_as_its_boxes_say(decoder: Decoder, name: str, how: str) -> None:
    """Phones say it twice, in `irot` and in EXIF."""
    data = build.make(f"{how}.{name}")
    assert b"irot" in data
    assert psnr(decoder.open(data).rgb, turned()) > 30
    copy = decoder.derive(data)
    assert (copy.width, copy.height) == (240, 320)


@both
@pytest.mark.parametrize("how", ["turned_by_exif_alone", "turned_by_xmp_alone"])
def test_not_turned_by_what_does_not_count(decoder: Decoder, name: str, how: str) -> None:
    data = build.make(f"{how}.{name}")
    assert b"irot" not in data
    assert psnr(decoder.open(data).rgb, turned(0)) > 30


@both
def test_metadata_reads_as_from_a_jpeg(decoder: Decoder, name: str) -> None:
    jpeg = decoder.open(build.encoded(build.scene(*boxed.SIZE), exif=boxed.exif())).exif
    boxed_exif = decoder.open(build.make(f"honest.{name}")).exif
    assert boxed_exif["Make"] == "Maker"
    for tag in ("Make", "Model", "Exif", "GPS"):
        assert boxed_exif[tag] == jpeg[tag], tag
    case = Case(stage.photo(build.make(f"honest.{name}")), stage.tools(decoder))
    case.picture = decoder.open(build.make(f"honest.{name}"))
    changed = boxed.changed(build.make(f"honest.{name}"), b"2026:06:21 12:00:40", b"2021:06:21 12:00:40")
    assert metadata(case).status is Status.ABSTAIN
    case.picture = decoder.open(changed)
    assert metadata(case).reason == "another_day"


@both
def test_provenance(decoder: Decoder, name: str) -> None:
    declared = decoder.provenance(build.make(f"ai_declared_in_xmp.{name}"), "")
    assert declared.declared == ("trainedAlgorithmicMedia",)
    assert declared.state == "none"
    maker = found()
    signed = maker.sign(build.make(f"honest.{name}"), media_type=limits.MEDIA_TYPES[FORMS[name]])
    assert decoder.open(signed).trailing_bytes == 0, "the manifest has a box of its own"
    assert decoder.provenance(signed, maker.root_pem.decode()).state == "Trusted"
    edited = boxed.changed(signed, b"GREENWICH", b"GREENWICK")
    assert decoder.provenance(edited, maker.root_pem.decode()).state == "Invalid"


@both
def test_grain(decoder: Decoder, name: str) -> None:
    grain = decoder.grain(build.make(f"honest.{name}"))
    assert (grain.format, grain.tables) == (FORMS[name], ())
    assert grain.ycbcr.shape == (240, 320, 3)
    scene = np.asarray(build.scene(*boxed.SIZE).convert("YCbCr"))
    assert psnr(grain.ycbcr[..., 0], scene[..., 0]) > 30


@both
def test_the_buyers_copy_is_a_jpeg_that_tells_nothing(decoder: Decoder, name: str) -> None:
    data = build.make(f"private.{name}")
    traces = (build.NAME_CANARY, build.SERIAL_CANARY, build.GPS_CANARY, "Phone 7")
    assert all(trace.encode() in data for trace in traces), "the test would prove nothing"
    copy = decoder.derive(data)
    assert copy.media_type == "image/jpeg"
    assert Image.open(io.BytesIO(copy.data)).format == "JPEG"
    assert not any(trace.encode() in copy.data for trace in (*traces, "Exif", "ftyp"))


def test_what_belongs_to_the_picture_is_no_second_one(decoder: Decoder) -> None:
    for file in ("thumbnailed.heic", "hidden_second.heic"):
        assert psnr(decoder.open(build.make(file)).rgb, turned(0)) > 30
    several = build.make("animated.heic")
    with pytest.raises(Undecodable, match="animated"):
        decoder.open(several)


@both
def test_an_earlier_capture_may_be_one(decoder: Decoder, name: str) -> None:
    """Both begin as an MP4 does, and would be looked at as films."""
    data = build.make(f"honest.{name}")
    assert not is_film(data)
    assert is_film(build.make("film_named.avif"))
    (seen,) = Looks(decoder, BlindEngine()).of("0" * 64, data)
    assert seen.residue is not None


def test_heic_has_a_child_of_its_own() -> None:
    """The other one neither holds libheif nor may start a thread."""
    with Decoder() as decoder:
        decoder.open(build.make("honest.avif"))
        assert decoder.heics().pid is None, "not started for an AVIF"
        decoder.open(build.make("honest.heic"))
        other = decoder.heics()
        assert other.pid not in {None, decoder.pid}
        assert other.sandbox == decoder.sandbox
        mapped = [Path(f"/proc/{pid}/maps").read_text() for pid in (decoder.pid, other.pid)]
        assert ["libde265" in text for text in mapped] == [False, True]
        first = other.pid
    assert not Path(f"/proc/{first}").exists(), "closed with its keeper"


def test_mutants_never_end_the_child() -> None:
    """As of the other forms, in tests/verification/test_picture.py."""
    with Decoder() as decoder:
        generator = random.Random(20261127)
        sound = [build.make(name) for name in ("honest.heic", "tiles.heic")]
        decoder.open(sound[0])
        first, refused = decoder.heics().pid, 0
        for number in range(200):
            data = bytearray(sound[number % 2])
            for _ in range(generator.randint(1, 12)):
                data[generator.randrange(32, min(len(data), 3_000))] = generator.randrange(256)
            try:
                decoder.open(bytes(data))
            except Undecodable:
                refused += 1
        assert decoder.heics().pid == first
        assert 20 < refused < 200


def test_forms_are_told_by_brands() -> None:
    def brands(*names: bytes) -> bytes:
        return boxed.box(b"ftyp", names[0] + bytes(4) + b"".join(names[1:])) + bytes(8)

    assert form_of(brands(b"heic", b"mif1")) == form_of(brands(b"mif1", b"miaf", b"heix")) == "HEIC"
    assert form_of(brands(b"avif")) == form_of(brands(b"mif1", b"avif")) == "AVIF"
    for other in (b"isom", b"qt  ", b"mp42", b"crx ", b"mif1"):
        assert form_of(brands(other, b"isom")) == ""
    assert form_of(brands(b"isom", b"heic")) == "", "a film that also claims to be a picture"
    assert form_of(brands(b"heic")[:12]) == form_of(b"") == form_of(build.make("honest.jpg")) == ""


def test_bombs_are_refused_before_a_decoder_sees_them() -> None:
    """By `judge` alone: libheif and libavif would come later."""
    for file, reason in {
        "bomb_claimed_size.heic": "too_many_pixels",
        "bomb_claimed_size.avif": "too_many_pixels",
        "heavy_tiles.heic": "too_many_pixels",
        "a_million_tiles.heic": "too_many_parts",
        "crowd_of_properties.avif": "too_many_parts",
        "still_of_jpeg.heic": "unknown_format",
        "grid_of_itself.heic": "unknown_format",
        "animated.heic": "animated",
        "animated.avif": "animated",
        "with_a_track.avif": "animated",
        "truncated.avif": "broken",
        "box_of_size_seven.heic": "broken",
        "two_metas.heic": "broken",
    }.items():
        data = build.make(file)
        with pytest.raises(Refused) as refusal:
            judge(data, form_of(data))
        assert refusal.value.args[0] == reason, file


def test_a_mute_thumbnail_never_stands_for_the_picture(decoder: Decoder) -> None:
    data = boxed.broken_but_for_its_thumbnail()
    with_thumbnail = pillow_heif.open_heif(io.BytesIO(data))
    assert with_thumbnail.info["thumbnails"], "the test would prove nothing"
    with pytest.raises(Undecodable, match="broken"):
        decoder.open(data)
