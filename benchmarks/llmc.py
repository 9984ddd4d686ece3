"""What llm.c and PyTorch published for GPT-2 on GPUs, and the launches of llm.c, for which the formula of estimate.py
must give the same times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from estimate import A100, H100, Card, Work

VOCABULARY = 50304  # padded
BF16 = 2  # bytes


@dataclass(frozen=True)
class Model:
    """A GPT-2."""

    name: str
    layers: int
    width: int
    context: int = 1024

    @property
    def parameters(self) -> int:
        blocks = self.layers * (12 * self.width**2 + 13 * self.width)
        return blocks + (VOCABULARY + self.context + 2) * self.width


SMALL, MEDIUM = Model("124M", 12, 768), Model("350M", 24, 1024)
LARGE, LARGEST = Model("774M", 36, 1280), Model("1558M", 48, 1600)


@dataclass(frozen=True)
class Published:
    """A time of llm.c that its authors published."""

    model: Model
    card: Card
    batch: int  # sequences of a forward pass
    passes: int  # forward and backward passes of a step, on each card
    cards: int  # which share the optimizer's work
    seconds: float
    source: str

    @property
    def tokens(self) -> int:
        """Of a step, on each card."""
        return self.batch * self.model.context * self.passes


REPOSITORY = "https://github.com/karpathy/llm.c"
SCRIPTS = f"{REPOSITORY}/blob/f1e2ace651495b74ae22d45d1723443fd00ecd3a/scripts"
STEPS = (
    Published(SMALL, A100, 64, 1, 8, 0.300, f"{SCRIPTS}/run_gpt2_124M.sh"),
    Published(MEDIUM, A100, 64, 1, 8, 0.820, f"{SCRIPTS}/run_gpt2_350M.sh"),
    Published(LARGE, A100, 32, 2, 8, 1.7, f"{SCRIPTS}/run_gpt2_774M.sh"),
    Published(LARGEST, H100, 16, 8, 8, 2.80, f"{SCRIPTS}/run_gpt2_1558M.sh"),
)


def llmc_pass(model: Model, batch: int) -> Iterator[Work]:
    """A forward and a backward pass of llm.c: cuBLASLt, cuDNN's attention and its own kernels, all in bf16."""
    c, layers, rows = model.width, model.layers, batch * model.context
    hidden = BF16 * rows * c  # bytes of the activations of one width

    def product(m: int, n: int, k: int, count: int) -> Work:
        return Work("product", "tensor", 2.0 * m * n * k, BF16 * (m * n + m * k + n * k), count=count)

    def sweep(amount: float, count: int) -> Work:
        return Work("memory", "fma", 0, amount, count=count)

    for inputs, outputs in ((c, 3 * c), (c, c), (c, 4 * c), (4 * c, c)):
        yield product(rows, outputs, inputs, layers)
        yield product(rows, inputs, outputs, layers)  # the gradient of the inputs
        yield product(inputs, outputs, rows, layers)  # and of the weights
        yield sweep(BF16 * rows * outputs, layers)  # and of the bias
    pairs = batch * model.context**2 * c / 2  # causal
    yield Work("attention", "tensor", 4 * pairs, 4 * hidden, count=layers)
    yield Work("attention", "tensor", 10 * pairs, 10 * hidden, count=layers)
    yield sweep(4 * hidden, 2 * layers)  # residual and layer norm
    yield sweep(4 * hidden, 2 * layers + 1)  # gradient of a layer norm
    yield sweep(8 * hidden, layers)  # GELU
    yield sweep(12 * hidden, layers)  # its gradient
    for m, n, k in ((rows, VOCABULARY, c), (rows, c, VOCABULARY), (c, VOCABULARY, rows)):
        yield product(m, n, k, 1)
    yield sweep(2 * BF16 * rows * VOCABULARY, 1)  # softmax, loss and gradient in one kernel


def llmc_update(model: Model, cards: int) -> Iterator[Work]:
    """AdamW with f32 state and a f32 copy of the weights, divided among the cards (ZeRO 1), and the gradient's norm."""
    yield Work("memory", "fma", 0, BF16 * model.parameters)
    yield Work("memory", "fma", 0, 28 * model.parameters / cards)


def llmc_step(of: Published) -> Iterator[Work]:
    """All launches of one card in a step."""
    for _ in range(of.passes):
        yield from llmc_pass(of.model, of.batch)
    yield from llmc_update(of.model, of.cards)


# Times beside which no estimate stands, since the card is another one or PyTorch's launches are not known.
# (framework, what, tokens a second and card, source)
OTHERS = (
    ("llm.c", "124M, bf16, batch 32, one A100 40 GB PCIe", 145_000, f"{REPOSITORY}/pull/323"),
    ("PyTorch of May 2024, compiled, flash attention", "the same", 115_000, f"{REPOSITORY}/pull/323"),
    ("PyTorch 2.0 nightly, compiled", "124M, bf16, batch 12, eight A100", 5 * 12 * 1024 / 0.5622,
     "https://github.com/karpathy/nanoGPT/issues/110"),
)  # fmt: skip
