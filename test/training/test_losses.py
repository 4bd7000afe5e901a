import numpy as np
import pytest
import torch

from dvsnet_ros.training.losses import class_weights, segmentation_loss

CLASSES = 3


def random_case(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, CLASSES, 4, 5, generator=random)
    labels = torch.randint(0, CLASSES, (2, 32, 40), generator=random, dtype=torch.uint8)
    return logits, labels


def test_rare_classes_weigh_more_and_the_mean_weight_is_one() -> None:
    weights = class_weights(np.array([0.9, 0.099, 0.001]))
    assert weights[0] < weights[1] < weights[2]
    assert weights.mean() == pytest.approx(1.0)


@pytest.mark.parametrize("void", [CLASSES, 11, 255])
def test_void_counts_for_nothing(void: int) -> None:
    logits, labels = random_case()
    logits.requires_grad_()
    labels[:, :, 8:] = void
    cut = segmentation_loss(logits, labels, torch.ones(CLASSES))
    cut.backward()
    # Columns 2 and on of the logits reach only pixels from column 9 on.
    assert logits.grad is not None
    assert logits.grad[..., 2:].abs().max() == 0
    assert logits.grad[..., :1].abs().max() > 0


def test_other_logits_under_void_leave_the_loss_alone() -> None:
    logits, labels = random_case()
    labels[1] = 11
    loss = segmentation_loss(logits, labels, torch.ones(CLASSES))
    logits[1] = 100 * torch.randn_like(logits[1])
    assert segmentation_loss(logits, labels, torch.ones(CLASSES)) == loss


def test_all_void_is_zero_and_has_a_gradient() -> None:
    logits, labels = random_case()
    logits.requires_grad_()
    loss = segmentation_loss(logits, torch.full_like(labels, 11), torch.ones(CLASSES))
    loss.backward()
    assert loss == 0
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_it_is_the_weighted_mean_of_cross_entropy() -> None:
    random = torch.Generator().manual_seed(1)
    logits = torch.randn(1, CLASSES, 16, 20, generator=random)
    labels = torch.randint(0, CLASSES, (1, 32, 40), generator=random)
    weights = torch.tensor([0.5, 1.0, 1.5])
    expected = torch.nn.functional.cross_entropy(logits, labels[:, ::2, ::2], weights)
    assert segmentation_loss(logits, labels, weights).item() == pytest.approx(expected.item())
