"""Trains the forensic net: `python -m verification.lab.train --minutes 50`. The one file to edit.

Each step shows a batch of patches of squares, turned and mirrored at random, and asks four things at once:
what stood before the camera, whether a generator made it, whether a virtual camera showed it, which cells
were altered. What a kind of picture says nothing about is not asked of it (a screen may well show a generated
picture). The weights kept are an average over the last steps.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch itself gives it
from safetensors.torch import save_file
from torch import Tensor

from verification.forensics.crops import SIDE
from verification.lab.measure import TAKEN, Part, as_input, figures, load, scored
from verification.lab.shots import ALTERED, FED, KINDS, MADE, RECAPTURED
from verification.nets.forensic import CELL, Forensic, Said
from verification.picture import Pixels

BATCH, PATCH = 72, 128  # patches a step, and their side: what is looked for is a few pixels wide
RATE, DECAY, WARM = 3e-3, 2e-2, 0.05  # AdamW; the share of the time in which the rate rises
AVERAGED = 0.995  # of the weights, a step
MAP_WEIGHT = 1.0
_SOURCE = {"screen": 1, "print": 2}
_SILENT = -1  # a label that is not asked for


@dataclass(frozen=True, slots=True)
class Labels:
    """What each kind of picture says: int64[kinds] or float32[kinds], `_SILENT` where nothing."""

    source: Tensor
    made: Tensor
    fed: Tensor
    mapped: Tensor  # 1 where its altered map counts

    @classmethod
    def of(cls, device: torch.device) -> Labels:
        """The table for `KINDS`."""
        source = [_SOURCE.get(kind, 0 if kind in TAKEN else _SILENT) for kind in KINDS]
        made = [_told(kind, MADE, TAKEN | {"photo_fed"}) for kind in KINDS]
        fed = [_told(kind, FED, TAKEN | RECAPTURED) for kind in KINDS]
        mapped = [1 if kind in ALTERED | TAKEN else 0 for kind in KINDS]
        return cls(*(torch.tensor(row, device=device) for row in (source, made, fed, mapped)))


def _told(kind: str, yes: set[str], no: set[str]) -> int:
    return 1 if kind in yes else 0 if kind in no else _SILENT


def loss_of(said: Said, kinds: Tensor, altered: Tensor, labels: Labels) -> Tensor:
    """The sum of the four questions, each over the squares it is asked of."""
    source = labels.source[kinds]
    asked = F.cross_entropy(said.source.float(), source, ignore_index=_SILENT)
    made, fed = _yes_or_no(said.made, labels.made[kinds]), _yes_or_no(said.fed, labels.fed[kinds])
    cells = F.binary_cross_entropy_with_logits(said.altered.float(), altered, reduction="none").mean((1, 2))
    mapped = labels.mapped[kinds].float()
    return asked + made + fed + MAP_WEIGHT * (cells * mapped).sum() / mapped.sum().clamp(min=1)


def _yes_or_no(said: Tensor, truth: Tensor) -> Tensor:
    told = truth != _SILENT
    return F.binary_cross_entropy_with_logits(said.float()[told], truth[told].float())


class Feed:
    """Batches of random patches, as many of each kind, each in one of its eight positions."""

    def __init__(self, part: Part, seed: int) -> None:
        self._part, self._rng = part, np.random.default_rng(seed)
        kinds = np.array([KINDS.index(fact["kind"]) for fact in part.facts])
        self._of = [np.flatnonzero(kinds == kind) for kind in range(len(KINDS))]

    def draw(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Patches float32[b, 3, h, w], kinds int64[b], altered share of cells float32[b, h / 8, w / 8]."""
        rng, kinds = self._rng, np.arange(BATCH) % len(KINDS)
        patches: list[Pixels] = []
        maps: list[Pixels] = []
        for kind in kinds.tolist():
            at, square = int(rng.choice(self._of[kind])), int(rng.integers(self._part.crops.shape[1]))
            turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
            cells = rng.integers((SIDE - PATCH) // CELL + 1, size=2).tolist()  # on JPEG's own grid
            for source, kept, step in ((self._part.crops, patches, CELL), (self._part.altered, maps, 1)):
                rows, columns = (slice(cell * step, (cell + PATCH // CELL) * step) for cell in cells)
                seen = np.rot90(source[at, square, rows, columns], turns)
                kept.append(np.ascontiguousarray(seen[:, ::-1] if mirrored else seen))
        altered = torch.from_numpy(np.stack(maps)).to(device).float() / 255
        return as_input(np.stack(patches), device), torch.from_numpy(kinds).to(device), altered


def train(part: Part, minutes: float, seed: int, device: torch.device) -> tuple[Forensic, int]:
    """The averaged net after so many minutes, and how many steps they were."""
    torch.manual_seed(seed)
    net = Forensic().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    mean = copy.deepcopy(net)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    feed, labels = Feed(part, seed), Labels.of(device)
    began, step = time.monotonic(), 0
    while (spent := (time.monotonic() - began) / 60 / minutes) < 1:
        rate = RATE * min(1.0, spent / WARM) * 0.5 * (1 + np.cos(np.pi * spent))
        for group in optimiser.param_groups:
            group["lr"] = max(rate, 1e-6)
        patches, kinds, altered = feed.draw(device)
        with torch.autocast(device.type, torch.bfloat16):
            said = net(patches)
        loss = loss_of(said, kinds, altered, labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        step += 1
        _average(mean, net, min(AVERAGED, 1 - 1 / (step + 1)))
        if step % 50 == 0:
            sys.stderr.write(f"step {step}; loss {loss.item():.3f}; {minutes * (1 - spent):.1f} min to go\n")
    return mean, step


@torch.no_grad()
def _average(mean: Forensic, net: Forensic, kept: float) -> None:
    for one, other in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if one.dtype.is_floating_point:
            one.lerp_(other, 1 - kept)
        else:
            one.copy_(other)


def main(argv: Sequence[str] | None = None) -> int:
    """The command: trains, measures on `validate`, prints one JSON line, and keeps the weights."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path(".spotcheck/lab"))
    parser.add_argument("--minutes", type=float, default=50.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(".spotcheck/lab/forensic.safetensors"))
    given = parser.parse_args(argv)
    torch.set_num_threads(given.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net, steps = train(load(given.data, "train"), given.minutes, given.seed, device)
    weights = {name: value.cpu().contiguous() for name, value in net.state_dict().items()}
    save_file(weights, given.out)
    held = load(given.data, "validate")
    found = figures(scored(net.eval(), held, device), held.facts)
    said = {figure.name.strip(): round(figure.value, 4) for figure in found}
    sys.stdout.write(json.dumps({"seed": given.seed, "steps": steps, **said}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
