#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

// Columns [begin, end) of a matrix, or steps of a sequence.
Tensor part(const Tensor& x, int axis, int64_t begin, int64_t end) {
  Ints start(static_cast<std::size_t>(x.ndim()), 0), stop = to_ints(x.shape());
  start[static_cast<std::size_t>(axis)] = begin;
  stop[static_cast<std::size_t>(axis)] = end;
  return fn::call("slice", {x}, {{"start", start}, {"stop", stop}});
}

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
  const int64_t batch = in[0].shape()[0], steps = in[0].shape()[1], width = in[4].shape()[0];
  // The inputs' share of every gate at every step is one product.
  const Tensor from_inputs = fn::matmul(in[0], in[3]) + (in[5] + in[6]);
  Tensor h = in[1], c = in[2];
  Tensors states;
  for (int64_t t = 0; t < steps; ++t) {
    const Tensor here = fn::reshape(part(from_inputs, 1, t, t + 1), {batch, 4 * width});
    const Tensor gates = here + fn::matmul(h, in[4]);
    const auto gate = [&](int64_t which, const char* squash) {
      return fn::call(squash, {part(gates, 1, which * width, (which + 1) * width)});
    };
    c = gate(1, "sigmoid") * c + gate(0, "sigmoid") * gate(2, "tanh");
    h = gate(3, "sigmoid") * fn::call("tanh", {c});
    states.push_back(fn::reshape(h, {batch, 1, width}));
  }
  return {fn::call("concat", states, {{"axis", int64_t{1}}}), h, c};
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
>>> y, h, c = pt.lstm(pt.ones((1, 3, 4)), zeros, zeros, pt.ones((4, 8)), pt.ones((2, 8)), pt.zeros(8), pt.zeros(8))
>>> y.shape, h.shape, c.shape
((1, 3, 2), (1, 2), (1, 2)))");

}  // namespace
}  // namespace pt
