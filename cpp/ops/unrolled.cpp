#include "ops/unrolled.h"

#include "ops/axes.h"
#include "ops/pieces.h"

namespace pt {

void check_recurrent(const Tensors& in, int64_t gates, const std::string& op) {
  const Shape &x = in[0].shape(), &w_hh = in[3].shape();
  const int64_t width = w_hh.empty() ? 0 : w_hh[0], all = gates * width;
  const bool sequence = x.size() == 3 && x[1] > 0;
  if (sequence && in[1].shape() == Shape{x[0], width} && in[2].shape() == Shape{x[2], all} &&
      w_hh == Shape{width, all} && in[4].shape() == Shape{all} && in[5].shape() == Shape{all}) {
    return;
  }
  throw ShapeError(text("[", op, "] x is ", in[0].type(), ", h0 is ", in[1].type(), ", w_ih is ", in[2].type(),
                        ", w_hh is ", in[3].type(), ", b_ih is ", in[4].type(), ", b_hh is ", in[5].type(),
                        "; expected [b, t, i], [b, h], [i, ", gates, " h], [h, ", gates, " h], [", gates, " h], [",
                        gates, " h] with t above 0; check the weights' orientation"));
}

Tensors unrolled(const Tensors& in, const RecurrentStep& step) {
  const Shape& x = in[0].shape();
  const DType stored = in[0].dtype();
  const Tensor inputs = fn::matmul(widened(in[0]), widened(in[2])) + widened(in[4]);
  const Tensor w_hh = widened(in[3]), b_hh = widened(in[5]);
  Tensor state = widened(in[1]);
  Tensors states;
  for (int64_t t = 0; t < x[1]; ++t) {
    const Tensor now = fn::reshape(piece(inputs, 1, t, t + 1), {x[0], inputs.shape()[2]});
    state = step(now, fn::matmul(state, w_hh) + b_hh, state);
    states.push_back(state);
  }
  return {fn::cast(fn::call("stack", states, {{"axis", int64_t{1}}}), stored), fn::cast(state, stored)};
}

}  // namespace pt
