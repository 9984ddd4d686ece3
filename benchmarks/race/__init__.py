"""Frameworks side by side: each in a process of its own, in turns on one machine, on the same work."""
