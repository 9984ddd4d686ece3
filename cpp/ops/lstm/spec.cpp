#include "ops/axes.h"
#include "ops/functional.h"
#include "ops/lstm_recurrence/definition.h"

namespace pt {
namespace {

void check(const Tensors& in) {
  const Shape &x = in[0].shape(), &w_hh = in[4].shape();
  const int64_t width = w_hh.empty() ? 0 : w_hh[0];
  const bool sequence = x.size() == 3 && x[1] > 0;
  const Shape state = sequence ? Shape{x[0], width} : Shape{}, inputs = sequence ? Shape{x[2], 4 * width} : Shape{};
  const bool fits = sequence && in[1].shape() == state && in[2].shape() == state && in[3].shape() == inputs &&
                    w_hh == Shape{width, 4 * width} && in[5].shape() == Shape{4 * width} &&
                    in[6].shape() == Shape{4 * width};
  if (fits) return;
  throw ShapeError(text("[lstm] x is ", in[0].type(), ", h0 is ", in[1].type(), ", c0 is ", in[2].type(), ", w_ih is ",
                        in[3].type(), ", w_hh is ", in[4].type(), ", b_ih is ", in[5].type(), ", b_hh is ",
                        in[6].type(),
                        "; expected [b, t, i], [b, h], [b, h], [i, 4 h], [h, 4 h], [4 h], [4 h] with t above 0; "
                        "check the weights' orientation"));
}

Tensors definition(const Tensors& in, const Attrs&) {
  check(in);
  const DType stored = in[0].dtype();

  // The inputs' share of every gate at every step is one product.
  const Tensor from_inputs = fn::matmul(in[0], in[3]) + (in[5] + in[6]);
  const Tensors states =
      apply(find_op("lstm_recurrence"), {widened(from_inputs), widened(in[4]), widened(in[1]), widened(in[2])});
  const int64_t steps = in[0].shape()[1];
  const auto last = [&](const Tensor& x) {
    return fn::cast(fn::reshape(lstm::steps_of(x, steps - 1, steps), in[1].shape()), stored);
  };
  return {fn::cast(states[0], stored), last(states[0]), last(states[1])};
}

const Op* registered =
    define("lstm")
        .in("x", Takes::Float)
        .in("h0", Takes::Float)
        .in("c0", Takes::Float)
        .in("w_ih", Takes::Float)
        .in("w_hh", Takes::Float)
        .in("b_ih", Takes::Float)
        .in("b_hh", Takes::Float)
        .outputs(3)
        .compose(definition)
        .doc(
            R"(one layer of long short-term memory over a sequence: the hidden state at every step, and the last hidden and cell state.
Shapes    x [b, t, i], h0 [b, h], c0 [b, h], w_ih [i, 4 h], w_hh [h, 4 h], b_ih [4 h], b_hh [4 h] -> [b, t, h], [b, h],
          [b, h]; gates in the order input, forget, cell, output
Dtypes    floats
Errors    shapes that do not match; an empty sequence
Grad      all
Source    Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000 (forget gates))",
            R"(>>> zeros = pt.zeros((1, 2))
>>> y, h, c = pt.ops.functional.OPERATORS["lstm"](pt.ones((1, 3, 4)), zeros, zeros, pt.ones((4, 8)), pt.ones((2, 8)), pt.zeros(8), pt.zeros(8))
>>> y.shape, h.shape, c.shape
((1, 3, 2), (1, 2), (1, 2)))");

}  // namespace
}  // namespace pt
