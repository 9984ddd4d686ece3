"""A trained run as one C header: C99, static memory, no dependency but the standard library."""

from powertrain.builtin.exporters.c.exporter import CHeader

__all__ = ["CHeader"]
