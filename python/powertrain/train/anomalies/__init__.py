"""What goes wrong in training, how a run notices it, and what it does about it."""
