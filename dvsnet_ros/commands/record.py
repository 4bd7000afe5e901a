"""`dvsnet record`: any drive as a rosbag."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from dvsnet_ros.commands.flags import INTERRUPTED, number
from dvsnet_ros.commands.interruption import interruption
from dvsnet_ros.drives import KINDS_OF_DRIVES, Drive, DriveError, drive
from dvsnet_ros.drives.bag_writer import STORAGES, check_bag, new_bag
from dvsnet_ros.drives.camera_recorder import CameraRecorder
from dvsnet_ros.drives.topics import DEFAULT_TOPIC, CameraTopics
from dvsnet_ros.drives.whole import check_new


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    flags = argparse.ArgumentParser(
        prog="dvsnet record",
        description="Write a drive to a rosbag2 bag, as a camera driver's topics: images, camera "
        "info beside them, and labels where the drive has them. No ROS is needed. `ros2 bag play`, "
        "Foxglove and the other commands here take it.",
        epilog="example: dvsnet record street/ street.bag --rate 15",
    )
    flags.add_argument("drive", metavar="DRIVE", help=KINDS_OF_DRIVES)
    flags.add_argument(
        "out", metavar="OUT", type=Path,
        help="the bag: OUT.bag is a folder with metadata.yaml, as ROS 2 makes it; OUT.mcap is one "
        "file",
    )  # fmt: skip
    flags.add_argument(
        "--topic", default=DEFAULT_TOPIC,
        help="of the images; camera_info and labels lie beside it (default: %(default)s)",
    )  # fmt: skip
    flags.add_argument(
        "--compressed", action="store_true",
        help="JPEG images, on TOPIC/compressed: far smaller, no longer exact",
    )  # fmt: skip
    flags.add_argument(
        "--storage", choices=STORAGES, default="mcap",
        help="sqlite3 is what ROS 2 Humble plays without more packages (default: %(default)s)",
    )  # fmt: skip
    flags.add_argument(
        "--rate",
        type=number,
        metavar="HZ",
        help="frames a second, in place of the drive's own stamps",
    )
    return flags


def run(arguments: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = parser().parse_args(arguments)
    try:
        check_bag(options.out, options.storage)
        check_new(options.out)
        written = _record(drive(options.drive, rate=options.rate), options)
    except (ValueError, OSError) as error:
        print(f"dvsnet record: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dvsnet record: interrupted; nothing is left behind", file=sys.stderr)
        return INTERRUPTED
    print(f"{written} frames in {options.out}")
    return 0


def _record(frames: Drive, options: argparse.Namespace) -> int:
    """Write the drive; returns how many frames that were."""
    topics = CameraTopics(options.topic)
    written = 0
    with interruption() as interrupted, new_bag(options.out, options.storage) as bag:
        recorder = CameraRecorder(bag, topics, compressed=options.compressed)
        for frame in tqdm(frames, unit="frame", dynamic_ncols=True):
            recorder.write(frame)
            written += 1
            interrupted.check()
        if not written:
            raise DriveError(f"no frame of {frames.name} can be read")
    return written
