"""Where tensors are and where steps run: main memory, or a device that another distribution brings."""
