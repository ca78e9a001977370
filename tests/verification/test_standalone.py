"""The verifier outside the market, whole: real decoder, nets and reader, contexts from files, lines out."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench.mutants import film
from market.simulator.camera import render
from tests.assets.build import make
from tests.verification import stage
from tests.verification.eyes import sample
from verification.__main__ import COMMANDS
from verification.__main__ import main as command
from verification.context import Earlier, load
from verification.evidence import Json
from verification.matching import pdq
from verification.picture import Decoder
from verification.recall import Looks, Recall
from verification.signing import canonical
from verification.standalone import Standalone, judge, main

NONCE = "5f" * 32


@pytest.fixture(scope="module")
def standalone() -> Iterator[Standalone]:
    with Standalone(device="cpu") as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("contexts")
    (made / "photo.jpg").write_bytes(render(sample("coffee"), code="K7M4XP", seed=3).jpeg)
    photo = np.asarray(Image.open(made / "photo.jpg"))
    Image.fromarray(photo[40:, 60:]).save(made / "crop.jpg", quality=80)
    Image.fromarray(sample("chelsea")).save(made / "other.jpg", quality=90)
    (made / "broken.jpg").write_bytes(make("truncated.jpg"))
    return made


def honest(folder: Path) -> dict[str, Json]:
    """A T0 context, signed, with its code in the scene."""
    key = stage.new_key()
    said: dict[str, Json] = {
        "nonce": NONCE,
        "sha256": hashlib.sha256((folder / "photo.jpg").read_bytes()).hexdigest(),
        "captured_at": "2026-06-21T12:00:41Z",
        "lat": 51.4779,
        "lon": -0.0017,
        "accuracy_m": 12.0,
        "public_key": base64.b64encode(stage.spki(key)).decode(),
    }
    said["signature"] = base64.b64encode(stage.sign(key, canonical(said).encode())).decode()
    challenge: Json = {"type": "qr", "expected": "K7M4XP"}
    return {
        "file": "photo.jpg",
        "bounty": {"lat": 51.47781, "lon": -0.00148, "radius_m": 150, "tier": "T0", "reward_micros": 500_000},
        "claim": {
            "nonce": NONCE,
            "issued_at": "2026-06-21T12:00:00Z",
            "expires_at": "2026-06-21T12:10:00Z",
            "challenge": challenge,
        },
        "statement": said,
        "received_at": "2026-06-21T12:00:44Z",
        "account": {"id": "a1"},
        "memory": [{"path": "other.jpg", "account": "a2", "lat": 51.4778, "lon": -0.0014}],
    }


def judged(standalone: Standalone, folder: Path, value: dict[str, Json]) -> dict[str, Json]:
    path = folder / "context.json"
    path.write_text(json.dumps(value))
    return judge(standalone, path)


def finding(said: dict[str, Json], name: str) -> dict[str, Json]:
    findings = said["findings"]
    assert isinstance(findings, list)
    return next(item for item in findings if isinstance(item, dict) and item["check"] == name)


def test_copies_are_made_where_somebody_is_handed_them(folder: Path, standalone: Standalone) -> None:
    (folder / "copies.json").write_text(json.dumps(honest(folder)))
    context = load(folder / "copies.json")
    assert standalone.examine(context).derivatives == ()
    with Standalone(device="cpu", copies=True) as handing_out:
        told = handing_out.examine(context)
    assert len(told.derivatives) == 1
    assert [found.check for found in told.findings][-1] == "derivative"


def test_an_honest_capture_is_accepted(standalone: Standalone, folder: Path) -> None:
    said = judged(standalone, folder, honest(folder))
    assert (said["verdict"], said["reasons"]) == ("accept", [])
    assert set(said) == {
        "context", "verdict", "p_genuine", "interval", "p_answer", "frauds", "reasons", "findings",
        "calibration", "models", "engine", "ms",
    }  # fmt: skip
    assert finding(said, "session")["reason"] == "session_sound"
    assert finding(said, "challenge")["reason"] == "code_seen"
    assert finding(said, "duplicate")["facts"] == {"compared": 1}
    assert set(finding(said, "place")) == {
        "check", "version", "family", "status", "llr", "reason", "facts", "ms",
    }  # fmt: skip
    assert json.loads(json.dumps(said, allow_nan=False)) == said


def test_one_byte_more_and_it_is_refused(standalone: Standalone, folder: Path) -> None:
    (folder / "edited.jpg").write_bytes((folder / "photo.jpg").read_bytes() + b"\x00")
    said = judged(standalone, folder, {**honest(folder), "file": "edited.jpg"})
    assert (said["verdict"], said["reasons"]) == ("reject", ["media_not_as_signed"])


@pytest.mark.parametrize("earlier", ["photo.jpg", "crop.jpg"])
def test_what_was_seen_before_is_not_accepted(standalone: Standalone, folder: Path, earlier: str) -> None:
    """The earlier capture's place is not known, and still it is found."""
    said = judged(standalone, folder, {**honest(folder), "memory": [{"path": earlier}]})
    assert said["verdict"] == "reject"
    reason = "same_bytes" if earlier == "photo.jpg" else "copy_of_earlier"
    assert finding(said, "duplicate")["reason"] == reason


def test_one_context_remembers_nothing_of_another(standalone: Standalone, folder: Path) -> None:
    for _ in range(2):
        assert judged(standalone, folder, honest(folder))["verdict"] == "accept"


@pytest.mark.parametrize(
    ("absent", "missing"),
    [("statement", "session"), ("claim", "session"), ("bounty", "place"), ("file", "integrity")],
)
def test_what_is_missing_is_never_accepted(
    standalone: Standalone, folder: Path, absent: str, missing: str
) -> None:
    context = {key: value for key, value in honest(folder).items() if key != absent}
    said = judged(standalone, folder, context)
    if absent == "file":  # its hash was signed, and nothing of that hash came
        assert (said["verdict"], said["reasons"]) == ("reject", ["media_not_as_signed"])
        context = {key: value for key, value in context.items() if key != "statement"}
        said = judged(standalone, folder, context)
    assert said["verdict"] == "review"
    assert isinstance(said["reasons"], list)
    assert f"missing_{missing}" in said["reasons"]


def test_motion_does_not_stand_for_a_picture(standalone: Standalone, folder: Path) -> None:
    (folder / "motion.csv").write_text("t,gx,gy,gz,ax,ay,az\n0,0,0,0,0,9.8,0\n0.1,0,0,0,0,9.8,0\n")
    context = {key: value for key, value in honest(folder).items() if key not in {"file", "statement"}}
    said = judged(standalone, folder, context | {"motion": "motion.csv"})
    assert said["verdict"] == "review"
    assert "missing_integrity" in str(said["reasons"])


def test_an_empty_context_is_reviewed(standalone: Standalone, folder: Path) -> None:
    said = judged(standalone, folder, {})
    assert (said["verdict"], said["p_answer"]) == ("review", None)
    assert said["reasons"] == ["missing_duplicate", "missing_integrity", "missing_place", "missing_session"]


UNREADABLE = {  # what the decoder says of each
    "broken.jpg": "broken",
    "x.tif": "unknown_format",
    "x.gif": "unknown_format",
    "alpha.png": "transparent",
    "animated.webp": "animated",
    "junk.jpg": "unknown_format",
    "empty.jpg": "empty_file",
    "cut.mp4": "truncated",
}


def unreadable(folder: Path) -> None:
    """Copies of the photo, and others, that nothing here can decode."""
    photo = Image.open(folder / "photo.jpg")
    photo.save(folder / "x.tif")
    photo.save(folder / "x.gif")
    clear = photo.resize((320, 240)).convert("RGBA")
    clear.putalpha(128)
    clear.save(folder / "alpha.png")
    small = photo.resize((320, 240))
    small.save(folder / "animated.webp", save_all=True, append_images=[small.rotate(90)])
    (folder / "junk.jpg").write_bytes(b"no picture" * 99)
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "cut.mp4").write_bytes(film("h264")[:9_000])


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("key", ["memory", "references", "examples"])
def test_a_picture_to_compare_with_that_cannot_be_read_is_told(
    standalone: Standalone, folder: Path, key: str, name: str
) -> None:
    """It was skipped, and a copy of it accepted."""
    if not (folder / name).exists() or not (folder / "cut.mp4").exists():
        unreadable(folder)
    memory: list[Json] = [{"path": "other.jpg"}, {"path": name}]
    pictures: list[Json] = ["other.jpg", name]
    said = judged(standalone, folder, {**honest(folder), key: memory if key == "memory" else pictures})
    assert set(said) == {"context", "error"}
    error = said["error"]
    assert isinstance(error, dict)
    place = "memory[1].path" if key == "memory" else f"{key}[1]"
    films = key != "memory" and name == "cut.mp4"
    reason = "unknown_format" if films else UNREADABLE[name]
    assert (error["code"], error["at"], error["reason"]) == ("BadInput", place, reason)
    assert "docs/examine.md" in str(error["hint"])


@pytest.mark.parametrize("name", ["memory_1", "memory_test.json", "memory_1.json", "memory"])
def test_no_name_of_a_context_is_that_of_an_earlier_capture(
    standalone: Standalone, folder: Path, name: str
) -> None:
    """It took the look of the first earlier one for its own, or ended in a traceback."""
    plain = judged(standalone, folder, honest(folder))
    (folder / name).write_text(json.dumps(honest(folder)))
    said = judge(standalone, folder / name)
    assert said["verdict"] == "accept"
    assert finding(said, "duplicate")["facts"] == finding(plain, "duplicate")["facts"]


def test_a_time_in_small_letters_and_one_by_its_other_name(standalone: Standalone, folder: Path) -> None:
    """RFC 3339 section 5.6; and the market's name of when it was taken is read, not passed over."""
    verified: dict[str, Json] = {**honest(folder), "session": {"verified": True}}
    statement = verified["statement"]
    assert isinstance(statement, dict)
    taken = {key: value for key, value in statement.items() if key != "captured_at"}
    for when in ({"captured_at": "2026-06-21t12:00:41z"}, {"taken_at": "2026-06-21T12:00:41Z"}):
        said = judged(standalone, folder, {**verified, "statement": {**taken, **when}})
        assert (said["verdict"], said["reasons"]) == ("accept", [])
    said = judged(
        standalone, folder, {**verified, "statement": {**taken, "taken_at": "2025-06-21T12:00:41Z"}}
    )
    assert said["verdict"] == "reject"
    assert "captured_before_challenge" in str(said["reasons"])


def test_recall_answers_from_earlier_captures_only(decoder: Decoder, folder: Path) -> None:
    media = [(folder / name).read_bytes() for name in ("photo.jpg", "other.jpg", "crop.jpg")]
    here, there = stage.GREENWICH, type(stage.GREENWICH)(40.0, -70.0)
    times = (stage.NOON, None, stage.NOON)
    spots = (here, there, there)
    earlier = [
        Earlier(data, account, spot, at)
        for data, account, spot, at in zip(media, ("a", "a", ""), spots, times, strict=True)
    ]
    recall = Recall(earlier, Looks(decoder, stage.tools(decoder).engine))
    assert [past.capture for past in recall.around("", here, 4, 9)] == ["memory/1"]
    assert [past.capture for past in recall.around("", None, 4, 9)] == ["memory/3", "memory/2", "memory/1"]
    assert [past.capture for past in recall.around("", None, 4, 1)] == ["memory/3"]
    assert recall.around("", here, 1, 9) == []
    spot = recall.last_spot("a", 4)
    assert spot is not None
    assert (spot.spot, spot.at) == (here, stage.NOON)
    assert recall.last_spot("b", 4) is None
    sha256 = hashlib.sha256(media[1]).hexdigest()
    assert [past.capture for past in recall.same_bytes(sha256, 3)] == ["memory/2"]
    assert recall.same_bytes(sha256, 2) == []
    views = pdq.query_views(decoder.open(media[1]).rgb)
    assert [(past.capture, past.distance) for past in recall.nearest(views, 4, 1)] == [("memory/2", 0)]
    assert recall.look_of("memory/1") is not None
    assert all(recall.look_of(name) is None for name in ("memory/4", "memory/0", "memory/x", "cap_1", "1"))
    assert recall.shared_marks([1], 4) == []


def test_the_command_judges_the_others_when_one_cannot_be_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "good.json").write_text("{}")
    (folder / "bad.json").write_text('{"file": "none.jpg"}')
    names = [str(folder / name) for name in ("good.json", "bad.json", "good.json")]
    assert main(["--device", "cpu", *names]) == 1
    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert [said["context"] for said in (first, second, third)] == names
    assert first["verdict"] == third["verdict"] == "review"
    assert set(second) == {"context", "error"}
    assert second["error"]["code"] == "BadInput"
    assert second["error"]["at"] == "file"
    assert set(second["error"]) == {"code", "message", "hint", "at"}
    assert command(["examine", "--device", "cpu", names[0]]) == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device that is asked for in vain")
def test_a_machine_that_cannot_judge_says_so_for_each(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "good.json").write_text("{}")
    assert main(["--device", "cuda", *[str(folder / "good.json")] * 2]) == 1
    errors = [json.loads(told)["error"]["code"] for told in capsys.readouterr().out.splitlines()]
    assert errors == ["Unavailable", "Unavailable"]


def test_roots_that_cannot_be_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    roots = folder / "roots"
    roots.mkdir(exist_ok=True)
    (roots / "bad.pem").write_text("no certificate")
    for bad in (roots, folder / "none"):
        with pytest.raises(SystemExit):
            main(["--trust", str(bad), str(folder / "good.json")])
        assert "--trust" in capsys.readouterr().err


def test_commands_are_loaded_only_when_called() -> None:
    assert COMMANDS["examine"] == "verification.standalone:main"
    asked = "import sys, verification.__main__; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    with pytest.raises(SystemExit):
        command(["dance"])


def test_a_loaded_context_can_be_judged_in_code(standalone: Standalone, folder: Path) -> None:
    path = folder / "again.json"
    path.write_text(json.dumps(honest(folder)))
    assert standalone.examine(load(path)).capture == "again.json"
