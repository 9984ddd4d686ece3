// What the plans of poolings know, whatever they run on.
#include <tuple>

#include "ops/max_pool2d/plan.h"
#include "ops/window_sizes.h"

namespace pt {

PoolParams pool_params(const Attrs& attrs, const std::string& op) {
  PoolParams p{};
  std::tie(p.window_h, p.window_w) = pair_of(attrs, "kernel_size", op);
  std::tie(p.stride_h, p.stride_w) = pair_of(attrs, attrs.has("stride") ? "stride" : "kernel_size", op);
  std::tie(p.pad_top, p.pad_left) = pair_of(attrs, "padding", op);
  if (attrs.find("dilation")) std::tie(p.dilation_h, p.dilation_w) = pair_of(attrs, "dilation", op);
  p.ceil = attrs.flag("ceil_mode");
  return p;
}

PoolDesc describe_pool(const Shape& x, const Shape& y, const PoolParams& p) {
  PoolDesc d{};
  d.images = x[0], d.channels = x[3];
  d.height = x[1], d.width = x[2];
  d.out_height = y[1], d.out_width = y[2];
  d.window_h = p.window_h, d.window_w = p.window_w;
  d.stride_h = p.stride_h, d.stride_w = p.stride_w;
  d.pad_top = p.pad_top, d.pad_left = p.pad_left;
  d.dilation_h = p.dilation_h, d.dilation_w = p.dilation_w;
  d.ceil = p.ceil;
  return d;
}

}  // namespace pt
