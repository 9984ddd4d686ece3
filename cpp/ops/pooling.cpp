#include "ops/pooling.h"

#include <tuple>

#include "ops/batching.h"
#include "ops/window.h"

namespace pt {

OpBuilder pooling(const std::string& name, const std::string& input) {
  OpBuilder op = define(name);
  op.in(input, Takes::Float).attr_ints("window").attr_ints("stride", std::nullopt, true).attr_ints("padding", Ints{0});
  op.contiguous();
  op.batch(batch_folded());
  return op;
}

PoolParams pool_params(const Attrs& attrs, const std::string& op) {
  PoolParams p{};
  std::tie(p.window_h, p.window_w) = pair_of(attrs, "window", op, 1);
  std::tie(p.stride_h, p.stride_w) = pair_of(attrs, attrs.has("stride") ? "stride" : "window", op, 1);
  std::tie(p.pad_top, p.pad_left) = pair_of(attrs, "padding", op, 0);
  return p;
}

int64_t pooled_size(int64_t size, int64_t window, int64_t stride, int64_t padding) {
  return size + 2 * padding < window ? 0 : (size + 2 * padding - window) / stride + 1;
}

Shape pooled_shape(const InferContext& c) {
  const Shape& x = c.in[0].shape;
  c.expect(x.size() == 4, text("x is ", c.in[0], "; expected [n, h, w, channels]; reshape x"));
  const PoolParams p = pool_params(c.attrs, c.op.name);
  c.expect(2 * p.pad_top <= p.window_h && 2 * p.pad_left <= p.window_w,
           text("padding = ", to_string(Attr(c.attrs.ints("padding"))),
                ", window = ", to_string(Attr(c.attrs.ints("window"))),
                "; expected at most half the window, so that no window lies in the padding alone; use pad"));
  const Shape y{x[0], pooled_size(x[1], p.window_h, p.stride_h, p.pad_top),
                pooled_size(x[2], p.window_w, p.stride_w, p.pad_left), x[3]};
  c.expect(y[1] > 0 && y[2] > 0, text("x is ", c.in[0], ", window = ", to_string(Attr(c.attrs.ints("window"))),
                                      "; expected a window no larger than the padded image; choose a smaller one"));
  return y;
}

Attrs pool_attrs(const Attrs& attrs) {
  Attrs kept;
  for (const auto& [name, value] : attrs.items()) {
    if (name != "image") kept.set(name, value);
  }
  return kept;
}

}  // namespace pt
