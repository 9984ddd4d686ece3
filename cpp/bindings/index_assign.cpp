// x[key] = value: the value that x has from then on, made by calls that a trace or a tape records.
#include <algorithm>

#include "bindings/index.h"
#include "core/error.h"
#include "ops/functional.h"
#include "ops/pieces.h"
#include "ops/placing.h"
#include "ops/recorder.h"
#include "ops/target.h"

namespace pt::bindings {
namespace {

Tensor scalar_of(const Tensor& one) { return fn::reshape(one, Shape{}); }

Tensor fitted(const Tensor& given, const Shape& shape) {
  return fn::broadcast_to(fn::reshape(given, fitting_shape(given, shape)), shape);
}

// Truths of a shape: 1 where keys without arrays pick.
Tensor inside_of(const Block& block, const Shape& shape) {
  const Tensor inside = Tensor::empty({DType::Bool, shape});
  const Strides strides = row_major(shape);
  auto* truths = reinterpret_cast<uint8_t*>(inside.host());
  std::fill_n(truths, inside.size(), uint8_t{0});
  const auto mark = [&](const auto& self, int axis, int64_t at) -> void {
    if (axis == shape.size()) {
      truths[at] = 1;
      return;
    }
    const Picked& part = block.along[axis];
    for (int64_t i = 0; i < part.count; ++i) self(self, axis + 1, at + (part.start + i * part.step) * strides[axis]);
  };
  mark(mark, 0, 0);
  return moved(inside, current_target().memory());
}

Tensor with_block(const Tensor& x, const Block& block, const Tensor& value) {
  const Tensor fitting = fitted(value, block.shape);
  if (block.all && block.shape == x.shape()) return fitting;
  if (fitting.size() == 0) return x;
  const Tensor inside = inside_of(block, x.shape());
  if (value.size() == 1) return fn::where(inside, scalar_of(value), x);
  Ints start, step;
  Shape sizes;
  for (int axis = 0; axis < x.ndim(); ++axis) {
    start.push_back(block.along[axis].start);
    step.push_back(block.along[axis].step);
    sizes.push_back(block.along[axis].count);
  }
  const Tensor placed = fn::slice_scatter(fn::reshape(fitting, sizes), x.shape(), start, step);
  return fn::where(inside, placed, x);
}

Tensor range(int64_t first, int64_t count) { return whole_range(static_cast<uint64_t>(first), 1, count, false); }

bool is_everything(const Key& key) {
  if (key.is_array() || key.is(Py_Ellipsis)) return !key.is_array();
  const int same = PyObject_RichCompareBool(key.plain.ptr(), everything(), Py_EQ);
  if (same < 0) throw py::error_already_set();
  return same == 1;
}

Tensor under_mask(const Tensor& x, const Tensor& mask, const Tensor& value) {
  check_mask(mask, x.shape(), 0);
  Shape shape = mask.shape(), rest;
  for (int axis = mask.ndim(); axis < x.ndim(); ++axis) {
    shape.push_back(1);
    rest.push_back(x.shape()[axis]);
  }
  return fn::where(fn::reshape(mask, shape), fitted(value, rest), x);
}

// Each element of x gets the number of its value, from 1; the last value for an element has the largest.
Tensor at_places(const Tensor& x, const Keys& keys, const Tensor& value) {
  const Tensor places = pick(fn::reshape(range(0, x.size()), x.shape()), keys);
  const Tensor fitting = fitted(value, places.shape());
  if (fitting.size() == 0) return x;
  const Tensor last = fn::put_along_axis_max(as_line(places), range(1, places.size()), 0, x.size());
  const Tensor numbers = fn::reshape(last, x.shape());
  const Tensor inside = fn::greater(numbers, integer(0));
  if (value.size() == 1) return fn::where(inside, scalar_of(value), x);
  return fn::where(inside, fn::take(as_line(fitting), fn::maximum(numbers, integer(1)) - integer(1), 0), x);
}

}  // namespace

Shape fitting_shape(const Tensor& value, const Shape& shape) {
  Shape sizes = value.shape();
  while (sizes.size() > shape.size() && sizes[0] == 1) sizes.erase(0);
  bool fits = sizes.size() <= shape.size();
  for (int i = 1; fits && i <= sizes.size(); ++i) {
    const int64_t size = sizes[sizes.size() - i];
    fits = size == 1 || size == shape[shape.size() - i];
  }
  if (!fits)
    throw ShapeError(text("[index] received a value of ", value.shape(), " for elements of ", shape,
                          "; expected a shape that broadcasts to theirs; reshape the value"));
  return sizes;
}

bool for_all_under_mask(const Keys& keys, const Tensor& x, const Tensor& value) {
  const Key& mask = keys.front();
  if (!mask.is_mask() || mask.array.ndim() > x.ndim()) return false;
  if (!std::all_of(keys.begin() + 1, keys.end(), is_everything)) return false;
  const Shape& sizes = value.shape();
  const int more = std::max(0, sizes.size() - (x.ndim() - mask.array.ndim()));
  return std::all_of(sizes.begin(), sizes.begin() + more, [](int64_t size) { return size == 1; });
}

Tensor with_elements(const Tensor& x, const Keys& keys, const Tensor& value) {
  if (!has_arrays(keys)) return with_block(x, block_of(x.shape(), plain_of(keys)), value);
  if (for_all_under_mask(keys, x, value)) return under_mask(x, keys.front().array, value);
  if (std::any_of(keys.begin(), keys.end(), [](const Key& key) { return key.is_mask() && key.array.symbolic(); }))
    throw TraceError(text("[index] received a value of ", value.shape(),
                          " for a mask whose values are known only when the compiled step runs; expected one value for "
                          "all places of a mask that is the only index; use powertrain.where"));
  return at_places(x, keys, value);
}

}  // namespace pt::bindings
