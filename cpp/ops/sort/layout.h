// What is sorted and searched, for the plan functions of every target: all of a descriptor but its chunks.
#pragma once
#include "core/launch.h"
#include "core/space_plan.h"
#include "ops/sort/desc.h"

namespace pt {

inline SortDesc describe_sort(const Operand& x, const Operand& out, int axis, bool descending) {
  const auto bytes = static_cast<int64_t>(size_of(x.dtype));
  Shape others = x.shape;
  Strides from = x.strides, to = out.strides;
  SortDesc d{};
  d.n = x.shape[axis];
  d.wanted = out.shape[axis];
  d.stride = x.strides[axis] * bytes;
  d.out_stride = out.strides[axis] * 8;
  others.erase(axis);
  from.erase(axis);
  to.erase(axis);
  d.lines = make_space(others, from, size_of(x.dtype), to, 8, 0, others.size());
  d.storage = static_cast<FusedStorage>(x.dtype);
  d.descending = descending;
  return d;
}

inline SearchDesc describe_search(const Operand& row, const Operand& values, const Operand& out, bool right) {
  const std::size_t bytes = size_of(row.dtype);
  SearchDesc d{};
  d.values = make_space(values.shape, values.strides, bytes, out.strides, 8, 0, values.shape.size());
  d.n = row.shape[0];
  d.stride = row.strides[0] * static_cast<int64_t>(bytes);
  d.storage = static_cast<FusedStorage>(row.dtype);
  d.right = right;
  return d;
}

}  // namespace pt
