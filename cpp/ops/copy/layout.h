// What is copied, for the plan functions of every target: the axes in the order of the output's memory, and how the two
// innermost lie on both sides.
#pragma once
#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/launch.h"
#include "ops/copy/desc.h"

namespace pt {

struct CopyAxis {
  int64_t extent, in, out;  // strides in bytes
};

struct CopyAxes {
  std::array<CopyAxis, kMaxDims> axis;
  int size = 0;
  void erase(int at) {
    std::copy(axis.begin() + at + 1, axis.begin() + size, axis.begin() + at);
    --size;
  }
};

// The axes in the order of the output's memory, neighbours merged where both sides allow it.
inline CopyAxes merged_axes(const Operand& in, const Operand& out) {
  const int64_t bytes = static_cast<int64_t>(size_of(in.dtype));
  CopyAxes all;
  for (int i = 0; i < in.shape.size(); ++i) {
    if (in.shape[i] != 1) all.axis[all.size++] = {in.shape[i], in.strides[i] * bytes, out.strides[i] * bytes};
  }
  std::stable_sort(all.axis.begin(), all.axis.begin() + all.size,
                   [](const CopyAxis& a, const CopyAxis& b) { return std::abs(a.out) > std::abs(b.out); });
  CopyAxes merged;
  for (int i = 0; i < all.size; ++i) {
    const CopyAxis& inner = all.axis[i];
    CopyAxis* outer = merged.size ? &merged.axis[merged.size - 1] : nullptr;
    if (outer && outer->in == inner.in * inner.extent && outer->out == inner.out * inner.extent) {
      *outer = {outer->extent * inner.extent, inner.in, inner.out};
    } else {
      merged.axis[merged.size++] = inner;
    }
  }
  return merged;
}

inline CopyAxis take_axis(CopyAxes& axes, int at) {
  if (at < 0) return {1, 0, 0};
  const CopyAxis taken = axes.axis[at];
  axes.erase(at);
  return taken;
}

// The axis along which the input's elements are closest together.
inline int closest_in_input(const CopyAxes& axes) {
  int best = axes.size - 1;
  for (int i = axes.size - 2; i >= 0; --i) {
    if (std::abs(axes.axis[i].in) < std::abs(axes.axis[best].in)) best = i;
  }
  return best;
}

// All but the chunks, of a copy of at least one element.
inline CopyDesc describe_copy(const Operand& in, const Operand& out) {
  CopyAxes axes = merged_axes(in, out);
  const CopyAxis cols = take_axis(axes, axes.size - 1);
  CopyDesc d{};
  d.element_bytes = static_cast<int32_t>(size_of(in.dtype));
  const bool dense_out = cols.out == d.element_bytes || cols.extent == 1;
  const bool by_rows = dense_out && (cols.in == d.element_bytes || cols.extent == 1);
  const CopyAxis rows = take_axis(axes, by_rows ? axes.size - 1 : closest_in_input(axes));
  d.method = by_rows                                   ? CopyMethod::Rows
             : dense_out && cols.in == 0               ? CopyMethod::Fill
             : dense_out && rows.in == d.element_bytes ? CopyMethod::Transpose
                                                       : CopyMethod::Strided;
  d.rows = rows.extent, d.row_in = rows.in, d.row_out = rows.out;
  d.cols = cols.extent, d.col_in = cols.in, d.col_out = cols.out;
  d.plane_axes = axes.size;
  d.planes = 1;
  for (int i = 0; i < axes.size; ++i) {
    d.plane_extent[i] = axes.axis[i].extent;
    d.plane_in[i] = axes.axis[i].in;
    d.plane_out[i] = axes.axis[i].out;
    d.planes *= axes.axis[i].extent;
  }
  return d;
}

}  // namespace pt
