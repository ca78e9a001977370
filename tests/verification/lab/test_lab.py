"""The lab in small: data that is what it says, a net that learns from it, figures that can be trusted."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from verification.forensics.crops import SIDE, crops
from verification.lab import evaluate, measure, prepare, train
from verification.lab.drawn import page
from verification.lab.shots import ALTERED, KINDS, PITCHES, shoot
from verification.nets.forensic import Forensic
from verification.redteam.photographs import shelves
from verification.redteam.registry import Split


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pictures of each kind in each part, of the packages' photographs."""
    out = tmp_path_factory.mktemp("lab")
    prepare.write(out, prepare.orders(dict.fromkeys(prepare.PARTS, 4), 3, None), 1)
    return out


def test_a_part_holds_every_kind_and_says_what_is_true(data: Path) -> None:
    for name in prepare.PARTS:
        part = measure.load(data, name)
        assert part.crops.shape == (4 * len(KINDS), 6, SIDE, SIDE, 3)
        assert [fact["kind"] for fact in part.facts] == list(KINDS) * 4
        assert {fact["region"] for fact in part.facts} == {prepare.PARTS[name]}
        touched = part.altered.reshape(len(part.facts), -1).max(1) > 0
        kinds = np.array([fact["kind"] for fact in part.facts])
        assert not touched[~np.isin(kinds, list(ALTERED))].any()
        assert touched[np.isin(kinds, list(ALTERED))].mean() > 0.7


def test_the_same_orders_give_the_same_bytes(data: Path) -> None:
    order = prepare.orders({"held": 1}, 3, None)[2]
    again = prepare.made(order)
    part = measure.load(data, "held")
    assert np.array_equal(again.crops, part.crops[2])


def test_parts_share_no_photograph() -> None:
    for made_up in (False, True):
        held = [set(prepare.bases(None, part, made_up)) for part in ("train", "validate", "test")]
        assert prepare.bases(None, "held", made_up) == prepare.bases(None, "test", made_up)
        if min(map(len, held)) > 1:  # the packages' own are too few for three parts of each
            assert not held[0] & held[1] | held[0] & held[2] | held[1] & held[2]


def test_no_display_is_both_learnt_from_and_held() -> None:
    for kind in ("screen", "print"):
        for low, high in PITCHES["seen"][kind]:
            for least, most in PITCHES["held"][kind]:
                assert high <= least or low >= most


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_leaves_by_one_door(kind: str) -> None:
    """Sizes and quantisation tables do not tell kinds apart: drawn alike, they are alike."""
    base = shelves(None)[Split.CALIBRATION].real[0]
    plain, this = (
        Image.open(io.BytesIO(shoot(each, "seen", base, base, np.random.default_rng(11)).jpeg))
        for each in ("camera", kind)
    )
    assert this.size in {(1024, 768), (1280, 960), (1600, 1200)}
    assert plain.size == this.size
    assert bool(plain.getexif()) == bool(this.getexif())


def test_the_net_learns(data: Path) -> None:
    """The loss on what it saw falls by a fifth in sixteen steps."""
    torch.manual_seed(0)
    part, device = measure.load(data, "train"), torch.device("cpu")
    feed, labels = train.Feed(part, 1), train.Labels.of(device)
    batches = [feed.draw(device) for _ in range(4)]
    net = Forensic()
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3)
    losses = []
    for step in range(16):
        patches, kinds, altered = batches[step % 4]
        loss = train.loss_of(net(patches[:, :, :64, :64]), kinds, altered[:, :8, :8], labels)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-4:]) < 0.8 * np.mean(losses[:4])


def test_what_a_kind_says_nothing_of_is_not_asked() -> None:
    labels = train.Labels.of(torch.device("cpu"))
    rows = (labels.source.tolist(), labels.made.tolist(), labels.fed.tolist(), labels.mapped.tolist())
    said = dict(zip(KINDS, zip(*rows, strict=True), strict=True))
    assert said["screen"] == (1, -1, 0, 0)
    assert said["ai"] == (-1, 1, -1, 0)
    assert said["ai_fed"] == (-1, 1, 1, 0)
    assert said["photo_fed"] == (-1, 0, 1, 0)
    assert said["photo"] == said["camera"] == (0, 0, 0, 1)
    assert said["spliced"] == (-1, -1, -1, 1)


def test_the_commands_speak_to_each_other(
    data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    weights, table = tmp_path / "net.safetensors", tmp_path / "figures.json"
    given = ["--data", str(data), "--minutes", "0.02", "--threads", "1", "--out", str(weights)]
    assert train.main(given) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["steps"] >= 1
    assert 0 <= said["recaptured: AUC"] <= 1
    code = evaluate.main(["--data", str(data), "--weights", str(weights), "--json", str(table)])
    rows = {row["name"]: row for row in json.loads(table.read_text())["rows"]}
    met = (
        rows["held: recaptured: AUC"]["value"] >= 0.98
        and rows["held: recaptured: found at 1 % false"]["value"] >= 0.9
    )
    assert code == (0 if met else 1)


def test_folding_changes_nothing_that_is_said() -> None:
    torch.manual_seed(2)
    net = Forensic()
    net.train()
    squares = torch.rand(4, 3, 64, 64) * 255
    for _ in range(3):
        net(squares)
    folded = Forensic.from_weights(net.state_dict())
    for one, other in zip(net.eval()(squares), folded(squares), strict=True):
        assert torch.allclose(one, other, atol=1e-4)
    assert folded(squares).altered.shape == (4, 8, 8)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    weights = Forensic().state_dict()
    weights["made.bias"] = torch.zeros(2)
    save_file(weights, tmp_path / "odd.safetensors")
    with pytest.raises(RuntimeError, match=r"made\.bias"):
        Forensic.from_weights(load_file(tmp_path / "odd.safetensors"))


def test_figures_are_right_where_they_can_be_counted() -> None:
    facts = [
        {"kind": kind, "base": str(k % 7), "defocus": 0.0}
        for k, kind in enumerate(["photo"] * 200 + ["screen"] * 50)
    ]
    score = np.r_[np.arange(200) / 200, np.full(40, 2.0), np.full(10, -1.0)]
    scores = measure.Scores(score, score, score, score)
    found = {figure.name: figure for figure in measure.figures(scores, facts)}
    assert found["recaptured: AUC"].value == pytest.approx(0.8)
    assert found["recaptured: found at 1 % false"].value == pytest.approx(0.8)
    assert found["recaptured: AUC"].low < 0.8 < found["recaptured: AUC"].high
    assert found["recaptured: AUC"].n == 250


def test_small_pictures_are_mirrored() -> None:
    small = np.arange(100 * 300 * 3, dtype=np.uint64).reshape(100, 300, 3).astype(np.uint8)
    found = crops(small)
    assert found.shape == (6, SIDE, SIDE, 3)
    assert np.array_equal(found[0, 100:200], found[0, 99::-1][:100])


def test_drawn_pages_are_crisp_and_all_different() -> None:
    pages = [page(np.random.default_rng(seed)) for seed in range(4)]
    assert {one.shape for one in pages} == {(960, 1280, 3)}
    assert np.array_equal(pages[0], page(np.random.default_rng(0)))
    steps = [np.abs(np.diff(one.astype(int), axis=1)).max() for one in pages]
    assert min(steps) > 100
    assert len({one.tobytes() for one in pages}) == 4


def test_a_small_display_shows_letters_of_whole_pixels() -> None:
    """Crisp: a few flat colours, and none between them; any size that a simulated display has."""
    for seed, size in enumerate([(128, 96), (240, 180), (480, 360), (700, 525)]):
        crisp = page(np.random.default_rng(seed), size, crisp=True)
        assert crisp.shape == (size[1], size[0], 3)
        assert 2 <= len(np.unique(crisp.reshape(-1, 3), axis=0)) <= 32
