#include "ops/unrolled.h"

namespace pt {
namespace {

const Op* registered = define("rnn")
                           .in("x", Takes::Float)
                           .in("h0", Takes::Float)
                           .in("w_ih", Takes::Float)
                           .in("w_hh", Takes::Float)
                           .in("b_ih", Takes::Float)
                           .in("b_hh", Takes::Float)
                           .attr("nonlinearity", "tanh", {"tanh", "relu"})
                           .outputs(2)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             check_recurrent(in, 1, "rnn");
                             const std::string name = attrs.str("nonlinearity");
                             return unrolled(in, [&name](const Tensor& input, const Tensor& recurrent, const Tensor&) {
                               return fn::call(name, {input + recurrent});
                             });
                           })
                           .doc(R"(one plain recurrent layer over a sequence: the state at every step, and the last.
Shapes    x [b, t, i], h0 [b, h], w_ih [i, h], w_hh [h, h], b_ih [h], b_hh [h] -> [b, t, h], [b, h]
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    shapes that do not match; an empty sequence; another nonlinearity
Grad      all
Source    Elman 1990)",
                                R"(>>> h, w, b = pt.zeros((1, 2)), pt.ones((2, 2)), pt.zeros(2)
>>> [t.shape for t in pt.ops.functional.OPERATORS["rnn"](pt.ones((1, 3, 4)), h, pt.ones((4, 2)), w, b, b)]
[(1, 3, 2), (1, 2)])");

}  // namespace
}  // namespace pt
