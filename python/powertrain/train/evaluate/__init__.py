"""What a trained model is worth: scores, baselines, calibration, predictions."""
