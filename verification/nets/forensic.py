"""What a picture's finest detail says of how it came to be: one small backbone, four heads.

A screen's grid, a print's dots and a generator's marks are a few pixels wide: the first layer sees every
pixel, and what a high-pass leaves beside the colours (Fridrich & Kodovsky, Rich Models for Steganalysis,
IEEE TIFS 7(3), 2012). Heads read mean and spread of the last maps (second-order pooling keeps a texture's
strength, which a mean loses), but for the map of what was altered, which is read cell by cell. Large maps go
through whole convolutions, for filtering channel by channel waits for memory there (Tan & Le, EfficientNetV2,
ICML 2021); small ones through MobileNetV2's blocks (Sandler et al., CVPR 2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch itself gives it
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

CELL = 8  # pixels of a cell of the altered map
SOURCES = ("scene", "screen", "print")
SMOOTH = 4  # cells each way over which the map is averaged before its most suspicious place is taken
_HIGH_PASS = ((-1.0, 2.0, -1.0), (2.0, -4.0, 2.0), (-1.0, 2.0, -1.0))  # the 3 x 3 of the rich models, over 4
_DEEP = 128


def _layer(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs)]


class Block(nn.Module):
    """Widened, filtered channel by channel, narrowed; with what came in added where it fits."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, expansion: int = 3) -> None:
        super().__init__()
        wide = inputs * expansion
        self.layers = nn.Sequential(
            *_layer(inputs, wide, 1),
            nn.ReLU(inplace=True),
            *_layer(wide, wide, 3, stride, wide),
            nn.ReLU(inplace=True),
            *_layer(wide, outputs, 1),
        )
        self.added = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """float[b, inputs, h, w] -> float[b, outputs, h / stride, w / stride]."""
        made = cast(Tensor, self.layers(x))
        return x + made if self.added else made


class Residual(nn.Module):
    """One convolution, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_layer(channels, channels, 3), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """float[b, channels, h, w] -> the same."""
        return x + cast(Tensor, self.layers(x))


class Said(NamedTuple):
    """What the net says of a batch of squares, as logits.

    Attributes:
        source: float[b, 3], of `SOURCES`: before the camera stood a scene, a screen or a print.
        made: float[b], a generator made it, whatever it came through since.
        fed: float[b], a virtual camera showed it: no lens and no sensor.
        altered: float[b, h / 8, w / 8], the cell was changed after it was taken.
    """

    source: Tensor
    made: Tensor
    fed: Tensor
    altered: Tensor


class Forensic(nn.Module):
    """The network alone, float[b, 3, h, w] Y, Cb and Cr of 0..255 in, `Said` out; sides multiples of 16."""

    high_pass: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("high_pass", torch.tensor(_HIGH_PASS)[None, None] / 4, persistent=False)
        self.halved = nn.Sequential(*_layer(4, 32, 5, 2), nn.ReLU(inplace=True), Residual(32))
        self.quartered = nn.Sequential(*_layer(32, 64, 3, 2), nn.ReLU(inplace=True), Residual(64))
        self.cells = nn.Sequential(Block(64, 80, 2), Block(80, 80), Block(80, 80))
        self.deep = nn.Sequential(Block(80, _DEEP, 2), Block(_DEEP, _DEEP))
        self.source = nn.Linear(2 * _DEEP, len(SOURCES))
        self.made = nn.Linear(2 * _DEEP, 1)
        self.fed = nn.Linear(2 * _DEEP, 1)
        self.altered = nn.Sequential(*_layer(80 + _DEEP, 64, 1), nn.ReLU(inplace=True), nn.Conv2d(64, 1, 1))

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> Forensic:
        """The net ready for inference, batch norms folded in.

        Raises:
            RuntimeError: a tensor is missing, surplus or of another shape.
        """
        net = cls()
        net.load_state_dict({name: tensor.float() for name, tensor in weights.items()}, strict=True)
        net.eval()
        for part in list(net.modules()):
            if isinstance(part, nn.Sequential):
                _fold(part)
        return net.requires_grad_(False)

    def forward(self, ycbcr: Tensor) -> Said:
        """See the class."""
        grain = F.conv2d(F.pad(ycbcr[:, :1], (1, 1, 1, 1), mode="replicate"), self.high_pass)
        seen = torch.cat([(ycbcr - 128) / 64, grain.clamp(-24, 24) / 6], dim=1)
        cells = self.cells(self.quartered(self.halved(seen)))
        deep = self.deep(cells)
        pooled = torch.cat(
            [deep.mean((2, 3)), deep.float().var((2, 3), correction=0).add(1e-5).sqrt()], dim=1
        )
        wide = F.interpolate(deep, cells.shape[-2:], mode="nearest")
        altered = self.altered(torch.cat([cells, wide], dim=1))[:, 0]
        return Said(self.source(pooled), self.made(pooled)[:, 0], self.fed(pooled)[:, 0], altered)


def scores(said: Said, each: int) -> Tensor:
    """How much each picture of `each` squares is recaptured, made, fed and altered: float32[b / each, 4].

    The mean of its squares' logits; of what was altered, the most of its map.
    """
    source = said.source.float().reshape(-1, each, len(SOURCES)).mean(1)
    recaptured = torch.logsumexp(source[:, 1:], 1) - source[:, 0]
    made, fed = (logit.float().reshape(-1, each).mean(1) for logit in (said.made, said.fed))
    maps = said.altered.float().reshape(-1, each, *said.altered.shape[-2:])
    altered = F.avg_pool2d(maps, SMOOTH, stride=1).flatten(1).amax(1)
    return torch.stack([recaptured, made, fed, altered], dim=1)


def _fold(layers: nn.Sequential) -> None:
    """Folds each batch norm into the convolution before it (inference only)."""
    kept: list[nn.Module] = []
    for part in layers:
        if isinstance(part, nn.BatchNorm2d) and isinstance(kept[-1], nn.Conv2d):
            kept[-1] = fuse_conv_bn_eval(kept[-1], part)
        else:
            kept.append(part)
    layers._modules = {str(at): part for at, part in enumerate(kept)}
