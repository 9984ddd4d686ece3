"""Names of NumPy, PyTorch, Keras and JAX that are spelt otherwise here, and what to write in their place.

A row holds the line to write. A name that exists in another public module, and one that is nearly a name of ours, need
no row: hints.py finds them. `docs/names.md` shows the rows in tables. The test of that page holds both to what there
is.
"""

from __future__ import annotations

from typing import Final

from powertrain.errors.array_counterparts import ARRAYS
from powertrain.errors.estimator_counterparts import ESTIMATORS, FITTED
from powertrain.errors.module_counterparts import ABOUT, MODULES
from powertrain.errors.object_counterparts import OBJECTS
from powertrain.errors.schedule_counterparts import SCHEDULES
from powertrain.errors.tensor_counterparts import MODULE, SLOT, TENSOR

_WORKERS: Final = "pt.fit('recipe.toml', workers=4, run={'shards': 4}); a loop of your own runs in one process"

# Of torch.nn.functional, jax.nn and keras.ops, for powertrain.nn.functional.
FUNCTIONS: Final[dict[str, str]] = {
    "adaptive_max_pool1d_with_indices": "pt.nn.functional.adaptive_max_pool1d(input, output_size, return_indices=True)",
    "adaptive_max_pool2d_with_indices": "pt.nn.functional.adaptive_max_pool2d(input, output_size, return_indices=True)",
    "adaptive_max_pool3d_with_indices": "pt.nn.functional.adaptive_max_pool3d(input, output_size, return_indices=True)",
    "average_pool": "pt.nn.functional.avg_pool2d(x, kernel_size)",
    "bce": "pt.nn.functional.binary_cross_entropy(input, target)",
    "bce_with_logits": "pt.nn.functional.binary_cross_entropy_with_logits(input, target)",
    "binary_crossentropy": "pt.nn.functional.binary_cross_entropy(input, target)",
    "categorical_crossentropy": "pt.nn.functional.cross_entropy(logits, shares)",
    "conv": "pt.nn.functional.conv2d(x, weight)",
    "conv_tbc": "pt.nn.functional.conv1d(x, weight), x [batch, time, channels]",
    "fractional_max_pool2d_with_indices": "pt.nn.functional.fractional_max_pool2d(x, k, output, return_indices=True)",
    "fractional_max_pool3d_with_indices": "pt.nn.functional.fractional_max_pool3d(x, k, output, return_indices=True)",
    "hard_sigmoid": "pt.nn.functional.hardsigmoid(x)",
    "hard_silu": "pt.nn.functional.hardswish(x)",
    "hard_swish": "pt.nn.functional.hardswish(x)",
    "hard_tanh": "pt.nn.functional.hardtanh(x)",
    "linear_cross_entropy": "pt.nn.functional.cross_entropy(pt.nn.functional.linear(x, weight), target)",
    "log_sigmoid": "pt.nn.functional.logsigmoid(x)",
    "max_pool": "pt.nn.functional.max_pool2d(x, kernel_size)",
    "max_pool1d_with_indices": "pt.nn.functional.max_pool1d(input, kernel_size, return_indices=True)",
    "max_pool2d_with_indices": "pt.nn.functional.max_pool2d(input, kernel_size, return_indices=True)",
    "max_pool3d_with_indices": "pt.nn.functional.max_pool3d(input, kernel_size, return_indices=True)",
    "multi_head_attention_forward": "pt.nn.MultiheadAttention(embed_dim, num_heads)(query, key, value)",
    "native_channel_shuffle": "pt.nn.ChannelShuffle(groups)(x)",
    "smooth_l1": "pt.nn.functional.smooth_l1_loss(input, target)",
    "sparse_categorical_crossentropy": "pt.nn.functional.cross_entropy(logits, classes)",
    "squareplus": "(x + pt.sqrt(x * x + 4)) / 2",
    "swish": "pt.nn.functional.silu(x)",
    "upsample": "pt.nn.functional.interpolate(x, scale_factor=2)",
    "upsample_bilinear": "pt.nn.functional.interpolate(x, scale_factor=2, mode='bilinear')",
    "upsample_nearest": "pt.nn.functional.interpolate(x, scale_factor=2)",
}

# Of torch.nn, keras.layers and flax.linen, for powertrain.nn.
LAYERS: Final[dict[str, str]] = {
    "Activation": "pt.nn.ReLU(), or another module by name",
    "Add": "a + b",
    "Average": "(a + b) / 2",
    "AveragePooling1D": "pt.nn.AvgPool1d(kernel_size)",
    "AveragePooling2D": "pt.nn.AvgPool2d(kernel_size)",
    "AveragePooling3D": "pt.nn.AvgPool3d(kernel_size)",
    "BatchNormalization": "pt.nn.BatchNorm2d(num_features)",
    "Bidirectional": "pt.nn.LSTM(input_size, hidden_size, bidirectional=True)",
    "BinaryCrossentropy": "pt.nn.BCELoss()",
    "Buffer": "pt.Slot(x), as an attribute of a module",
    "CategoricalCrossentropy": "pt.nn.CrossEntropyLoss()",
    "Concatenate": "pt.concat([a, b], axis=-1)",
    "Conv": "pt.nn.Conv2d(in_channels, out_channels, kernel_size)",
    "Conv1D": "pt.nn.Conv1d(in_channels, out_channels, kernel_size)",
    "Conv1DTranspose": "pt.nn.ConvTranspose1d(in_channels, out_channels, kernel_size)",
    "Conv2D": "pt.nn.Conv2d(in_channels, out_channels, kernel_size)",
    "Conv2DTranspose": "pt.nn.ConvTranspose2d(in_channels, out_channels, kernel_size)",
    "Conv3D": "pt.nn.Conv3d(in_channels, out_channels, kernel_size)",
    "CrossMapLRN2d": "pt.nn.LocalResponseNorm(size)",
    "DataParallel": _WORKERS,
    "Dense": "pt.nn.Linear(in_features, out_features)",
    "DistributedDataParallel": _WORKERS,
    "Dot": "pt.matmul(a, b)",
    "Embed": "pt.nn.Embedding(num_embeddings, embedding_dim)",
    "GlobalAveragePooling1D": "pt.mean(x, axis=1)",
    "GlobalAveragePooling2D": "pt.nn.AdaptiveAvgPool2d(1)",
    "GlobalMaxPooling1D": "pt.max(x, axis=1)",
    "GlobalMaxPooling2D": "pt.max(x, axis=(1, 2))",
    "GroupNormalization": "pt.nn.GroupNorm(num_groups, num_channels)",
    "Huber": "pt.nn.HuberLoss()",
    "Input": "pt.nn.Sequential(...): a module takes what it is called with",
    "KLDivergence": "pt.nn.KLDivLoss()",
    "Lambda": "a method of a pt.nn.Module",
    "Layer": "pt.nn.Module",
    "LayerNormalization": "pt.nn.LayerNorm(normalized_shape)",
    "LinearCrossEntropyLoss": "pt.nn.CrossEntropyLoss(), of what a pt.nn.Linear gives",
    "LinearCrossEntropyOptions": "pt.nn.CrossEntropyLoss(), of what a pt.nn.Linear gives",
    "MaxPooling1D": "pt.nn.MaxPool1d(kernel_size)",
    "MaxPooling2D": "pt.nn.MaxPool2d(kernel_size)",
    "MaxPooling3D": "pt.nn.MaxPool3d(kernel_size)",
    "Maximum": "pt.maximum(a, b)",
    "MeanAbsoluteError": "pt.nn.L1Loss()",
    "MeanSquaredError": "pt.nn.MSELoss()",
    "Minimum": "pt.minimum(a, b)",
    "Model": "pt.nn.Module",
    "MultiHeadAttention": "pt.nn.MultiheadAttention(embed_dim, num_heads)",
    "Multiply": "a * b",
    "NLLLoss2d": "pt.nn.NLLLoss()",
    "Permute": "pt.permute_dims(x, axes)",
    "Poisson": "pt.nn.PoissonNLLLoss()",
    "RMSNormalization": "pt.nn.RMSNorm(normalized_shape)",
    "Rescaling": "x * scale + offset",
    "Reshape": "x.reshape(shape)",
    "SimpleRNN": "pt.nn.RNN(input_size, hidden_size)",
    "SparseCategoricalCrossentropy": "pt.nn.CrossEntropyLoss()",
    "SpatialDropout1D": "pt.nn.Dropout1d(p)",
    "SpatialDropout2D": "pt.nn.Dropout2d(p)",
    "Subtract": "a - b",
    "SyncBatchNorm": "pt.nn.BatchNorm2d(num_features): one process has the whole batch",
    "UpSampling1D": "pt.repeat(x, 2, axis=1)",
    "UpSampling2D": "pt.nn.Upsample(scale_factor=2)",
    "ZeroPadding1D": "pt.nn.ZeroPad1d(padding)",
    "ZeroPadding2D": "pt.nn.ZeroPad2d(padding)",
    "ZeroPadding3D": "pt.nn.ZeroPad3d(padding)",
    "compact": "__init__ of a pt.nn.Module, in which its parts are made",
    "functional_call": "slot.value = tensor for what is to be exchanged, then model(x)",
    "initializers": "pt.nn.init.kaiming_normal_(layer.weight)",
    "parallel": "pt.set_threads(n): one process uses all cores",
}

# Of keras.initializers, jax.nn.initializers and flax, for powertrain.nn.init.
_HE: Final = "pt.nn.init.kaiming_{}_(layer.weight, nonlinearity='relu')"
_LECUN: Final = "pt.nn.init.kaiming_{}_(layer.weight, nonlinearity='linear')"
_GLOROT: Final = "pt.nn.init.xavier_{}_(layer.weight)"
INITIAL: Final[dict[str, str]] = {
    "Constant": "pt.nn.init.constant_(layer.bias, val)",
    "GlorotNormal": _GLOROT.format("normal"),
    "GlorotUniform": _GLOROT.format("uniform"),
    "HeNormal": _HE.format("normal"),
    "HeUniform": _HE.format("uniform"),
    "Identity": "pt.nn.init.eye_(layer.weight)",
    "LecunNormal": _LECUN.format("normal"),
    "LecunUniform": _LECUN.format("uniform"),
    "RandomNormal": "pt.nn.init.normal_(layer.weight, std=0.05)",
    "RandomUniform": "pt.nn.init.uniform_(layer.weight, -0.05, 0.05)",
    "TruncatedNormal": "pt.nn.init.trunc_normal_(layer.weight, std=0.05, a=-0.1, b=0.1)",
    "VarianceScaling": _HE.format("normal"),
    "constant": "pt.nn.init.constant_(layer.bias, val)",
    "delta_orthogonal": "pt.nn.init.orthogonal_(layer.weight)",
    "glorot_normal": _GLOROT.format("normal"),
    "glorot_uniform": _GLOROT.format("uniform"),
    "he_normal": _HE.format("normal"),
    "he_uniform": _HE.format("uniform"),
    "lecun_normal": _LECUN.format("normal"),
    "lecun_uniform": _LECUN.format("uniform"),
    "truncated_normal": "pt.nn.init.trunc_normal_(layer.weight, std=0.05, a=-0.1, b=0.1)",
    "variance_scaling": _HE.format("normal"),
}

# Of torch.nn.utils and its modules. Gradients are values, so that nothing clips them where they are.
_CLIP: Final = "grads, norm = pt.optim.clip_by_global_norm(grads, max_norm)"
_PACKED: Final = "y, state = lstm(padded, lengths=lengths): layers take sequences of several lengths padded"
UTILS: Final[dict[str, str]] = {
    "clip_grad_norm": _CLIP,
    "clip_grad_norm_": _CLIP,
    "clip_grad_value_": "grads = pt.optim.clip_by_value(grads, clip_value)",
    "clip_grads_with_norm_": _CLIP,
    "get_total_norm": "pt.optim.clip_by_global_norm(grads, 1.0)[1]",
    "remove_spectral_norm": "pt.nn.utils.parametrize.remove_parametrizations(module, 'weight')",
    "remove_weight_norm": "pt.nn.utils.parametrize.remove_parametrizations(module, 'weight')",
    "skip_init": "module_class(*args)",
}
SEQUENCES: Final[dict[str, str]] = {
    "PackedSequence": _PACKED,
    "pack_padded_sequence": _PACKED,
    "pack_sequence": "pt.nn.utils.rnn.pad_sequence(sequences)",
    "pad_packed_sequence": _PACKED,
    "unpack_sequence": "pt.nn.utils.rnn.unpad_sequence(padded, lengths)",
}

# Of torch.optim, torch.optim.lr_scheduler, keras.optimizers and optax, for powertrain.optim.
OPTIMIZERS: Final[dict[str, str]] = {
    "AveragedModel": "pt.optim.EMA(model)",
    "ChainedScheduler": "schedule=pt.optim.schedules.ChainedScheduler([a, b])",
    "ConstantLR": "schedule=pt.optim.schedules.ConstantLR()",
    "CosineAnnealingLR": "schedule=pt.optim.schedules.CosineAnnealingLR(T_max=100)",
    "CosineAnnealingWarmRestarts": "schedule=pt.optim.schedules.CosineAnnealingWarmRestarts(T_0=100)",
    "CyclicLR": "schedule=pt.optim.schedules.CyclicLR(base_lr=0.01, max_lr=0.1)",
    "ExponentialLR": "schedule=pt.optim.schedules.ExponentialLR(gamma=0.999)",
    "ExponentialMovingAverage": "pt.optim.EMA(model)",
    "Lamb": "pt.optim.LAMB(model)",
    "LambdaLR": "schedule=lambda step: 0.95**step",
    "LinearLR": "schedule=pt.optim.schedules.LinearLR(total_iters=5)",
    "MultiStepLR": "schedule=pt.optim.schedules.MultiStepLR(milestones=[30, 80])",
    "OneCycleLR": "schedule=pt.optim.schedules.OneCycleLR(max_lr=0.1, total_steps=1000)",
    "PolynomialLR": "schedule=pt.optim.schedules.PolynomialLR(total_iters=1000)",
    "SequentialLR": "schedule=pt.optim.schedules.SequentialLR([warmup, decay], milestones=[100])",
    "StepLR": "schedule=pt.optim.schedules.StepLR(step_size=30)",
    "adagrad": "pt.optim.Adagrad(model)",
    "adam": "pt.optim.Adam(model)",
    "adamw": "pt.optim.AdamW(model)",
    "apply_updates": "opt.update(grads)",
    "chain": "pt.optim.AdamW(model, clip=1.0, schedule=schedule)",
    "clip_grad_norm": _CLIP,
    "clip_grad_norm_": _CLIP,
    "clip_grad_value_": "pt.optim.clip_by_value(grads, max_value)",
    "global_norm": "grads, norm = pt.optim.clip_by_global_norm(grads, max_norm)",
    "lr_scheduler": "opt = pt.optim.AdamW(model, schedule=pt.optim.schedules.StepLR(step_size=30))",
    "rmsprop": "pt.optim.RMSprop(model)",
    "sgd": "pt.optim.SGD(model, lr=0.1)",
}

# Distributions of numpy.random and torch that have no counterpart.
BY_NUMPY: Final[dict[str, str]] = {
    name: f"pt.asarray(numpy.random.default_rng(seed).{name}(...)), outside of a compiled step"
    for name in (
        "beta", "binomial", "chisquare", "dirichlet", "gamma", "geometric", "hypergeometric", "logistic",
        "multivariate_normal", "negative_binomial", "pareto", "poisson", "rayleigh", "standard_cauchy",
        "standard_gamma", "standard_t", "triangular", "vonmises", "wald", "weibull", "zipf",
    )
}  # fmt: skip
# Of torch, numpy.random and jax.random, for powertrain.random.
RANDOM: Final[dict[str, str]] = {
    "PRNGKey": "pt.random.Generator(seed)",
    "RandomState": "pt.random.Generator(seed)",
    "categorical": "pt.argmax(logits + pt.random.gumbel(size=logits.shape), axis=-1)",
    "default_rng": "pt.random.Generator(seed)",
    "get_rng_state": "pt.save(path), which keeps the default generator; generator.slot.value is the state of another",
    "get_state": "pt.save(path), which keeps the default generator; generator.slot.value is the state of another",
    "key": "pt.random.Generator(seed)",
    "manual_seed": "pt.random.seed(value)",
    "multinomial": "pt.random.choice(n, size, p=p)",
    "random": "pt.random.uniform(size=size)",
    "random_sample": "pt.random.uniform(size=size)",
    "randperm": "pt.random.permutation(n)",
    "set_rng_state": "pt.restore(path), which sets the default generator; generator.slot.value = state sets another",
    "set_seed": "pt.random.seed(value)",
    "set_state": "pt.restore(path), which sets the default generator; generator.slot.value = state sets another",
    "shuffle": "x = pt.random.permutation(x)",
    "split": "pt.random.Generator(seed, stream)",
}

# Of torch.cuda, for powertrain.cuda.
CUDA: Final[dict[str, str]] = {
    "Event": "pt.cuda.synchronize(), then time.perf_counter()",
    "amp": "with pt.autocast('bf16'): ...",
    "device": "pt.device('cuda:1')",
    "get_device_properties": "pt.cuda.memory_usage(), pt.cuda.get_device_name()",
    "is_bf16_supported": "with pt.autocast('bf16'): ..., which is on every device",
    "manual_seed": "pt.random.seed(value), for all devices",
    "manual_seed_all": "pt.random.seed(value), for all devices",
    "mem_get_info": "pt.cuda.memory_usage()",
    "memory_summary": "pt.cuda.memory_usage()",
    "set_device": "with pt.device('cuda:1'): ...",
}

# Of numpy.linalg and torch.linalg, for powertrain.linalg.
LINEAR: Final[dict[str, str]] = {
    "eig": "pt.linalg.eigh(x) of a symmetric matrix, else numpy.linalg.eig(x.numpy())",
    "eigvals": "pt.linalg.eigvalsh(x) of a symmetric matrix, else numpy.linalg.eigvals(x.numpy())",
    "expm": "pt.linalg.matrix_exp(x)",
    "inverse": "pt.linalg.inv(x)",
}

# ------------------------------------------------------------ metrics: torchmetrics, scikit-learn, keras.metrics
METRICS: Final[dict[str, str]] = {
    "AUROC": "pt.metrics.AUC()",
    "BLEUScore": "pt.metrics.BLEU()",
    "CHRFScore": "pt.metrics.CHRF()",
    "F1Score": 'pt.metrics.F1(average="macro")',
    "MAE": "pt.metrics.MeanAbsoluteError()",
    "MAPE": "pt.metrics.MeanAbsolutePercentageError()",
    "MCC": "pt.metrics.MatthewsCorrCoef()",
    "MSE": "pt.metrics.MeanSquaredError()",
    "MeanMetric": "pt.metrics.Mean()",
    "R2Score": "pt.metrics.R2()",
    "RMSE": "pt.metrics.RootMeanSquaredError()",
    "ROCAUC": "pt.metrics.AUC()",
    "RSquared": "pt.metrics.R2()",
    "SacreBLEUScore": "pt.metrics.BLEU()",
    "TopKCategoricalAccuracy": "pt.metrics.TopKAccuracy(k=5)",
    "accuracy_score": "pt.metrics.Accuracy()",
    "average_precision_score": "pt.metrics.AveragePrecision()",
    "balanced_accuracy_score": "pt.metrics.BalancedAccuracy()",
    "brier_score_loss": "pt.metrics.BrierScore(from_logits=False)",
    "cohen_kappa_score": "pt.metrics.CohenKappa()",
    "confusion_matrix": "pt.metrics.ConfusionMatrix(num_classes=2)",
    "explained_variance_score": "pt.metrics.ExplainedVariance()",
    "f1_score": "pt.metrics.F1()",
    "log_loss": "pt.metrics.LogLoss(from_logits=False)",
    "matthews_corrcoef": "pt.metrics.MatthewsCorrCoef()",
    "max_error": "pt.metrics.MaxError()",
    "mean_absolute_error": "pt.metrics.MeanAbsoluteError()",
    "mean_absolute_percentage_error": "pt.metrics.MeanAbsolutePercentageError()",
    "mean_squared_error": "pt.metrics.MeanSquaredError()",
    "median_absolute_error": "pt.metrics.MedianAbsoluteError()",
    "precision_score": "pt.metrics.Precision()",
    "r2_score": "pt.metrics.R2()",
    "recall_score": "pt.metrics.Recall()",
    "roc_auc_score": "pt.metrics.AUC()",
    "root_mean_squared_error": "pt.metrics.RootMeanSquaredError()",
    "top_k_accuracy_score": "pt.metrics.TopKAccuracy(k=2)",
}

# ------------------------------------------------------------ data: torch.utils.data, torchvision.transforms, pandas
DATA: Final[dict[str, str]] = {
    "ArraySource": "pt.data.ArrayDataset(x=x, y=y)",
    "ChainDataset": "pt.data.ConcatDataset(datasets)",
    "DataFrame": 'pt.data.from_frame(frame, target="name")',
    "DistributedSampler": "pt.data.Sampler",
    "Loader": "pt.data.DataLoader(dataset, batch_size=32)",
    "StackDataset": "pt.data.TensorDataset(x, y)",
    "Standardise": "pt.data.Standardize",
    "default_collate": "pt.data.collate(examples)",
    "get_worker_info": "nothing: workers are threads of this process, and each example is read by one of them",
    "read_parquet": 'pt.data.read_csv(path, target="name")',
    "read_table": 'pt.data.read_csv(path, target="name")',
    "train_test_split": "pt.data.random_split(dataset, [0.8, 0.2])",
}
PICTURES: Final[dict[str, str]] = {
    "Lambda": "pt.data.transforms.Compose([..., fn]): any function of a picture",
    "Normalise": "pt.data.transforms.Normalize(mean, std)",
    "PILToTensor": "pt.data.transforms.ToTensor()",
    "RandomFlip": "pt.data.transforms.RandomHorizontalFlip()",
    "Standardise": "pt.data.transforms.Standardize",
    "ToImage": "pt.data.transforms.ToTensor()",
}

RECIPES: Final[dict[str, str]] = {
    "load": "pt.recipe.load_recipe(name_or_path)",
    "read": "pt.recipe.load_recipe(name_or_path)",
}

TABLES: Final[dict[str, dict[str, str]]] = {
    "powertrain": dict(sorted({**ARRAYS, **MODULES}.items())),
    "Module": MODULE,
    "Slot": SLOT,
    "Tensor": TENSOR,
    "powertrain.cuda": CUDA,
    "powertrain.data": DATA,
    "powertrain.data.transforms": PICTURES,
    "powertrain.linalg": LINEAR,
    "powertrain.metrics": METRICS,
    "powertrain.nn": LAYERS,
    "powertrain.nn.functional": FUNCTIONS,
    "powertrain.nn.init": INITIAL,
    "powertrain.nn.utils": UTILS,
    "powertrain.nn.utils.rnn": SEQUENCES,
    "powertrain.optim": dict(sorted({**SCHEDULES, **OPTIMIZERS}.items())),
    "powertrain.optim.schedules": SCHEDULES,
    "powertrain.recipe": RECIPES,
    "powertrain.random": dict(sorted({**RANDOM, **BY_NUMPY}.items())),
    "powertrain.sklearn": ESTIMATORS,
    **OBJECTS,
    **FITTED,
}

_RECORDED = "nothing is recorded for gradients unless pt.grad or pt.nn.value_and_grad asks for them; leave it out"

# Names that have nothing in their place, and why.
NOTES: Final[dict[str, str]] = {
    **ABOUT,
    "Event": "work is done when a call returns; time it by time.perf_counter()",
    "backends": "there is nothing to set; leave it out",
    "distributed": f"write {_WORKERS}",
    "enable_grad": _RECORDED,
    "fx": "a compiled step is the graph: step = pt.compile(fn); step(x); print(step.describe())",
    "get_default_dtype": "functions make float32 unless dtype says otherwise",
    "inference_mode": _RECORDED,
    "is_grad_enabled": _RECORDED,
    "no_grad": _RECORDED,
    "set_grad_enabled": _RECORDED,
    "set_default_device": "with pt.device('cuda'): says where the tensors of a block are made",
    "set_default_dtype": "functions make float32 unless dtype says otherwise; write dtype='float64' there",
    **{
        name: f'it is a distribution of its own: pip install "powertrain[{name}]", then import powertrain_{name}'
        for name in ("audio", "generative", "loggers", "privacy", "rl", "serve", "tabular", "text", "vision")
    },
    "use_deterministic_algorithms": "results are always the same, for any number of threads; leave it out",
}
