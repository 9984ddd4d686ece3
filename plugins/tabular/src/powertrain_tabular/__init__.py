"""Tables for powertrain: cleaning, encoders, splits, linear models, clusters, trees, kernel machines."""
