"""Functions of arrays: the ops themselves, and what is made of them. `powertrain` exports those that are public."""
