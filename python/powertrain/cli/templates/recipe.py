"""A recipe: the path of a TOML file, which the wheel carries beside the code."""

from __future__ import annotations

from pathlib import Path

recipe = Path(__file__).with_name("example.toml")
