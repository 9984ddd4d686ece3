"""A chain of labels in which neighbours depend on each other: a linear conditional random field."""

from __future__ import annotations

from typing import Any

import powertrain as pt
from powertrain.nn import Module, Parameter


class Chain(Module):
    """Scores of labels at each place alone, to the logarithm of their probability given the whole row.

    A row of labels has the sum of its scores, of those of each pair of neighbours, and of the first label. Its
    probability is the softmax over all rows (Lafferty, McCallum and Pereira 2001). That of a label at a place is the
    sum over the rows which have it there, by one pass from each end. The cross-entropy of these probabilities is the
    loss of Kakade, Teh and Roweis (2002).

    Example
        >>> from powertrain_text.chain import Chain
        >>> chain = Chain(2)
        >>> real = pt.tensor([[True, True]])
        >>> [round(number, 4) for number in chain(pt.tensor([[[0.0, 0.0], [1.0, 0.0]]]), real)[0, 1].tolist()]
        [-0.3133, -1.3133]
    """

    TORCH_FORWARD = """
        def forward(self, scores, real):
            state = scores[:, 0] + self.first
            before, after = [state], [torch.zeros_like(state)]
            for at in range(1, scores.shape[1]):
                reached = scores[:, at] + torch.logsumexp(state.unsqueeze(2) + self.pairs, dim=1)
                state = torch.where(real[:, at : at + 1], reached, state)
                before.append(state)
            for at in range(scores.shape[1] - 1, 0, -1):
                ahead = (scores[:, at] + after[-1]).unsqueeze(1) + self.pairs
                after.append(torch.where(real[:, at : at + 1], torch.logsumexp(ahead, dim=2), after[-1]))
            return F.log_softmax(torch.stack(before, dim=1) + torch.stack(after[::-1], dim=1), dim=2)
    """

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.first = Parameter(pt.zeros((labels,)))
        self.pairs = Parameter(pt.zeros((labels, labels)))  # from the label of a row to that of a column

    def forward(self, scores: Any, real: Any) -> pt.Tensor:
        """scores [batch, places, labels], real [batch, places] -> [batch, places, labels]; the places that are not
        real stand behind the others and change nothing."""
        times = pt.permute_dims(scores, (1, 0, 2))
        inside = pt.expand_dims(pt.permute_dims(real, (1, 0)), 2)

        def ahead(state: Any, row: Any) -> tuple[Any, Any]:
            score, holds = row
            state = pt.where(holds, score + pt.logsumexp(pt.expand_dims(state, 2) + self.pairs, axis=1), state)
            return state, state

        def back(state: Any, row: Any) -> tuple[Any, Any]:
            score, holds = row
            state = pt.where(holds, pt.logsumexp(pt.expand_dims(score + state, 1) + self.pairs, axis=2), state)
            return state, state

        begin, end = times[0] + self.first, pt.zeros_like(times[0])
        _, before = pt.scan(ahead, begin, (times[1:], inside[1:]))
        _, after = pt.scan(back, end, (times[1:], inside[1:]), reverse=True)
        both = pt.concat([pt.expand_dims(begin, 0), before]) + pt.concat([after, pt.expand_dims(end, 0)])
        return pt.permute_dims(pt.log_softmax(both, axis=2), (1, 0, 2))
