"""What errors of libraries say, fit for a sentence."""

from __future__ import annotations


def one_line(error: Exception) -> str:
    """An error's text without line breaks, or its kind where it has none."""
    return " ".join(str(error).split()) or type(error).__name__
