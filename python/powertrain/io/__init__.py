"""What reads and writes: the terminal, JSON, files that people name, files of a run."""
