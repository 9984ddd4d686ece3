"""Callbacks that log a run to other programs. Each imports its library when a run begins."""
