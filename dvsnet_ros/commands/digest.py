"""What tells a file from another one, wherever it lies."""

import hashlib
from pathlib import Path


def sha256(file: Path) -> str:
    """The SHA-256 of a file's contents, in hexadecimal digits.

    Raises:
        OSError: it can't be read.
    """
    return hashlib.sha256(file.read_bytes()).hexdigest()
