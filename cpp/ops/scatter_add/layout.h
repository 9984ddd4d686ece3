// What is put by index, for the plan functions of every target: all of a descriptor but its chunks.
#pragma once
#include "core/error.h"
#include "core/launch.h"
#include "core/space_plan.h"
#include "ops/scatter_add/desc.h"

namespace pt {

// Sums of integers wrap, so they are the same bits with and without a sign.
inline DType summed_as(DType dtype, const char* where) {
  if (dtype == DType::Bool || is_complex(dtype)) {
    throw DTypeError(text("[", where, "] updates are ", info(dtype).brief, "; expected numbers; cast them first"));
  }
  return dtype == DType::U16 ? DType::I16 : dtype == DType::U32 ? DType::I32 : dtype == DType::U64 ? DType::I64 : dtype;
}

inline ScatterAddDesc describe_scatter(const Operand& index, const Operand& updates, const Operand& out, int axis,
                                       bool accumulate) {
  const std::size_t bytes = size_of(updates.dtype);
  const int axes = updates.shape.size(), after = axis + index.shape.size();
  Strides index_strides = updates.strides;
  for (int i = axis; i < after; ++i) index_strides[i] = index.strides[i - axis];

  ScatterAddDesc d{};
  d.index = make_space(updates.shape, index_strides, size_of(index.dtype), updates.strides, bytes, axis, after);
  d.outer = make_space(updates.shape, updates.strides, bytes, 0, axis);
  d.inner = make_space(updates.shape, updates.strides, bytes, after, axes);
  d.axis_size = out.shape[axis];
  d.wide_index = index.dtype == DType::I64;
  d.accumulate = accumulate;
  d.contiguous = d.inner.axes == 1 && (d.inner.count == 1 || d.inner.a[0] == static_cast<int64_t>(bytes));
  return d;
}

// Lines are not cut yet.
inline PutAlongDesc describe_put_axes(const Operand& index, const Operand& updates, const Operand& out, int axis) {
  const std::size_t bytes = size_of(updates.dtype), index_bytes = size_of(index.dtype);
  const int axes = updates.shape.size();
  PutAlongDesc d{};
  d.outer = make_space(index.shape, index.strides, index_bytes, updates.strides, bytes, 0, axis);
  d.inner = make_space(index.shape, index.strides, index_bytes, updates.strides, bytes, axis + 1, axes);
  d.index_stride = index.strides[axis] * static_cast<int64_t>(index_bytes);
  d.update_stride = updates.strides[axis] * static_cast<int64_t>(bytes);
  d.sources = index.shape[axis];
  d.axis_size = out.shape[axis];
  d.wide_index = index.dtype == DType::I64;
  return d;
}

}  // namespace pt
