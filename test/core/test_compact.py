import pytest
import torch

from dvsnet_ros.core.networks.compact import CompactSegmenter
from dvsnet_ros.core.networks.layers import fold_batch_norms


@pytest.mark.parametrize("size", [(32, 48), (53, 71), (54, 66), (8, 8), (33, 41)])
def test_logits_are_an_eighth_of_any_region(size: tuple[int, int]) -> None:
    network = CompactSegmenter(num_classes=5, width=4).eval()
    logits = network(torch.randn(2, 3, *size))
    assert logits.shape == (2, 5, -(-size[0] // 8), -(-size[1] // 8))


def test_it_has_between_one_and_four_million_parameters() -> None:
    parameters = sum(value.numel() for value in CompactSegmenter().parameters())
    assert 1e6 < parameters < 4e6


def test_a_logit_speaks_of_the_same_pixel_at_every_size() -> None:
    """A region that ends one pixel later has the same logits where the end is far away."""
    torch.manual_seed(0)
    network = CompactSegmenter(num_classes=5, width=4).eval()
    image = torch.randn(1, 3, 1025, 64)
    with torch.no_grad():
        whole, shorter = network(image), network(image[:, :, :1016])
    assert torch.allclose(whole[:, :, :40], shorter[:, :, :40], atol=1e-5)


def test_folded_batch_norms_compute_the_same() -> None:
    torch.manual_seed(0)
    network = CompactSegmenter(num_classes=5, width=4)
    network.train()(torch.randn(4, 3, 64, 64))  # batch norm statistics that are not 0 and 1
    network.eval()
    image = torch.randn(1, 3, 53, 70)
    with torch.no_grad():
        expected = network(image)
        assert torch.allclose(fold_batch_norms(network)(image), expected, atol=1e-4)


@pytest.mark.parametrize("width", [0, 6, -4])
def test_a_width_that_does_not_work_is_refused(width: int) -> None:
    with pytest.raises(ValueError, match="multiple of 4"):
        CompactSegmenter(width=width)
