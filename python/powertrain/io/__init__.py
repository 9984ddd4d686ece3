"""What reads and writes: the terminal, JSON, files that people name, files of a run."""

from powertrain.errors.modules import answer_calls

answer_calls(__name__)
