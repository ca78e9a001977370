"""The decoder against hostile bytes: refused with a reason, never a crash, never a hang, never a leak."""

from __future__ import annotations

import gc
import io
import os
import random
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import Unavailable
from tests.assets import boxed, build
from tests.verification import stage
from verification.case import Case
from verification.checks.decode import decode
from verification.decoding import limits
from verification.evidence import Status
from verification.picture import Decoder, Undecodable

REFUSED = {
    "truncated.jpg": "broken",
    "truncated.png": "broken",
    "header_only.jpg": "broken",
    "empty.jpg": "empty_file",
    "text.jpg": "unknown_format",
    "gif_named.jpg": "unknown_format",
    "tiff_named.jpg": "unknown_format",
    "bmp_named.png": "unknown_format",
    "bomb_169_megapixels.png": "too_many_pixels",
    "bomb_400_megapixels_one_bit.png": "too_many_pixels",
    "bomb_claimed_size.jpg": "too_many_pixels",
    "bomb_of_scans.jpg": "too_many_scans",
    "bomb_text_chunk.png": "broken",
    "wide_line.png": "too_small",
    "one_pixel.png": "too_small",
    "animated.png": "animated",
    "animated.webp": "animated",
    "transparent.png": "transparent",
    "transparent_palette.png": "transparent",
    **boxed.REFUSED,
}
TAILS = {
    "polyglot_zip.jpg",
    "polyglot_html.png",
    "polyglot_zip.webp",
    "second_jpeg_behind.jpg",
    "preview_listed_and_zip.jpg",
    *boxed.TAILS,
}


def resident(decoder: Decoder) -> int:
    """Bytes of memory the child holds."""
    return int(Path(f"/proc/{decoder.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_refused_with_its_reason(decoder: Decoder, assets: dict[str, Path], name: str, reason: str) -> None:
    with pytest.raises(Undecodable) as refusal:
        decoder.open(assets[name].read_bytes())
    assert refusal.value.reason == reason


def test_everything_else_is_decoded_and_tails_are_seen(decoder: Decoder, assets: dict[str, Path]) -> None:
    for name, path in assets.items():
        if name in REFUSED:
            continue
        picture = decoder.open(path.read_bytes())
        assert picture.rgb.dtype == np.uint8, name
        assert picture.rgb.shape[2] == 3, name
        assert bool(picture.trailing_bytes) == (name in TAILS), name


@pytest.mark.parametrize("name", ["honest.webp", "honest.heic", "honest.avif", *REFUSED, *sorted(TAILS)])
def test_the_decode_check(decoder: Decoder, assets: dict[str, Path], name: str) -> None:
    case = Case(stage.photo(assets[name].read_bytes()), stage.tools(decoder))
    outcome = decode(case)
    expected = REFUSED.get(name, "polyglot" if name in TAILS else "decoded")
    assert outcome.reason == expected
    assert (case.picture is not None) == (outcome.status is Status.OK) == (expected == "decoded")


def test_a_bomb_costs_no_memory(decoder: Decoder, assets: dict[str, Path]) -> None:
    """The 481 KB, 169-megapixel PNG that Pillow alone only warns about."""
    bomb = assets["bomb_169_megapixels.png"].read_bytes()
    assert len(bomb) < 520_000
    decoder.open(build.make("honest.jpg"))
    child, before = decoder.pid, resident(decoder)
    with pytest.raises(Undecodable):
        decoder.open(bomb)
    assert decoder.pid == child, "refused by its header, the child lives"
    assert resident(decoder) - before < 20_000_000


def test_pixels_beyond_the_memory_limit_are_refused() -> None:
    with Decoder(memory_bytes=160_000_000) as small:
        with pytest.raises(Undecodable) as refusal:
            small.open(build.zeros_png(7_000, 7_000))
        assert refusal.value.reason in {"out_of_memory", "broken"}
        assert small.open(build.make("honest.jpg")).width == 320


def test_too_many_bytes_never_reach_the_child(decoder: Decoder) -> None:
    with pytest.raises(Undecodable, match="too_many_bytes"):
        decoder.open(bytes(limits.MAX_BYTES + 1))


def test_cpu_seconds_are_limited() -> None:
    """290 KB that take seconds, under a limit of no whole second beyond the one started."""
    costly = build.many_scans(90, 7_000)
    with Decoder(cpu_s=0) as hasty:
        with pytest.raises(Undecodable, match="too_costly"):
            hasty.open(costly)
        assert hasty.open(build.make("honest.jpg")).width == 320


def test_killed_in_mid_job_is_tried_again(assets: dict[str, Path]) -> None:
    with Decoder() as decoder:
        decoder.open(assets["honest.jpg"].read_bytes())
        first = decoder.pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)  # so that the job surely is under way when the kill comes
        threading.Timer(0.3, os.kill, (first, signal.SIGKILL)).start()
        assert decoder.open(assets["honest.jpg"].read_bytes()).width == 320
        assert decoder.pid != first


def test_a_child_that_hangs_is_replaced() -> None:
    with Decoder(timeout_s=2.0) as decoder:
        decoder.open(build.make("honest.jpg"))
        first = decoder.pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        with pytest.raises(Unavailable):
            decoder.open(build.make("honest.jpg"))
        assert not Path(f"/proc/{first}").exists()
        assert decoder.open(build.make("honest.jpg")).width == 320


def test_a_forked_process_starts_its_own_child(assets: dict[str, Path]) -> None:
    """Celery's prefork pool inherits whatever its parent had opened."""
    data = assets["honest.jpg"].read_bytes()
    with Decoder() as decoder:
        decoder.open(data)
        first = decoder.pid
        forked = os.fork()
        if forked == 0:
            sound = decoder.open(data).width == 320 and decoder.pid not in {None, first}
            decoder.close()
            os._exit(0 if sound else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]) == 0
        assert decoder.open(data).width == 320
        assert decoder.pid == first


def test_a_child_retires_after_its_jobs() -> None:
    with Decoder(jobs_per_child=2) as decoder:
        pids = {decoder.open(build.make("honest.jpg")) and decoder.pid for _ in range(5)}
    assert len(pids) == 3


def test_threads_share_one_decoder(decoder: Decoder) -> None:
    pictures = {seed: build.encoded(build.scene(200 + seed, 150, seed=seed)) for seed in range(12)}
    widths: dict[int, int] = {}

    def work(seed: int) -> None:
        widths[seed] = decoder.open(pictures[seed]).width

    threads = [threading.Thread(target=work, args=(seed,)) for seed in pictures]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert widths == {seed: 200 + seed for seed in pictures}


def test_no_child_is_left_behind() -> None:
    decoder = Decoder()
    decoder.open(build.make("honest.jpg"))
    pid = decoder.pid
    assert pid is not None
    del decoder
    gc.collect()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()


def test_the_child_inherits_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTCHECK_SEAL_KEY", "secret-canary")
    with Decoder() as decoder:
        decoder.open(build.make("honest.jpg"))
        environment = Path(f"/proc/{decoder.pid}/environ")
        assert b"secret-canary" not in environment.read_bytes()


def test_mutants_never_end_the_child() -> None:
    """300 files with a few bytes changed: every one is a picture or a refusal, from one child."""
    with Decoder() as decoder:  # its own: one that many tests share is replaced after so many jobs
        generator = random.Random(20261123)
        decoder.open(build.make("honest.jpg"))
        first, refused = decoder.pid, 0
        names = ("honest.jpg", "honest.webp", "preview_listed.jpg", "honest.avif")
        sound = [build.make(name) for name in names]
        for number in range(300):
            data = bytearray(sound[number % len(sound)])
            for _ in range(generator.randint(1, 12)):
                data[generator.randrange(min(len(data), 700))] = generator.randrange(256)
            try:
                decoder.open(bytes(data))
            except Undecodable:
                refused += 1
        assert decoder.pid == first
        assert 30 < refused < 290


def test_upright_as_exif_says(decoder: Decoder, assets: dict[str, Path]) -> None:
    turned = decoder.open(assets["turned_by_exif.jpg"].read_bytes())
    assert (turned.width, turned.height) == (320, 240)
    assert turned.rgb.shape == (320, 240, 3)
    upright = np.asarray(
        Image.open(io.BytesIO(build.encoded(build.scene()))).transpose(Image.Transpose.ROTATE_270)
    )
    assert np.abs(turned.rgb.astype(int) - upright).mean() < 8


def test_large_pictures_are_scaled(decoder: Decoder) -> None:
    picture = decoder.open(build.encoded(build.scene(4000, 3000)))
    assert (picture.width, picture.height) == (4000, 3000)
    assert picture.rgb.shape == (1200, 1600, 3)
    assert not picture.rgb.flags.writeable


def test_sixteen_bits_keep_their_range(decoder: Decoder, assets: dict[str, Path]) -> None:
    ramp = decoder.open(assets["sixteen_bit.png"].read_bytes()).rgb
    assert ramp.min() < 5
    assert ramp.max() > 250
    assert 110 < ramp.mean() < 145


def test_hostile_exif_comes_out_harmless(decoder: Decoder, assets: dict[str, Path]) -> None:
    exif = decoder.open(assets["hostile_exif.jpg"].read_bytes()).exif
    make = exif["Make"]
    assert isinstance(make, str)
    assert len(make) <= 200
    assert make.isprintable()
    assert exif["XResolution"] is None
    assert exif["GPS"] == {"GPSLatitude": [None, None, 2147483648.0]}


@pytest.mark.parametrize("name", ["private_metadata.jpg", "private_metadata.png"])
def test_the_buyers_copy_tells_nothing(decoder: Decoder, assets: dict[str, Path], name: str) -> None:
    original = assets[name].read_bytes()
    canaries = [build.SERIAL_CANARY, build.NAME_CANARY] + ([build.GPS_CANARY] if name.endswith("jpg") else [])
    assert all(canary.encode() in original for canary in canaries), "the test would prove nothing"
    derivative = decoder.derive(original)
    for trace in (*canaries, "Exif", "GPS", "http", "Photoshop", "xmp", "Maker"):
        assert trace.encode() not in derivative.data
    copy = Image.open(io.BytesIO(derivative.data))
    assert copy.format == "JPEG"
    assert not copy.getexif()
    assert (derivative.width, derivative.height) == copy.size


def test_the_buyers_copy_is_bounded_upright_and_one_file(decoder: Decoder, assets: dict[str, Path]) -> None:
    large = decoder.derive(build.encoded(build.scene(4000, 3000)))
    assert (large.width, large.height) == (2000, 1500), "decoded at half size, which is enough"
    odd = decoder.derive(build.encoded(build.scene(3000, 2250)))
    assert (odd.width, odd.height) == (2048, 1536)
    turned = decoder.derive(assets["turned_by_exif.jpg"].read_bytes())
    assert (turned.width, turned.height) == (240, 320)
    assert b"payload.sh" not in decoder.derive(assets["polyglot_zip.jpg"].read_bytes()).data
