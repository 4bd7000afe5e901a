"""Networks whose logits are not finite where a frame blinds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from dvsnet_ros.core.region_networks import FlowPathResult, RegionNetworks
from dvsnet_ros.core.regions import Region

WHITE = 255
"""What all pixels of a blinding frame are."""


def blind_segmentation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the segmentation network say nothing finite of a white frame."""
    segment = RegionNetworks.segment

    def blinded(networks: RegionNetworks, image: Tensor, regions: Sequence[Region]) -> Tensor:
        logits = segment(networks, image, regions)
        return logits * np.nan if (image == WHITE).all() else logits

    monkeypatch.setattr(RegionNetworks, "segment", blinded)


def blind_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the flow path say nothing finite of a white frame."""
    flow_path = RegionNetworks.flow_path

    def blinded(networks: RegionNetworks, current: Tensor, *more: Tensor) -> FlowPathResult:
        result = flow_path(networks, current, *more)
        is_white = bool((current == torch.ones_like(current)).all())
        return replace(result, logits=result.logits * np.nan) if is_white else result

    monkeypatch.setattr(RegionNetworks, "flow_path", blinded)
