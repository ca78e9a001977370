"""CenterFace: where faces are in a picture, as peaks of one heat map.

After Xu, Yan, Yang, Xiao, "CenterFace: Joint Face Detection and Alignment Using Face as Point", Scientific
Programming 2020: a MobileNetV2 (Sandler et al., CVPR 2018, with plain rectifiers) under a feature pyramid of
24 channels, read at a quarter of the resolution. The weights are the authors' (MIT), as docs/decisions/0014
says; its batch norms came folded into the convolutions, and the five landmarks are left out, for nobody asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch itself gives it
from torch import Tensor, nn

from verification.nets.windows import highest

STEP = 32  # sides must be multiples of this
CELL = 4  # pixels of a cell of the maps
SHA256 = "1cb4efb897094295ca3dc25c66f706fef8647c03984b38bfffd41d83e4a66c38"  # of its file in weights/
_WIDTH = 24  # channels of the pyramid
_STAGES = (  # expansion, channels, blocks, stride of the first: MobileNetV2, table 2
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_READ = (1, 2, 4, 6)  # stages that the pyramid takes: at 1/4, 1/8, 1/16 and 1/32


class Bottleneck(nn.Module):
    """Widened, filtered channel by channel, narrowed; with what came in added where it fits."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        widened = [nn.Conv2d(inputs, wide, 1), nn.ReLU(inplace=True)] if expansion > 1 else []
        self.layers = nn.Sequential(
            *widened,
            nn.Conv2d(wide, wide, 3, stride, padding=1, groups=wide),
            nn.ReLU(inplace=True),
            nn.Conv2d(wide, outputs, 1),
        )
        self.added = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """float[b, inputs, h, w] -> float[b, outputs, h / stride, w / stride]."""
        made = cast(Tensor, self.layers(x))
        return x + made if self.added else made


class Rise(nn.Module):
    """A step up the pyramid: twice the size, and what the backbone says there."""

    def __init__(self, beside: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(_WIDTH, _WIDTH, 2, 2)
        self.beside = nn.Conv2d(beside, _WIDTH, 1)

    def forward(self, x: Tensor, beside: Tensor) -> Tensor:
        """float[b, 24, h, w] and float[b, beside, 2 h, 2 w] -> float[b, 24, 2 h, 2 w]."""
        return F.relu(self.up(x)) + F.relu(self.beside(beside))


class Maps(NamedTuple):
    """What the net says of a batch, one cell for each 4 x 4 pixels.

    Attributes:
        heat: float[b, 1, h / 4, w / 4] in 0..1, high in the middle of a face.
        size: float[b, 2, h / 4, w / 4], logarithm of its height and width in cells.
        offset: float[b, 2, h / 4, w / 4], of its middle from the cell's, down and right, in cells.
    """

    heat: Tensor
    size: Tensor
    offset: Tensor


class CenterFace(nn.Module):
    """The network alone; see `boxes` for what is read off its maps."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2, padding=1)
        stages, inputs, widths = [], 32, []
        for expansion, outputs, blocks, stride in _STAGES:
            made = []
            for block in range(blocks):
                made.append(Bottleneck(inputs, outputs, stride if block == 0 else 1, expansion))
                inputs = outputs
            stages.append(nn.Sequential(*made))
            widths.append(outputs)
        self.stages = nn.ModuleList(stages)
        self.top = nn.Conv2d(widths[_READ[3]], _WIDTH, 1)
        self.rises = nn.ModuleList(Rise(widths[at]) for at in _READ[2::-1])
        self.head = nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1)
        self.heat = nn.Conv2d(_WIDTH, 1, 1)
        self.size = nn.Conv2d(_WIDTH, 2, 1)
        self.offset = nn.Conv2d(_WIDTH, 2, 1)

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> CenterFace:
        """The net ready for inference.

        Raises:
            RuntimeError: a tensor is missing, surplus or of another shape.
        """
        net = cls()
        net.load_state_dict({name: tensor.float() for name, tensor in weights.items()}, strict=True)
        return net.eval().requires_grad_(False)

    def forward(self, rgb: Tensor) -> Maps:
        """float[b, 3, h, w], 0..255, h and w multiples of 32, -> Maps."""
        x = F.relu(self.stem(rgb))
        seen = []
        for at, stage in enumerate(self.stages):
            x = stage(x)
            if at in _READ:
                seen.append(x)
        x = F.relu(self.top(seen.pop()))
        for rise in self.rises:
            x = rise(x, seen.pop())
        x = F.relu(self.head(x))
        return Maps(torch.sigmoid(self.heat(x)), self.size(x), self.offset(x))


def boxes(maps: Maps, threshold: float) -> list[Tensor]:
    """The faces of each picture of a batch: float32[n, 5], left, top, right, bottom in pixels, and heat,
    falling. A face is a cell at least as hot as its neighbours and `threshold` (0..1): two of one heat may
    both stand for one face.
    """
    heat = maps.heat.float()
    peaks = (heat == highest(heat, 1, 1)) & (heat >= threshold)
    found = []
    for index in range(len(heat)):
        rows, columns = peaks[index, 0].nonzero(as_tuple=True)
        middle = torch.stack([columns, rows]) + 0.5
        middle = (middle + maps.offset[index, :, rows, columns].float().flip(0)) * CELL
        half = maps.size[index, :, rows, columns].float().exp().flip(0) * CELL / 2
        each = torch.cat([middle - half, middle + half, heat[index, :, rows, columns]]).T
        found.append(each[each[:, 4].argsort(descending=True, stable=True)])
    return found
