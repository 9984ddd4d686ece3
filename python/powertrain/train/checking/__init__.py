"""What is wrong with the data of a recipe: `powertrain check`."""
