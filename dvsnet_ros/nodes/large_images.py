"""Fast DDS's profile for images of over half a megabyte, found and handed to processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

PROFILE: Final = "config/fastdds_large_images.xml"
"""The profile, in the share folder or the source tree."""

VARIABLES: Final = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
"""Fast DDS reads the first name up to its version 2, both in between, the second from 3 on."""


def profile_environment() -> dict[str, str]:
    """The variables that give a process the profile; none where it can't be found."""
    prefixes = [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]
    folders = [Path(prefix, "share/dvsnet_ros") for prefix in prefixes if prefix]
    folders.append(Path(__file__).parents[2])  # the source tree, in an editable install
    profiles = (folder / PROFILE for folder in folders)
    profile = next((profile for profile in profiles if profile.is_file()), None)
    return {} if profile is None else dict.fromkeys(VARIABLES, str(profile))


def large_images_environment() -> dict[str, str]:
    """The same, but none where the user chose a profile already."""
    return {} if any(os.environ.get(name) for name in VARIABLES) else profile_environment()
