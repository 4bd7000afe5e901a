"""The decision network: how good would warping be?

Source: section 3.3 of the DVSNet paper; `model/decisionmodel.py` of the original. `CellDecision` is
our own.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from dvsnet_ros.core.networks.layers import leaky
from dvsnet_ros.core.networks.resize import resize_bilinear

DROPOUT = 0.5
LEFT_OUT = 0.1
"""How often `CellDecision` has to do without a feature in training; none is to be trusted alone."""
FEATURE_SIZE = (4, 8)
"""Height and width to which features are resized: the cells of a region."""


class DecisionNetwork(nn.Module):
    """Expected confidence scores (0-100) from the flow network's features.

    Args:
        feature_channels: channels of the features, 16 times the flow network's width.
        channels: channels of the convolution, 96 in the original.
        hidden: width of the two large dense layers, 1024 in the original.
    """

    def __init__(self, feature_channels: int = 384, channels: int = 96, hidden: int = 1024) -> None:
        super().__init__()
        self.feature_channels = feature_channels
        height, width = FEATURE_SIZE
        self.conv = nn.Conv2d(feature_channels, channels, 3, 1, 1)
        self.dense1 = nn.Linear(channels * height * width, hidden)
        self.dense2 = nn.Linear(hidden, hidden)
        self.dense3 = nn.Linear(hidden, 10)
        self.dense4 = nn.Linear(10, 1)

    @staticmethod
    def resize_features(features: Tensor) -> Tensor:
        """Features [N, C, h, w] at the size that the network reads: [N, C, 4, 8]."""
        return resize_bilinear(features, *FEATURE_SIZE)

    def forward(self, features: Tensor) -> Tensor:
        """Scores [N] of resized features [N, C, 4, 8]; dropout in training mode only."""
        maps = leaky(self.conv(features))
        flat = maps.permute(0, 2, 3, 1).flatten(1)  # rows, columns, channels, as the original
        hidden = self._dropout(leaky(self.dense1(flat)))
        hidden = self._dropout(leaky(self.dense2(hidden)))
        hidden = self._dropout(leaky(self.dense3(hidden)))
        scores: Tensor = leaky(self.dense4(hidden))
        return scores.squeeze(1)

    def _dropout(self, hidden: Tensor) -> Tensor:
        return functional.dropout(hidden, DROPOUT, self.training)


class CellDecision(nn.Module):
    """Expected confidence scores (0-100) from what the flow path knows of itself.

    A score is a mean over a region's pixels, and so it is made here: of each cell, from its own
    features alone, the share of labels that are wrong, and of these the mean. There is little to
    learn by heart, and what is learned of one place holds at every other.

    Args:
        feature_channels: channels of the features.
        channels: of its own layers.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, feature_channels: int, channels: int = 16) -> None:
        super().__init__()
        self.feature_channels = feature_channels
        self.register_buffer("mean", torch.zeros(feature_channels))
        self.register_buffer("deviation", torch.ones(feature_channels))
        self.conv1 = nn.Conv2d(feature_channels, channels, 1)
        self.conv2 = nn.Conv2d(channels, channels, 1)
        self.predict = nn.Conv2d(channels, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Scores [N] of features [N, C, 4, 8]; in training mode, some features are left out."""
        mean, deviation = (each.view(-1, 1, 1) for each in (self.mean, self.deviation))
        known = (features - mean) / deviation
        if self.training:
            known = known * (torch.rand_like(known[..., :1, :1]) >= LEFT_OUT)
        hidden = leaky(self.conv2(leaky(self.conv1(known))))
        wrong: Tensor = self.predict(hidden).sigmoid()
        return 100.0 * (1.0 - wrong.mean((1, 2, 3)))
