"""Plugins: how they are found, what they offer, how their parameters are checked. Imports no plugin."""

from powertrain.plugins.params import NoParams, Range, param
from powertrain.plugins.protocols import GROUPS, Inputs
from powertrain.plugins.registry import Plugin, PluginError, Registry, registry

__all__ = ["GROUPS", "Inputs", "NoParams", "Plugin", "PluginError", "Range", "Registry", "param", "registry"]
