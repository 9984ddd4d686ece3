#include "ops/batching.h"
#include "ops/functional.h"
#include "ops/lstm_recurrence/definition.h"

namespace pt {
namespace {

void expect_full_width(const InferContext& c) {
  const DType dtype = c.in[0].dtype;
  c.expect(dtype == DType::F32 || dtype == DType::F64,
           text("inputs are ", info(dtype).brief,
                "; expected f32 or f64, for the state is kept over all steps; cast them, and the result back"));
}

Types infer(const InferContext& c) {
  const Shape &xw = c.in[0].shape, &w = c.in[1].shape, &h0 = c.in[2].shape;
  const DType dtype = c.in[0].dtype;
  const bool sequence = xw.size() == 3 && xw[1] > 0 && w.size() == 2;
  c.expect(sequence && xw[2] == 4 * w[0] && w[1] == 4 * w[0] && h0 == Shape{xw[0], w[0]} && c.in[3] == c.in[2],
           text("xw is ", c.in[0], ", w_hh is ", c.in[1], ", h0 is ", c.in[2], ", c0 is ", c.in[3],
                "; expected [b, t, 4 h] with t above 0, [h, 4 h], [b, h], [b, h]; check the weights' orientation"));
  expect_full_width(c);
  const Shape states{xw[0], xw[1], w[0]};
  return {{dtype, states}, {dtype, states}, {dtype, xw}};
}

// Every state before its step: the first, then all but the last.
Tensor shifted(const Tensor& first, const Tensor& states) {
  const Shape& s = states.shape();
  const Tensor begin = fn::reshape(first, {s[0], 1, s[2]});
  if (s[1] == 1) return begin;
  return fn::call("concat", {begin, lstm::steps_of(states, 0, s[1] - 1)}, {{"axis", int64_t{1}}});
}

Tensors gradient(const VjpContext& c) {
  const auto or_zeros = [&](int i) { return c.grad[i].defined() ? c.grad[i] : fn::zeros(c.out_types[i]); };
  const Tensor &h = c.out[0], &w_hh = c.in[1];
  Tensors saved{w_hh, c.in[3], c.out[1], c.out[2], or_zeros(0), or_zeros(1)};
  Tensors grads;
  if (c.grad[2].defined()) {
    // Only a second derivative asks for that of the gates.
    saved.push_back(c.grad[2]);
    grads = lstm::backward_definition(saved, {});
  } else {
    grads = apply(find_op("lstm_recurrence_backward"), saved);
  }
  Tensors result{grads[0], Tensor(), grads[1], grads[2]};
  if (c.needs[1]) {
    // One product over all steps.
    const int64_t rows = h.shape()[0] * h.shape()[1], width = h.shape()[2];
    const Tensor before = fn::reshape(shifted(c.in[2], h), {rows, width});
    result[1] = fn::matmul(fn::transpose(before, {1, 0}), fn::reshape(grads[0], {rows, 4 * width}));
  }
  return result;
}

const Op* registered =
    define("lstm_recurrence")
        .in("xw", Takes::Float)
        .in("w_hh", Takes::Float)
        .in("h0", Takes::Float)
        .in("c0", Takes::Float)
        .outputs(3)
        .contiguous()
        .sweeps()  // the gates, over what they are made of
        .batch(batch_folded({1}))
        .shape(infer)
        .compose(lstm::definition)
        .saves({false, true, true, true}, {true, true, true})
        .vjp(gradient)
        .doc(
            R"(the sequential part of lstm: hidden states, cell states and gates at every step.
Shapes    xw [b, t, 4 h], w_hh [h, 4 h], h0 [b, h], c0 [b, h] -> [b, t, h], [b, t, h], [b, t, 4 h]; xw is the inputs'
          share of the gates, in the order input, forget, cell, output; the gates returned are after their sigmoid or tanh
Dtypes    f32, f64
Errors    shapes that do not match; an empty sequence
Grad      all
Source    that of lstm)",
            R"(>>> h, c, gates = pt.ops.functional.OPERATORS["lstm_recurrence"](pt.zeros((1, 5, 8)), pt.zeros((2, 8)), pt.zeros((1, 2)), pt.ones((1, 2)))
>>> h.shape, c[0, 0].numpy().tolist(), gates.shape
((1, 5, 2), [0.5, 0.5], (1, 5, 8)))");

const Op* backward =
    define("lstm_recurrence_backward")
        .in("w_hh", Takes::Float)
        .in("c0", Takes::Float)
        .in("c", Takes::Float)
        .in("gates", Takes::Float)
        .in("dh", Takes::Float)
        .in("dc", Takes::Float)
        .outputs(3)
        .contiguous()
        .sweeps()  // gradients of the gates over the gates
        .batch(batch_folded({0}))
        .shape([](const InferContext& c) -> Types {
          const TensorType &w = c.in[0], &c0 = c.in[1], &cells = c.in[2], &gates = c.in[3];
          const bool ranks = w.shape.size() == 2 && c0.shape.size() == 2 && gates.shape.size() == 3;
          const int64_t width = ranks ? w.shape[0] : 0;
          const Shape states = ranks ? Shape{c0.shape[0], gates.shape[1], width} : Shape{};
          c.expect(ranks && w.shape[1] == 4 * width && gates.shape[2] == 4 * width && cells.shape == states &&
                       gates.shape[0] == c0.shape[0] && c0.shape[1] == width && c.in[4] == cells && c.in[5] == cells,
                   text("w_hh is ", w, ", c0 is ", c0, ", c is ", cells, ", gates are ", gates, ", dh is ", c.in[4],
                        ", dc is ", c.in[5], "; expected those of lstm_recurrence; check the call"));
          expect_full_width(c);
          return {gates, c0, c0};
        })
        .compose(lstm::backward_definition)
        .doc(R"(the gradients dh and dc of lstm_recurrence's states as ones of xw, h0 and c0.
Shapes    w_hh [h, 4 h], c0 [b, h], c [b, t, h], gates [b, t, 4 h], dh, dc [b, t, h] -> [b, t, 4 h], [b, h], [b, h]
Dtypes    f32, f64
Errors    shapes that do not match
Grad      all
Source    that of lstm)",
             R"(>>> states, gates = pt.zeros((1, 5, 2)), pt.ones((1, 5, 8))
>>> [x.shape for x in pt.ops.functional.OPERATORS["lstm_recurrence_backward"](pt.zeros((2, 8)), states[:, 0], states, gates, states, states)]
[(1, 5, 8), (1, 2), (1, 2)])");

}  // namespace
}  // namespace pt
