"""Modules of Keras, JAX, MLX and torch as names of powertrain: a part of counterparts.py."""

from __future__ import annotations

from typing import Final

_FIT: Final = "run = pt.fit(model=model, data=(x, y), epochs=10)"
_LAYERS_OF_BITS: Final = "pt.quantize(model, bits=8)"
_IN_MEMORY: Final = "pt.device('cuda'), or pt.cuda.is_available()"

# For powertrain itself.
MODULES: Final[dict[str, str]] = {
    "BoolTensor": "pt.tensor(data, dtype='bool')",
    "ByteTensor": "pt.tensor(data, dtype='uint8')",
    "DoubleTensor": "pt.tensor(data, dtype='float64')",
    "EarlyStopping": f"{_FIT[:-1]}, run={{'stop': {{'watch': 'valid.loss', 'patience': 5}}}})",
    "FloatTensor": "pt.tensor(data, dtype='float32')",
    "GradientTape": "loss, grads = pt.nn.value_and_grad(model, loss_fn)(x, y); opt.update(grads)",
    "HalfTensor": "pt.tensor(data, dtype='float16')",
    "IntTensor": "pt.tensor(data, dtype='int32')",
    "LightningModule": f"pt.nn.Module for the model, and {_FIT}",
    "LongTensor": "pt.tensor(data, dtype='int64')",
    "Model": "pt.nn.Module",
    "ModelCheckpoint": f"{_FIT[:-1]}, folder='runs/mine'), which saves as it trains; resume=True goes on",
    "Trainer": _FIT,
    "Variable": "pt.Slot(value)",
    "activations": "pt.nn.functional.relu(x), or pt.nn.ReLU()",
    "ao": _LAYERS_OF_BITS,
    "applications": "pt.builtin.models",
    "callbacks": f"{_FIT[:-1]}, callbacks=[...]), with those of pt.plugin.Callback; early "
    "stopping is run={'stop': {'watch': 'valid.loss', 'patience': 5}}",
    "constant": "pt.tensor(data)",
    "convert_to_numpy": "x.numpy()",
    "convert_to_tensor": "pt.asarray(data)",
    "datasets": "pt.data",
    "debug": "step.describe(), or print(x) outside of a compiled step",
    "default_device": _IN_MEMORY,
    "devices": _IN_MEMORY,
    "distributions": "pt.random, and losses such as pt.nn.functional.gaussian_nll_loss",
    "func": "pt.grad(fn), pt.vmap(fn), pt.jacobian(fn), pt.hessian(fn)",
    "function": "pt.compile(fn)",
    "functional": "pt.nn.functional",
    "initializers": "pt.nn.init.kaiming_normal_(layer.weight)",
    "keras": f"{_FIT}, with a model of pt.nn",
    "lax": "pt.scan(fn, init, xs), pt.cond and pt.while_loop",
    "layers": "pt.nn.Linear(in_features, out_features), and the other layers of pt.nn",
    "load_model": "run = pt.load(folder)",
    "load_state_dict": "model.load_state_dict(state)",
    "local_devices": _IN_MEMORY,
    "losses": "pt.nn.functional.cross_entropy(input, target), or pt.nn.CrossEntropyLoss()",
    "make_jaxpr": "step = pt.compile(fn); step(x); print(step.describe())",
    "numpy": "pt.zeros(shape), pt.sum(x): pt itself has NumPy's functions",
    "ops": "pt.matmul(a, b), pt.sum(x): pt itself has the functions",
    "optimizers": "pt.optim.Adam(model, lr=1e-3)",
    "preprocessing": "pt.data.transforms",
    "quantization": _LAYERS_OF_BITS,
    "reduce_all": "pt.all(x)",
    "reduce_any": "pt.any(x)",
    "reduce_max": "pt.max(x)",
    "reduce_mean": "pt.mean(x)",
    "reduce_min": "pt.min(x)",
    "reduce_prod": "pt.prod(x)",
    "reduce_std": "pt.std(x)",
    "reduce_sum": "pt.sum(x)",
    "regularizers": "pt.optim.AdamW(model, weight_decay=0.01)",
    "remat": "pt.checkpoint(fn)",
    "save_safetensors": "pt.save(path, model=model)",
    "saving": "run = pt.load(folder)",
    "schedules": "pt.optim.schedules",
    "seed_everything": "pt.random.seed(value)",
    "set_random_seed": "pt.random.seed(value)",
    "tensorboard": "writer = tensorboardX.SummaryWriter(folder), or pt.fit(..., callbacks=['tensorboard'])",
    "torchvision": "pt.data.transforms",
    "transforms": "pt.data.transforms",
    "tree": "{name: fn(value) for name, value in tree.items()}; pt.grad takes lists and dicts as they are",
    "tree_map": "{name: fn(value) for name, value in tree.items()}; pt.grad takes lists and dicts as they are",
    "tree_util": "{name: fn(value) for name, value in tree.items()}; pt.grad takes lists and dicts as they are",
    "value_and_gradient": "pt.value_and_grad(fn)",
}

# What has no line of its own here, and why.
ABOUT: Final[dict[str, str]] = {
    "backend": "there is one engine, on main memory; leave it out",
    "config": "there is nothing to set; leave it out",
    "eval": "a value is there when its call returns; leave it out",
    "export": "pt.onnx.export(model, example_inputs, path), or run.export(name) of what pt.fit and pt.load give",
    "hub": "models are made here, and model.load_state_dict(state, layout='torch') takes weights from a file",
    "io": "pt.data reads files, and pt.save(path, model=model) writes them",
    "nested": "sequences of several lengths are padded: pt.nn.utils.rnn.pad_sequence(sequences)",
    "profiler": "powertrain profile RECIPE, or step.profile() of a compiled step",
    "scipy": "SciPy itself runs on tensors with SCIPY_ARRAY_API=1; pt.linalg and pt.fft are here",
}
