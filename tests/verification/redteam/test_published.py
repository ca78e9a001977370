"""Published lines: a later run takes them up instead of making them, and the same figures come of them."""

from __future__ import annotations

import json
import lzma
import shutil
from pathlib import Path

import pytest

from tests.servers import ROOT
from verification.calibration import report_page, samples
from verification.redteam import command, runner
from verification.redteam.lines import Line
from verification.redteam.published import take_up


def asked(folder: Path, name: str, *more: str) -> list[str]:
    wanted = ["--family", "bomb", "honest_t0", "--n", "2", "--jobs", "1", "--seed", "3"]
    return [*wanted, "--cache", str(folder / name), "--json", str(folder / f"{name}.json"), *more]


def test_published_lines_are_taken_up_elsewhere_and_tell_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "lines.jsonl.xz"
    told = command.main(asked(tmp_path, "here", "--publish", str(file)))
    written = file.read_bytes()

    def none_is_made(job: runner.Job) -> list[Line]:
        raise AssertionError(f"{job.name} is made anew")

    monkeypatch.setattr(runner, "_work", none_is_made)
    again = asked(tmp_path, "there", "--take-up", str(file), "--publish", str(file))
    assert command.main(again) == told
    assert json.loads((tmp_path / "there.json").read_text()) == json.loads(
        (tmp_path / "here.json").read_text()
    )
    assert file.read_bytes() == written

    own = samples.read([tmp_path / "here"])
    assert [(one.id, one.verdict, one.p_genuine) for one in samples.read([file])] == [
        (one.id, one.verdict, one.p_genuine) for one in own
    ]
    assert len(own) == 4


def test_what_a_cache_holds_counts_before_what_is_taken_up(tmp_path: Path) -> None:
    file, cache = tmp_path / "lines.jsonl.xz", tmp_path / "cache"
    command.main(asked(tmp_path, "cache", "--publish", str(file)))
    before = (cache / "bomb.jsonl").read_text()
    for _ in range(2):
        take_up(file, cache)
        assert (cache / "bomb.jsonl").read_text().endswith(before)
    held = (cache / "bomb.jsonl").read_text().splitlines()
    assert len(held) == len(set(held)) == 4, "two lines with facts, two without"


@pytest.mark.parametrize("family", ["../../escaped", "/escaped", "no_such", 7])
def test_a_line_of_no_family_of_ours_names_no_file(tmp_path: Path, family: object) -> None:
    file = tmp_path / "lines.jsonl.xz"
    command.main(asked(tmp_path, "cache", "--publish", str(file)))
    first = json.loads(lzma.decompress(file.read_bytes()).splitlines()[0])
    file.write_bytes(lzma.compress(json.dumps(first | {"family": family}).encode()))
    with pytest.raises(ValueError, match="is no family"):
        take_up(file, tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "spoilt",
    [b"no xz", lzma.compress(b"{}\n"), lzma.compress(b"x" * 9)[:-12], lzma.compress(b"{")],
)
def test_what_is_no_file_of_lines_is_said(tmp_path: Path, spoilt: bytes) -> None:
    file = tmp_path / "lines.jsonl.xz"
    file.write_bytes(spoilt)
    with pytest.raises(ValueError, match=r"lines\.jsonl\.xz"):
        take_up(file, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    if spoilt[:2] == b"no":
        with pytest.raises(ValueError, match=r"lines\.jsonl\.xz"):
            samples.read([file])


def test_the_page_is_what_the_published_lines_give(tmp_path: Path) -> None:
    """Whoever doubts a figure reckons it again, from docs alone."""
    docs = ROOT / "docs"
    shutil.copy(docs / "verification.md", tmp_path)  # what is written by hand below is kept
    files = [docs / "verification" / name for name in ("lines.jsonl.xz", "bars.json")]
    asked = ["--samples", str(files[0]), "--summary", str(files[1]), "--out"]
    assert report_page.main([*asked, str(tmp_path / "verification.md")]) == 0
    drawn = [path.name for path in (tmp_path / "verification").iterdir()]
    assert sorted(drawn) == ["honest.svg", "reliability.svg", "roc.svg"]
    for name in ("verification.md", *(f"verification/{one}" for one in drawn)):
        assert (tmp_path / name).read_text() == (docs / name).read_text(), name
    ids = [one.id for one in samples.read(files[:1])]
    assert len(ids) == len(lzma.decompress(files[0].read_bytes()).splitlines()), "each capture stands once"
