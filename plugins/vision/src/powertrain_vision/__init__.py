"""Vision for powertrain: picture folders, random changes of pictures, residual networks, MNIST-1D, recipes."""
