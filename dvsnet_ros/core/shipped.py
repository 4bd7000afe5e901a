"""The weights that ship with the package."""

from pathlib import Path
from typing import Final

SHIPPED_CHECKPOINT: Final = Path(__file__).resolve().parent.parent / "weights" / "road.safetensors"
"""Trained on road scenes, with CamVid's label set (docs/model_card.md)."""
