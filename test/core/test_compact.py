import pytest
import torch

from dvsnet_ros.core.networks.compact import CompactSegmenter
from dvsnet_ros.core.networks.layers import fold_batch_norms
from dvsnet_ros.core.networks.resize import resize_bilinear


@pytest.mark.parametrize("size", [(32, 48), (53, 71), (54, 66), (8, 8), (33, 41)])
def test_logits_are_a_quarter_of_any_region(size: tuple[int, int]) -> None:
    network = CompactSegmenter(num_classes=5, width=4).eval()
    logits = network(torch.randn(2, 3, *size))
    assert logits.shape == (2, 5, 2 * -(-size[0] // 8), 2 * -(-size[1] // 8))


def test_it_has_between_one_and_four_million_parameters() -> None:
    parameters = sum(value.numel() for value in CompactSegmenter().parameters())
    assert 1e6 < parameters < 4e6


def test_logits_are_where_the_resize_expects_them_at_every_size() -> None:
    """An edge lies at the same share of the logits' height, whether 8 divides the region or not."""
    torch.manual_seed(0)
    network = CompactSegmenter(num_classes=2, width=4).eval()
    # soft, so that the resize to 844 rows does not blur it; a pixel off would be 0.35 deviations
    edge = torch.sigmoid((torch.arange(848.0) - 424.0) / 8.0)
    image = edge.view(1, 1, 848, 1).expand(1, 3, 848, 64)
    with torch.no_grad():
        whole = network(image)
        # 844 rows are 105.5 features: the same picture, 4 pixels less high
        squeezed = network(resize_bilinear(image, 844, 64))
    assert whole.shape == squeezed.shape == (1, 2, 212, 16)
    assert torch.allclose(whole, squeezed, atol=0.02 * float(whole.std()))


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
