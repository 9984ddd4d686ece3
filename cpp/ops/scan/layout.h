// What running ops walk along, for the plan functions of every target: all of a descriptor but its chunks.
#pragma once
#include "core/launch.h"
#include "core/space_plan.h"
#include "ops/scan/desc.h"

namespace pt {

inline ScanDesc describe_scan(ScanKind kind, const Operand& x, const Operand& out, int axis, bool reverse,
                              bool initial) {
  const std::size_t bytes = size_of(x.dtype), out_bytes = size_of(out.dtype);
  Shape others = x.shape;
  Strides from = x.strides, to = out.strides;
  ScanDesc d{};
  d.n = x.shape[axis];
  d.stride = x.strides[axis] * static_cast<int64_t>(bytes);
  d.out_stride = out.strides[axis] * static_cast<int64_t>(out_bytes);
  others.erase(axis);
  from.erase(axis);
  to.erase(axis);
  d.lines = make_space(others, from, bytes, to, out_bytes, 0, others.size());
  d.from = static_cast<FusedStorage>(x.dtype);
  d.to = static_cast<FusedStorage>(out.dtype);
  d.kind = kind;
  d.reverse = reverse;
  d.initial = initial;
  return d;
}

}  // namespace pt
