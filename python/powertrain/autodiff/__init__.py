"""Derivatives of functions: gradients, rows (`vmap`), Jacobians, gradients by hand."""
