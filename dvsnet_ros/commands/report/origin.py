"""What ran: the checkpoint, the drive, the settings and the machine, as people read them."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import torch

from dvsnet_ros.commands.digest import sha256
from dvsnet_ros.commands.report.drive_record import DriveRecord
from dvsnet_ros.core.checkpoint import Checkpoint
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import Drive
from dvsnet_ros.evaluation.segmenters import Segmenters

Entries = list[tuple[str, str]]


def describe_checkpoint(checkpoint: Checkpoint, files: Sequence[Path]) -> Entries:
    """Of a checkpoint that was read from these files; they are told by name and digest."""
    entries = [
        (name, f"{file.name} · sha256 {sha256(file)[:12]}")
        for name, file in zip(("file", "decision network's file"), files, strict=False)
    ]
    for name, network in checkpoint.networks.items():
        parameters = sum(value.numel() for value in network.parameters())
        architecture = checkpoint.specs[name].architecture.replace("_", " ")
        entries.append((f"{name} network", f"{architecture} · {parameters:,} parameters"))
    classes = len(checkpoint.label_set.classes)
    return [*entries, ("label set", f"{checkpoint.label_set.name} · {classes} classes")]


def describe_drive(drive: Drive, record: DriveRecord, labelled: int) -> Entries:
    """Of the frames that were run through; so many of them have labels."""
    height, width = record.size
    return [
        ("name", drive.name),
        ("frames", f"{len(record)} · {labelled} with labels"),
        ("size", f"{width} × {height}"),
        ("rate", f"{drive.rate:.4g} frames/s"),
        ("length", f"{record.seconds[-1]:.1f} s"),
    ]


def describe_settings(segmenters: Segmenters, segmenter: VideoSegmenter) -> Entries:
    """Of the run that is shown."""
    height, width = segmenters.size
    grid = f"{segmenters.rows} × {segmenters.columns}"
    return [
        ("schedule", segmenter.schedule.mode),
        ("target", f"{segmenter.schedule.target:.6g}"),
        ("regions", f"{grid} · overlap {segmenters.overlap} px"),
        ("longest gap", f"{segmenters.max_gap:g} s" if segmenters.max_gap else "any"),
        ("processing size", f"{width} × {height}" if height else "the frame's own"),
        ("device", str(segmenter.device)),
        ("precision", str(segmenter.precision).removeprefix("torch.")),
    ]


def describe_machine(device: torch.device) -> Entries:
    """Of this machine, now."""
    entries = [
        ("processor", f"{_processor()} · {os.cpu_count()} cores"),
        ("threads", str(torch.get_num_threads())),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("software", f"Python {platform.python_version()} · torch {torch.__version__}"),
        ("made", datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")),
    ]
    if device.type == "cuda":
        entries.insert(0, ("GPU", torch.cuda.get_device_name(device)))
    return entries


def _processor() -> str:
    """The processor's name, where the system tells it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
