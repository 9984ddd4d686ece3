"""Each framework's version of the workloads, written as its own users write it for speed.

A module `<framework>_steps` has `training(workload, variant, precision)`, `adamw(variant, weights, gradients)` and
`product(variant, a, b, turn_a, turn_b, precision)`, which return a function of no arguments that does the work once;
`wait(result)`, for frameworks whose calls come back before the work is done; VARIANTS and VERSION.
Those that generate have `generating(kind, batch, precision)` (peers.smollm2).
"""
