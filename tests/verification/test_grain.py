"""The cut at native resolution: as stored, on the file's own grid, decoded once, refused like the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.assets.build import encoded, make, scene
from tests.verification import stage
from verification.case import Case
from verification.picture import Decoder, Grain, Undecodable


def test_the_middle_neither_scaled_nor_turned(decoder: Decoder) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    large = scene(3000, 2000)
    grain = decoder.grain(encoded(large, quality=98, subsampling=0, exif=exif.tobytes()))
    assert (grain.width, grain.height, grain.ycbcr.shape) == (3000, 2000, (1024, 1024, 3))
    assert grain.left % 8 == grain.top % 8 == 0
    assert abs(grain.left - (3000 - 1024) // 2) < 8
    cut = large.convert("L").crop((grain.left, grain.top, grain.left + 1024, grain.top + 1024))
    assert np.abs(grain.luminance - np.asarray(cut, np.float32)).mean() < 1


def test_tables_are_a_jpegs_own(decoder: Decoder) -> None:
    image = scene(600, 500)
    assert decoder.grain(encoded(image, "PNG")).tables == ()
    coarse, fine = (decoder.grain(encoded(image, quality=q)).tables[0] for q in (50, 95))
    assert coarse[0, :3].tolist() == [16, 11, 10], "annex K, table K.1, in rows"
    assert coarse[1, 0] == 12
    assert (fine <= coarse).all()


def test_every_odd_file_is_cut_or_refused(decoder: Decoder, assets: dict[str, Path]) -> None:
    for name, path in assets.items():
        try:
            grain = decoder.grain(path.read_bytes())
        except Undecodable:
            continue
        height, width = grain.ycbcr.shape[:2]
        assert height % 8 == width % 8 == 0, name
        assert max(height, width) <= 1024, name


def test_a_case_decodes_it_once(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = Decoder.grain

    def counted(self: Decoder, data: bytes) -> Grain:
        asked.append(len(data))
        return real(self, data)

    monkeypatch.setattr(Decoder, "grain", counted)
    for media in (make("honest.jpg"), make("text.jpg")):
        case = Case(stage.photo(media), stage.tools(decoder))
        assert case.grain() is case.grain()
    assert len(asked) == 2
