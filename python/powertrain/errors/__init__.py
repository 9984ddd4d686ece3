"""Errors: the boundary between callers and the engine, and what to write in place of a name of another library."""
