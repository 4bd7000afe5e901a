"""How long the pipeline's parts take; ratios within one run are what to read.

    python test/benchmarks/pipeline.py [--size 1024x2048] [--threads 2] [--repeats 5]

The original's networks at their original sizes, untrained (time does not depend on the weights,
except that decoding is quicker on the smooth logits of trained ones), on the synthetic drive.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray

from dvsnet_ros.core.checkpoint import Checkpoint, untrained_checkpoint
from dvsnet_ros.core.decode import decode
from dvsnet_ros.core.label_sets import CITYSCAPES
from dvsnet_ros.core.memory import keep_freed_memory
from dvsnet_ros.core.networks.resize import resize_bilinear
from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import SyntheticDrive


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Median of some runs, after one that is not counted."""
    work()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def frame_seconds(
    checkpoint: Checkpoint,
    frames: list[NDArray[np.uint8]],
    target: float,
    device: str,
    precision: str,
) -> float:
    """Median seconds of a frame whose regions all take the path that the target forces."""
    segmenter = VideoSegmenter(
        checkpoint, schedule=Schedule("fixed", target), device=device, precision=precision
    )
    turn: Iterator[NDArray[np.uint8]] = iter(frames * 2)
    segmenter.segment(next(turn))
    return median_seconds(lambda: segmenter.segment(next(turn)), len(frames) - 1)


def decode_ratio(height: int, width: int, repeats: int) -> tuple[float, float]:
    """Seconds of decoding a region by definition, and by the pipeline, on smooth logits."""
    torch.manual_seed(0)
    coarse = 5 * torch.randn(1, 19, height // 96, width // 96)
    logits = functional.interpolate(coarse, (height // 8, width // 8), mode="bicubic")[0]
    logits += 0.1 * torch.randn_like(logits)

    def by_definition() -> None:
        values, classes = resize_bilinear(logits[None], height, width)[0].max(0)
        classes.to(torch.uint8), values

    plain = median_seconds(by_definition, repeats)
    return plain, median_seconds(lambda: decode(logits, height, width), repeats)


def main() -> None:
    """Measure, and print a table."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--size", default="1024x2048", help="height x width")
    flags.add_argument("--threads", type=int, default=2)
    flags.add_argument("--device", default="cpu", help="cpu, or cuda")
    flags.add_argument("--repeats", type=int, default=5)
    options = flags.parse_args()
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    height, width = map(int, options.size.split("x"))
    plain, ours = decode_ratio(height // 2 + 64, width // 2 + 64, options.repeats)
    print(
        f"decode a region: by definition {plain * 1e3:.0f} ms, ours {ours * 1e3:.0f} ms, "
        f"ratio {plain / ours:.1f}"
    )
    checkpoint = untrained_checkpoint(CITYSCAPES, size="full")
    drive = SyntheticDrive(width=width, height=height, duration=1.0)
    frames = [drive[index].image for index in range(options.repeats + 1)]
    for precision in ("float32", "bfloat16"):
        with torch.inference_mode():
            slow = frame_seconds(checkpoint, frames[:3], 100.0, options.device, precision)
            fast = frame_seconds(checkpoint, frames, 0.0, options.device, precision)
        print(
            f"{precision}: a frame on the segmentation path {slow * 1e3:.1f} ms, on the flow "
            f"path {fast * 1e3:.1f} ms, ratio {slow / fast:.0f}"
        )


if __name__ == "__main__":
    main()
