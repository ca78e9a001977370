"""What the nets share: the largest value around each place of a map."""

from __future__ import annotations

from functools import reduce

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch itself gives it
from torch import Tensor


def highest(values: Tensor, before: int, after: int) -> Tensor:
    """The largest of float[b, c, h, w] from so many rows and columns before each to so many after it.

    As `max_pool2d` with a stride of 1, which takes a processor ten times as long.
    """
    height, width = values.shape[-2:]
    padded = F.pad(values, (before, after) * 2, value=-torch.inf)
    shifts = range(before + after + 1)
    rows = reduce(torch.maximum, (padded[..., k : k + width] for k in shifts))
    return reduce(torch.maximum, (rows[..., k : k + height, :] for k in shifts))
