"""How a classifier's outputs become probabilities and an answer: calibration and threshold, fitted on valid."""
