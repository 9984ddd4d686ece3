"""The live page of runs that `powertrain watch` shows. It reads folders of runs and writes into none."""
