"""What makes one program of a function: compiling, its facts, loops and branches, slots, mixed precision."""
