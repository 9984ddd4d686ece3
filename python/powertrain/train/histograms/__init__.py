"""Histograms of the gradients, weights and activations of each layer while a run trains."""
