// Loops and branches: ops that run programs of their own. A function is recorded once, as a graph of one step; the call
// is one instruction, eagerly as in a compiled step, and its gradient is another such op.
#pragma once
#include "graph/region.h"

namespace pt {

// The state after `length` steps, then what the steps gave, stacked: step(state..., rows of xs...) gives the next state
// and then something for each row, which goes the other way round with `reverse`. For the gradient the states are kept,
// and each step is computed again.
Tensors scan(const Function& step, const Tensors& init, const Tensors& xs, int64_t length, bool reverse);

// yes(operands) where `which`, a bool, is true, else no(operands). Slots that the chosen function assigns are assigned.
Tensors cond(const Tensor& which, const Function& yes, const Function& no, const Tensors& operands);

// step(state) as long as condition(state) is true. It has no gradient: nobody knows how many states to keep.
Tensors while_loop(const Function& condition, const Function& step, const Tensors& init);

}  // namespace pt
