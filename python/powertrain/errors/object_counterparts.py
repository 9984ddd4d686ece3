"""Attributes of objects that are spelt otherwise here: a part of counterparts.py."""

from __future__ import annotations

from typing import Final

# Of PyTorch's, Keras', JAX's and NumPy's objects, by the class of ours or a base of it.
OBJECTS: Final[dict[str, dict[str, str]]] = {
    "CompiledFunction": {
        "clear_cache": "nothing: the programs used last are kept, and limit= of pt.compile says how many",
        "cost_analysis": "step.programs[0], after a call",
        "eval_shape": "step(x).shape",
        "get_concrete_function": "step(x): each shape has its program",
        "graph": "step.describe(), after a call",
        "lower": "step.describe(), after a call",
        "py_func": "step.__wrapped__",
        "python_function": "step.__wrapped__",
        "trace": "step.describe(), after a call",
    },
    "DataLoader": {
        "next": "next(iter(loader))",
        "shape": "len(loader) for the batches, len(loader.dataset) for the examples",
    },
    "DType": {
        "is_floating_point": "dtype.is_float",
        "is_signed": "dtype.kind in 'ifc'",
        "str": "dtype.name",
        "type": "dtype.name",
    },
    "EMA": {
        "average_parameters": "with ema.applied(): ...",
        "copy_to": "with ema.applied(): ..., in which the model has the averages",
        "step": "ema.update()",
        "store": "with ema.applied(): ..., which puts the model back as it was",
    },
    "Generator": {
        "fork": "pt.random.Generator(seed) for each stream",
        "manual_seed": "pt.random.Generator(seed)",
        "shuffle": "x = generator.permutation(x)",
        "split": "pt.random.Generator(seed) for each stream",
    },
    "Optimizer": {
        "apply": "opt.update(grads)",
        "apply_gradients": "opt.update(grads)",
        "defaults": "opt.param_groups",
        "get_last_lr": "opt.scheduled_lr",
        "init": "opt.update(grads): the state is made with the optimizer",
        "learning_rate": "opt.lr, or opt.scheduled_lr with a schedule",
        "minimize": "opt.update(grads)",
        "set_lr": "opt.lr = ...",
        "state": "opt.state_dict()",
    },
    "Predictions": {
        "argmax": "predictions.labels, or predictions.outputs.argmax(axis=1)",
        "cpu": "predictions.outputs",
        "detach": "predictions.outputs",
        "dtype": "predictions.outputs.dtype",
        "max": "predictions.probabilities.max(axis=1)",
        "mean": "predictions.outputs.mean()",
        "numpy": "predictions.outputs",
        "shape": "predictions.outputs.shape",
        "softmax": "predictions.probabilities",
        "to_pandas": "pandas.DataFrame(predictions.table())",
        "tolist": "predictions.outputs.tolist(), or predictions.labels.tolist()",
    },
    "TensorDataset": {
        "tensors": "tuple(data.arrays.values())",
    },
    "History": {
        "epoch": "run.history['epoch']",
        "history": "run.history['train.loss'] for a column, run.history[-1] for a row",
        "items": "{name: run.history[name] for name in run.history.names}",
        "keys": "run.history.names",
        "plot": "pandas.DataFrame(run.history).plot(x='epoch')",
        "to_csv": "pandas.DataFrame(run.history).to_csv(path)",
    },
    "TrainedRun": {
        "fit": "pt.fit(model=run.model, data=data, epochs=10)",
        "losses": 'run.history["train.loss"]',
        "metrics": "run.evaluate()",
        "plot": "run.report(), or pandas.DataFrame(run.history).plot(x='epoch')",
        "predict_proba": "run.predict(x).probabilities",
        "save": "pt.fit(..., folder=...), whose folder pt.load opens",
        "score": "run.evaluate((x, y))",
        "state_dict": "run.model.state_dict()",
        "summary": "run.report()",
        "transform": "run.predict(x)",
    },
}
