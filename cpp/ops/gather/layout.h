// What is read by index, for the plan functions of every target: all of a descriptor but its chunks.
#pragma once
#include "core/launch.h"
#include "core/space_plan.h"
#include "ops/gather/desc.h"

namespace pt {

inline GatherDesc describe_gather(const Operand& table, const Operand& index, int axis) {
  const std::size_t bytes = size_of(table.dtype), index_bytes = size_of(index.dtype);
  GatherDesc d{};
  d.outer = make_space(table.shape, table.strides, bytes, 0, axis);
  d.inner = make_space(table.shape, table.strides, bytes, axis + 1, table.shape.size());
  d.index = make_space(index.shape, index.strides, index_bytes, 0, index.shape.size());
  d.axis_size = table.shape[axis];
  d.axis_stride = table.strides[axis] * static_cast<int64_t>(bytes);
  d.element_bytes = static_cast<int32_t>(bytes);
  d.wide_index = index.dtype == DType::I64;
  d.contiguous = d.inner.axes == 1 && (d.inner.count == 1 || d.inner.a[0] == d.element_bytes);

  d.rows = d.outer.count * d.index.count;
  return d;
}

inline TakeAlongDesc describe_take_along(const Operand& x, const Operand& index, const Operand& out, int axis) {
  Strides from = x.strides;
  TakeAlongDesc d{};
  d.element_bytes = static_cast<int32_t>(size_of(x.dtype));
  d.axis_size = x.shape[axis];
  d.axis_stride = from[axis] * d.element_bytes;
  from[axis] = 0;
  Strides positions = index.strides;
  for (int i = 0; i < out.shape.size(); ++i) {
    if (x.shape[i] == 1) from[i] = 0;
    if (index.shape[i] == 1) positions[i] = 0;
  }
  d.space = make_space(out.shape, from, d.element_bytes, positions, size_of(index.dtype), 0, out.shape.size());
  d.wide_index = index.dtype == DType::I64;
  return d;
}

}  // namespace pt
