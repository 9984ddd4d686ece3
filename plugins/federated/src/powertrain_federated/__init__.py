"""powertrain-federated: one model from the data of many clients, which nobody else sees."""
