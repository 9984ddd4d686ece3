"""What a run will cost: it is begun in a folder of its own, measured, and counted up to its end."""
