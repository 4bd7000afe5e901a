"""The decision network: how good would warping be?

Source: section 3.3 of the DVSNet paper; `model/decisionmodel.py` of the original.
"""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor, nn

from dvsnet_ros.core.networks.layers import leaky
from dvsnet_ros.core.networks.resize import resize_bilinear

DROPOUT = 0.5


class DecisionNetwork(nn.Module):
    """Expected confidence scores (0-100) from the flow network's features.

    Args:
        feature_channels: channels of the features, 16 times the flow network's width.
        channels: channels of the convolution, 96 in the original.
        hidden: width of the two large dense layers, 1024 in the original.
    """

    FEATURE_SIZE = (4, 8)
    """Height and width to which the features are resized."""

    def __init__(self, feature_channels: int = 384, channels: int = 96, hidden: int = 1024) -> None:
        super().__init__()
        self.feature_channels = feature_channels
        height, width = self.FEATURE_SIZE
        self.conv = nn.Conv2d(feature_channels, channels, 3, 1, 1)
        self.dense1 = nn.Linear(channels * height * width, hidden)
        self.dense2 = nn.Linear(hidden, hidden)
        self.dense3 = nn.Linear(hidden, 10)
        self.dense4 = nn.Linear(10, 1)

    @classmethod
    def resize_features(cls, features: Tensor) -> Tensor:
        """Features [N, C, h, w] at the size that the network reads: [N, C, 4, 8]."""
        return resize_bilinear(features, *cls.FEATURE_SIZE)

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
