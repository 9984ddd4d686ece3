// Recurrent layers as one step after the other: their inputs' share is one product over all steps.
#pragma once
#include "ops/functional.h"

namespace pt {

// Checks x [b, t, i], h0 [b, h], w_ih [i, gates h], w_hh [h, gates h], b_ih and b_hh [gates h]; throws naming the op.
void check_recurrent(const Tensors& in, int64_t gates, const std::string& op);

// `step` makes the next state out of the inputs' share [b, gates h], the state's share [b, gates h] and the state.
// Gives the states [b, t, h] and the last one; 16-bit floats are computed in f32.
using RecurrentStep = std::function<Tensor(const Tensor& input, const Tensor& recurrent, const Tensor& state)>;
Tensors unrolled(const Tensors& in, const RecurrentStep& step);

}  // namespace pt
