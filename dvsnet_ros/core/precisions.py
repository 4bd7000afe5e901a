"""How the number formats of the networks are called, for whoever does without torch."""

from typing import Final

PRECISION_NAMES: Final = ("float32", "bfloat16", "float16")
