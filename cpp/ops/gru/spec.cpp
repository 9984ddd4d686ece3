#include "ops/pieces.h"
#include "ops/unrolled.h"

namespace pt {
namespace {

const Op* registered =
    define("gru")
        .in("x", Takes::Float)
        .in("h0", Takes::Float)
        .in("w_ih", Takes::Float)
        .in("w_hh", Takes::Float)
        .in("b_ih", Takes::Float)
        .in("b_hh", Takes::Float)
        .outputs(2)
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          check_recurrent(in, 3, "gru");
          return unrolled(in, [](const Tensor& input, const Tensor& recurrent, const Tensor& state) {
            const int64_t h = state.shape()[1];
            const auto gate = [&](const Tensor& all, int64_t i) { return piece(all, 1, i * h, (i + 1) * h); };
            const Tensor reset = fn::call("sigmoid", {gate(input, 0) + gate(recurrent, 0)});
            const Tensor kept = fn::call("sigmoid", {gate(input, 1) + gate(recurrent, 1)});
            const Tensor fresh = fn::call("tanh", {gate(input, 2) + reset * gate(recurrent, 2)});
            return (1.0 - kept) * fresh + kept * state;
          });
        })
        .doc(R"(one layer of gated recurrent units over a sequence: the state at every step, and the last.
Shapes    x [b, t, i], h0 [b, h], w_ih [i, 3 h], w_hh [h, 3 h], b_ih [3 h], b_hh [3 h] -> [b, t, h], [b, h]; gates in the
          order reset, update, new
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    shapes that do not match; an empty sequence
Grad      all
Source    Cho et al. 2014, the reset gate behind the product as in PyTorch)",
             R"(>>> h, w, b = pt.zeros((1, 2)), pt.ones((2, 6)), pt.zeros(6)
>>> [t.shape for t in pt.ops.functional.OPERATORS["gru"](pt.ones((1, 3, 4)), h, pt.ones((4, 6)), w, b, b)]
[(1, 3, 2), (1, 2)])");

}  // namespace
}  // namespace pt
