import numpy as np
import pytest
import torch

from dvsnet_ros.core.networks.resize import resize_bilinear
from dvsnet_ros.training.losses import (
    JACCARD_WEIGHT,
    class_weights,
    jaccard_loss,
    segmentation_loss,
    weighted_cross_entropy,
)

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


def test_cross_entropy_is_the_weighted_mean() -> None:
    random = torch.Generator().manual_seed(1)
    logits = torch.randn(1, CLASSES, 16, 20, generator=random)
    labels = torch.randint(0, CLASSES, (1, 16, 20), generator=random)
    weights = torch.tensor([0.5, 1.0, 1.5])
    expected = torch.nn.functional.cross_entropy(logits, labels, weights)
    given = weighted_cross_entropy(logits.log_softmax(1), labels, weights)
    assert given.item() == pytest.approx(expected.item())


def test_of_certain_answers_the_jaccard_loss_is_one_minus_the_mean_iou() -> None:
    truth = torch.tensor([[[0, 0, 0, 1], [0, 0, 0, 1]]])
    answer = torch.tensor([[[0, 0, 1, 1], [0, 0, 0, 1]]])
    shares, certain = (
        torch.nn.functional.one_hot(classes, CLASSES).permute(0, 3, 1, 2).float()
        for classes in (answer, truth)
    )
    # class 0: 5 of 6 pixels, class 1: 2 of 3, class 2: not there
    assert jaccard_loss(shares, certain).item() == pytest.approx(1 - (5 / 6 + 2 / 3) / 2)


def test_the_jaccard_loss_of_uncertain_truths_is_zero_where_the_answer_is_the_truth() -> None:
    truth = random_case()[0].softmax(1)
    assert jaccard_loss(truth, truth) == 0
    assert jaccard_loss(truth.flip(1), truth) > 0.1


def test_both_count() -> None:
    logits, labels = random_case()
    weights = torch.tensor([0.5, 1.0, 1.5])
    resized = resize_bilinear(logits, 16, 20)
    sampled = labels[:, ::2, ::2].long()
    entropy = weighted_cross_entropy(resized.log_softmax(1), sampled, weights)
    truth = torch.nn.functional.one_hot(sampled, CLASSES).permute(0, 3, 1, 2).float()
    expected = entropy + JACCARD_WEIGHT * jaccard_loss(resized.softmax(1), truth)
    assert segmentation_loss(logits, labels, weights).item() == pytest.approx(expected.item())
