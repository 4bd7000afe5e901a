from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dvsnet_ros.drives import drive
from dvsnet_ros.drives.frame import Drive
from dvsnet_ros.training.augmentation import VOID
from dvsnet_ros.training.segmenter import INPUT
from dvsnet_ros.training.self_labels import self_labelled

CPU = torch.device("cpu")


class Brightness(nn.Module):
    """Class 1 where it is bright, 0 where it is dark, logits at 1/4; unsure about what is grey."""

    def forward(self, images: Tensor) -> Tensor:
        bright = images.mean(1, keepdim=True)[..., ::4, ::4]
        return torch.cat((-4.0 * bright, 4.0 * bright), 1)


@pytest.fixture
def half_bright_drive(tmp_path: Path) -> Drive:
    """Two frames, dark at the left, as bright as the network's mean in the middle, then bright."""
    image = np.full((48, 96, 3), 30, np.uint8)
    image[:, 32:64] = np.rint(INPUT.mean)
    image[:, 64:] = 220
    for index in range(2):
        cv2.imwrite(str(tmp_path / f"{index}.png"), image)
    return drive(tmp_path)


def test_labels_are_where_the_network_is_sure(half_bright_drive: Drive) -> None:
    (still,) = self_labelled(Brightness(), half_bright_drive, 1, CPU)
    assert (still.labels[:, :28] == 0).all()
    assert (still.labels[:, 36:60] == VOID).all()
    assert (still.labels[:, 68:] == 1).all()


def test_a_mirrored_view_is_that_of_the_mirrored_frame(tmp_path: Path) -> None:
    views: list[Tensor] = []

    class Recording(Brightness):
        def forward(self, images: Tensor) -> Tensor:
            views.append(images)
            return super().forward(images)

    image = np.random.default_rng(0).integers(0, 256, (48, 97, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "plain.png"), image)
    cv2.imwrite(str(tmp_path / "turned.png"), image[:, ::-1])
    self_labelled(Recording(), drive(tmp_path), 2, CPU)
    plain, turned = views[:8], views[8:]
    for ours, theirs in zip(plain[1::2], turned[::2], strict=True):
        assert torch.equal(ours, theirs)


def test_it_takes_at_most_as_many_frames_as_there_are(half_bright_drive: Drive) -> None:
    stills = self_labelled(Brightness(), half_bright_drive, 100, CPU)
    assert len(stills) == len(half_bright_drive) == 2
    assert len({still.name for still in stills}) == 2
    assert len({still.sequence for still in stills}) == 1
    assert np.array_equal(stills[0].image, half_bright_drive[0].image)


def test_broken_frames_are_reported_and_left_out(
    half_bright_drive: Drive, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "0.png").write_bytes(b"broken")
    (still,) = self_labelled(Brightness(), half_bright_drive, 2, CPU)
    assert still.name.endswith("_000001")
    assert "frame 0 is skipped: " in caplog.text
    (tmp_path / "1.png").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"0\.png is no image"):
        self_labelled(Brightness(), half_bright_drive, 2, CPU)
