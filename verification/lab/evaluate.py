"""How good the forensic net in force is: `python -m verification.lab.evaluate --data DIR --photos DIR`.

On photographs that nobody learnt from, with displays and phones that were learnt from (`test`) and with
others (`held`), all simulated; and, apart, on what is real: photographs of screens, and pictures that
generators made, against camera photographs, all written anew by one encoder. Exits 1 when a bar is missed:
of recaptured pictures of `held`, AUC .98 and .90 found at 1 % false.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file

from core.figures import Row, arguments, finish
from verification.lab import real
from verification.lab.measure import Figure, Part, figures, load, scored
from verification.nets.forensic import Forensic

BARS = {"held: recaptured: AUC": ">= 0.98", "held: recaptured: found at 1 % false": ">= 0.9"}
_QUICK = 160  # pictures of a part


def rows(net: Forensic, parts: Iterable[tuple[str, Part]], device: torch.device, seed: int) -> Iterator[Row]:
    """The figures of each part."""
    for name, part in parts:
        for figure in figures(scored(net, part, device), part.facts, seed):
            yield _row(f"{name}: {figure.name.strip()}", figure)


def _row(name: str, figure: Figure) -> Row:
    return Row(
        name, figure.value, figure.low, figure.high, figure.n, f"of {figure.bases} bases", BARS.get(name)
    )


def _parts(data: Path, photos: Path | None, quick: bool) -> Iterator[tuple[str, Part]]:
    for name in ("test", "held"):
        whole = load(data, name)
        count = _QUICK if quick else len(whole.facts)
        yield name, Part(whole.crops[:count], whole.altered[:count], whole.facts[:count])
    if photos is not None:
        yield "real", real.part(photos)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, default=Path(".spotcheck/lab"), help="what lab.prepare wrote")
    parser.add_argument("--photos", type=Path, help="a folder with manifest.csv, for what is real")
    parser.add_argument("--weights", type=Path, default=Path(".spotcheck/lab/forensic.safetensors"))
    given = parser.parse_args(argv)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = Forensic.from_weights(load_file(given.weights)).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    found = list(rows(net, _parts(given.data, given.photos, given.quick), device, given.seed))
    return finish("The forensic net", found, given.json, seed=given.seed)


if __name__ == "__main__":
    sys.exit(main())
