"""The built-in ways of learning. The Trainer knows none of them; each is found by its entry point."""
