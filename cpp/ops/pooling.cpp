#include "ops/pooling.h"

#include "ops/batching.h"
#include "ops/window.h"

namespace pt {

namespace {

// One axis of a window.
struct Along {
  int64_t window, stride, padding, dilation;
  int64_t span() const { return dilation * (window - 1) + 1; }
};

Along along_rows(const PoolParams& p) { return {p.window_h, p.stride_h, p.pad_top, p.dilation_h}; }
Along along_columns(const PoolParams& p) { return {p.window_w, p.stride_w, p.pad_left, p.dilation_w}; }

// How many windows there are. Rounded up, the last one may reach over the end, but does not begin beyond it.
int64_t pooled_size(int64_t size, const Along& a, bool ceil) {
  const int64_t room = size + 2 * a.padding - a.span() + (ceil ? a.stride - 1 : 0);
  if (room < 0) return 0;
  const int64_t windows = room / a.stride + 1;
  return ceil && (windows - 1) * a.stride >= size + a.padding ? windows - 1 : windows;
}

// Whether every window holds an element of the input.
bool all_see(int64_t size, int64_t windows, const Along& a) {
  for (int64_t out = 0; out < windows; ++out) {
    const int64_t first = out * a.stride - a.padding;
    const int64_t skipped = first < 0 ? (-first + a.dilation - 1) / a.dilation : 0;
    if (skipped >= a.window || first + skipped * a.dilation >= size) return false;
  }
  return true;
}

}  // namespace

OpBuilder pooling(const std::string& name, const std::string& input, Pooled kind) {
  OpBuilder op = define(name);
  op.in(input, Takes::Float)
      .attr_counts("kernel_size", 1)
      .attr_counts("stride", 1, std::nullopt, true)
      .attr_counts("padding", 0, Ints{0});
  if (kind == Pooled::Maximum) op.attr_counts("dilation", 1, Ints{1});
  op.attr("ceil_mode", false);
  if (kind == Pooled::Average) op.attr("count_include_pad", true);
  op.contiguous();
  op.batch(batch_folded());
  return op;
}

std::pair<int64_t, int64_t> pooled_sizes(int64_t rows, int64_t columns, const PoolParams& p) {
  return {pooled_size(rows, along_rows(p), p.ceil), pooled_size(columns, along_columns(p), p.ceil)};
}

Shape pooled_shape(const InferContext& c) {
  const Shape& x = c.in[0].shape;
  c.expect(x.size() == 4, text("input is ", c.in[0], "; expected [n, h, w, channels]; reshape input"));
  const PoolParams p = pool_params(c.attrs, c.op.name);
  const Along rows = along_rows(p), columns = along_columns(p);
  const std::string window = to_string(Attr(c.attrs.ints("kernel_size")));
  const std::string padding = to_string(Attr(c.attrs.ints("padding")));
  c.expect(2 * rows.padding <= rows.span() && 2 * columns.padding <= columns.span(),
           text("padding = ", padding, ", kernel_size = ", window,
                "; expected at most half the window, so that no window lies in the padding alone; use pad"));
  const auto [height, width] = pooled_sizes(x[1], x[2], p);
  c.expect(height > 0 && width > 0, text("input is ", c.in[0], ", kernel_size = ", window,
                                         "; expected a window no larger than the padded image; choose a smaller one"));
  c.expect(all_see(x[1], height, rows) && all_see(x[2], width, columns),
           text("input is ", c.in[0], ", kernel_size = ", window, ", padding = ", padding,
                "; expected windows that hold a pixel each; choose a smaller dilation or padding"));
  return {x[0], height, width, x[3]};
}

Attrs pool_attrs(const Attrs& attrs) {
  Attrs kept;
  for (const auto& [name, value] : attrs.items()) {
    if (name != "image") kept.set(name, value);
  }
  return kept;
}

}  // namespace pt
