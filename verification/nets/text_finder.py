"""PP-OCRv6's small detector: where writing is in a picture, as one map of probability.

After Liao, Wan, Yao, Chen, Bai, "Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020,
as PaddleOCR builds it: a backbone of channel-wise filters and gated squeezes (PP-LCNet, Cui et al., 2021), a
feature pyramid of 96 channels smoothed by filters of 7 x 7, and a head that rises to full resolution. The
weights are PaddleOCR's (Apache-2.0), as docs/decisions/0018 says; what training alone needs was left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch itself gives it
from torch import Tensor, nn

from verification.nets.windows import highest

STEP = 32  # sides must be multiples of this
SHA256 = "5a0a9bf7dd7f7ddf66f4141b220020f786763fe189ef3c984efef7a62c75bf77"  # of its file in weights/
_STAGES = (  # channels, blocks; every other block, from the first on, is gated
    (48, 2),
    (96, 2),
    (192, 4),
    (384, 2),
)
_PYRAMID, _SMOOTH = 96, 24  # channels of the pyramid, and of its levels where they are read


class Gate(nn.Module):
    """How much of each channel goes on, by the means of all (Hu, Shen, Sun, CVPR 2018)."""

    def __init__(self, channels: int, slope: float) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // 4, 1)
        self.excite = nn.Conv2d(channels // 4, channels, 1)
        self._slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """float[b, channels, h, w] -> float[b, channels, 1, 1] in 0..1."""
        means = x.mean((2, 3), keepdim=True)
        said = self.excite(F.relu(self.squeeze(means)))
        return torch.clamp(said * self._slope + 0.5, 0, 1)


class Mixer(nn.Module):
    """Channel by channel over 3 x 3 pixels, then across the channels; halved in size where `stride` is 2."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, gated: bool = False) -> None:
        super().__init__()
        wide = 2 * inputs
        self.filter = nn.Conv2d(inputs, inputs, 3, stride, padding=1, groups=inputs)
        self.gate = Gate(inputs, 1 / 6) if gated else None
        self.widen = nn.Conv2d(inputs, wide, 1)
        self.narrow = nn.Conv2d(wide, outputs, 1)
        self.added = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """float[b, inputs, h, w] -> float[b, outputs, h / stride, w / stride]."""
        x = self.filter(x)
        if self.gate is not None:
            x = x * self.gate(x)
        made = cast(Tensor, self.narrow(F.gelu(self.widen(x))))
        return x + made if self.added else made


class Stem(nn.Module):
    """A quarter of the size: edges as they are, and what is made of them, side by side (PP-HGNetV2)."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 24, 3, 2, padding=1)
        self.second = nn.Conv2d(24, 12, 2)
        self.third = nn.Conv2d(12, 24, 2)
        self.fourth = nn.Conv2d(48, 24, 3, 2, padding=1)
        self.last = nn.Conv2d(24, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """float[b, 3, h, w] -> float[b, outputs, h / 4, w / 4]."""
        x = F.relu(self.first(x))
        made = F.relu(self.second(F.pad(x, (0, 1, 0, 1))))
        made = F.relu(self.third(F.pad(made, (0, 1, 0, 1))))
        x = torch.cat([highest(x, 0, 1), made], 1)
        return F.relu(self.last(F.relu(self.fourth(x))))


class Level(nn.Module):
    """Filtered (over `kernel` pixels, channel by channel), brought to other channels, and gated besides."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 1) -> None:
        super().__init__()
        around = kernel // 2
        self.filter = nn.Conv2d(inputs, inputs, kernel, padding=around, groups=inputs) if kernel > 1 else None
        self.bring = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.gate = Gate(outputs, 0.2)

    def forward(self, x: Tensor) -> Tensor:
        """float[b, inputs, h, w] -> float[b, outputs, h, w]."""
        x = cast(Tensor, self.bring(x if self.filter is None else self.filter(x)))
        return x + x * cast(Tensor, self.gate(x))


class TextFinder(nn.Module):
    """The network alone."""

    def __init__(self) -> None:
        super().__init__()
        widths = [channels for channels, _ in _STAGES]
        self.stem = Stem(widths[0])
        self.stages = nn.ModuleList(_stage(at) for at in range(len(_STAGES)))
        self.reads = nn.ModuleList(Level(width, _PYRAMID) for width in reversed(widths))  # coarse to fine
        self.smooths = nn.ModuleList(Level(_PYRAMID, _SMOOTH, kernel=7) for _ in widths)
        self.head = nn.Conv2d(_SMOOTH * len(widths), _SMOOTH, 3, padding=1)
        self.rise = nn.ConvTranspose2d(_SMOOTH, _SMOOTH, 2, 2)
        self.top = nn.ConvTranspose2d(_SMOOTH, 1, 2, 2)

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> TextFinder:
        """The net ready for inference.

        Raises:
            RuntimeError: a tensor is missing, surplus or of another shape.
        """
        net = cls()
        net.load_state_dict({name: tensor.float() for name, tensor in weights.items()}, strict=True)
        return net.eval().requires_grad_(False)

    def forward(self, bgr: Tensor) -> Tensor:
        """float[b, 3, h, w], -1..1, blue first, h and w multiples of 32, -> float[b, 1, h, w] in 0..1."""
        x, seen = self.stem(bgr), []
        for stage in self.stages:
            x = stage(x)
            seen.append(x)
        levels: list[Tensor] = []
        for read in self.reads:
            x = read(seen.pop())
            levels.append(x + F.interpolate(levels[-1], scale_factor=2.0) if levels else x)
        smoothed = [smooth(level) for smooth, level in zip(self.smooths, levels, strict=True)]
        size = smoothed[-1].shape[-2:]
        x = torch.cat([F.interpolate(level, size) for level in smoothed], 1)
        x = F.relu(self.rise(F.relu(self.head(x))))
        return torch.sigmoid(cast(Tensor, self.top(x)).float())


def _stage(at: int) -> nn.Sequential:
    """One stage of the backbone; each but the first begins with a step down."""
    channels, count = _STAGES[at]
    down = [Mixer(_STAGES[at - 1][0], channels, stride=2)] if at else []
    return nn.Sequential(*down, *(Mixer(channels, channels, gated=k % 2 == 0) for k in range(count)))
