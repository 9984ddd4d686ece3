"""Where each op is public. An op that no list names is an array function of `powertrain` itself.

The names follow the array API, NumPy and PyTorch (docs/names.md). What a list names as made in Python has a
function of that name in its module, with the arguments that users expect; the op below it is `OPERATORS[name]`.
"""

from __future__ import annotations

from typing import Final

# Of powertrain.nn.functional alone.
FUNCTIONAL: Final = frozenset({
    "adaptive_avg_pool2d", "affine_grid", "avg_pool1d", "avg_pool2d", "avg_pool3d", "celu", "conv1d", "conv2d",
    "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cosine_similarity", "dequantize_linear",
    "elu", "fold", "gelu", "glu", "grid_sample", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "interpolate",
    "leaky_relu", "linear", "logsigmoid", "lp_pool2d", "matmul_integer", "mish", "normalize", "one_hot",
    "pairwise_distance", "pixel_shuffle", "pixel_unshuffle", "prelu", "quantize_linear", "quantized_linear", "relu6",
    "rotary_embedding", "selu", "silu", "softmin", "softplus", "softshrink", "softsign", "tanhshrink", "threshold",
    "unfold",
})  # fmt: skip

# Of powertrain.nn.functional and, the same objects, of powertrain.
SHARED: Final = frozenset({"log_softmax", "logsumexp", "relu", "sigmoid", "softmax", "tanh"})

# Below functions of powertrain.nn.functional that are made in Python.
BELOW_FUNCTIONAL: Final = frozenset({
    "adaptive_max_pool2d", "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "cosine_embedding_loss", "cross_entropy", "ctc_loss", "embedding", "embedding_bag", "focal_loss",
    "gaussian_nll_loss", "group_norm", "hinge_embedding_loss", "huber_loss", "info_nce_loss", "instance_norm", "kl_div",
    "l1_loss", "layer_norm", "margin_ranking_loss", "max_pool1d", "max_pool2d", "max_pool3d", "mse_loss",
    "multi_margin_loss", "multilabel_soft_margin_loss", "nll_loss", "pad", "poisson_nll_loss", "rms_norm",
    "scaled_dot_product_attention", "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss",
})  # fmt: skip

# Of powertrain.linalg alone, those made in Python among them.
LINALG: Final = frozenset({
    "cholesky", "det", "eigh", "inv", "qr", "slogdet", "solve", "solve_triangular", "svd", "vector_norm",
})  # fmt: skip

# Below functions of powertrain that are made in Python.
BELOW_ARRAYS: Final = frozenset({"polygamma", "quantile"})

# What only the engine calls: gradients, kernels below other ops, memory, randomness.
ENGINE_ONLY: Final = frozenset({
    "adam_step", "argtopk", "attention", "attention_backward", "avg_pool2d_backward", "bin_counts", "bin_index",
    "boundary", "check_index", "check_true", "clamp", "committed", "conv2d_grad_input", "conv2d_grad_weight",
    "conv2d_kernel", "copy", "cross_entropy_mean", "ctc_rows", "ctc_rows_backward", "cummax_position",
    "cummin_position", "dequantize_weight", "dft", "eigenbasis", "flat_view", "gelu_erf", "gelu_erf_grad",
    "gelu_tanh", "gelu_tanh_grad", "gru", "guard", "hardswish_grad", "hurwitz_zeta", "log1p_exp", "lstm",
    "lstm_recurrence", "lstm_recurrence_backward", "lu", "max_pool2d_backward", "max_pool2d_with_index",
    "nll_loss_mean", "normal_quantile", "pack", "put_along_axis", "put_along_axis_max", "put_rows", "quantized_matmul",
    "random_integers", "random_normal", "random_uniform", "real_dft", "real_dft_inverse", "relu_grad", "rnn",
    "scatter_add", "sigmoid_grad", "silu_grad", "slice_scatter", "soft_cross_entropy", "svd_tall", "tanh_grad",
    "update_flat_view",
})  # fmt: skip
