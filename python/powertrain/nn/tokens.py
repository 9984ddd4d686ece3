"""What transformers do to tokens besides their blocks: a vector for each position, a class token, scores of words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import powertrain as pt
from powertrain.nn import checks, init
from powertrain.nn.init.later import parameter
from powertrain.nn.module import Module, Parameter

if TYPE_CHECKING:
    from powertrain import Tensor

__all__ = ["ClassToken", "PositionEmbedding", "Unembedding"]

SEQUENCES = "[batch, tokens, width]"


class ClassToken(Module):
    """Puts a learned token in front of each sequence, from which a classifier reads; it is normal(0, std).

    Example
        >>> pt.nn.ClassToken(4)(pt.ones((2, 3, 4))).shape
        (2, 4, 4)
    """

    TORCH_FORWARD = """
        def forward(self, input):
            return torch.cat([self.weight.expand(len(input), -1, -1), input], dim=1)
    """

    def __init__(self, width: int, *, std: float = 0.02, generator: pt.random.Generator | None = None) -> None:
        super().__init__()
        checks.sizes("ClassToken", width=width)
        checks.numbers("ClassToken", 0, std=std)
        self.weight = Parameter(init.normal((1, 1, width), std, generator=generator))

    def forward(self, input: Tensor) -> pt.Tensor:
        """Shapes    input [batch, tokens, width] -> [batch, 1 + tokens, width]"""
        checks.axes("ClassToken", input, 3, shape=SEQUENCES)
        first = pt.broadcast_to(self.weight, (input.shape[0], 1, self.weight.shape[2]))
        return pt.concat([first, input], axis=1)


class PositionEmbedding(Module):
    """Adds to each token the learned vector of its position; the vectors are normal(0, std).

    Example
        >>> pt.nn.PositionEmbedding(16, 4)(pt.ones((2, 3, 4))).shape
        (2, 3, 4)
    """

    TORCH_FORWARD = """
        def forward(self, input):
            return input + self.weight[: input.shape[1]]
    """

    def __init__(
        self,
        num_positions: int,
        embedding_dim: int,
        *,
        std: float = 0.02,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        checks.sizes("PositionEmbedding", num_positions=num_positions, embedding_dim=embedding_dim)
        checks.numbers("PositionEmbedding", 0, std=std)
        self.num_positions, self.embedding_dim = num_positions, embedding_dim
        self.weight = parameter(init.normal, (num_positions, embedding_dim), std, generator=generator)

    def forward(self, input: Tensor, positions: Tensor | None = None) -> pt.Tensor:
        """The tokens are at the first positions; with `positions` [batch, tokens], at these.

        Shapes    input [batch, tokens, embedding_dim] -> the same
        """
        checks.axes("PositionEmbedding", input, 3, shape=SEQUENCES)
        if positions is not None:
            return input + pt.nn.functional.embedding(positions, self.weight)
        tokens = input.shape[1]
        if tokens > self.num_positions:
            raise pt.ShapeError(
                f"[PositionEmbedding] input is {list(input.shape)}; expected at most num_positions = "
                f"{self.num_positions} tokens; cut the sequences, or make the layer longer"
            )
        return input + self.weight.value[:tokens]


class Unembedding(Module):
    """The score of each word: the product with its row of a table, which is mostly that of an `Embedding` of the model.

    It has no parameters of its own.

    Example
        >>> words, score = pt.nn.Embedding(10, 4), pt.nn.Unembedding()
        >>> score(words(pt.tensor([[1, 2, 3]])), words.weight).shape
        (1, 3, 10)
    """

    TORCH_FORWARD = """
        def forward(self, input, table):
            return input @ table.T
    """

    def forward(self, input: Tensor, table: Tensor | pt.Slot) -> pt.Tensor:
        """Shapes    input [..., width], table [words, width] -> [..., words]"""
        return pt.matmul(input, pt.permute_dims(table, (1, 0)))
