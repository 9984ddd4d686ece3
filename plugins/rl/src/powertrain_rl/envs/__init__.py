"""Environments of classic control, with the dynamics of Gymnasium in float32, as traced ops."""
