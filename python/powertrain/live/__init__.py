"""The live page of runs that `powertrain watch` shows. It reads folders of runs and writes into none."""

from powertrain.errors.modules import answer_calls

answer_calls(__name__)
