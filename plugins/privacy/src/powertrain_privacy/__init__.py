"""powertrain-privacy: training whose model gives away little about any single example."""
