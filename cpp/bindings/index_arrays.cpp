// x[key] where arrays of integers or truths are among the keys, as in NumPy.
#include <algorithm>

#include "bindings/facts.h"
#include "bindings/index.h"
#include "core/error.h"
#include "ops/functional.h"
#include "ops/recorder.h"

namespace pt::bindings {
namespace {

// Where a mask is true, counted along all of its axes.
Tensor places_of(const Tensor& mask) {
  if (mask.symbolic())
    throw TraceError(
        "[index] received a mask whose values are known only when the compiled step runs; expected one with a value; "
        "use powertrain.where");
  const Tensor rows = to_row_major(here(mask));
  const auto* truths = reinterpret_cast<const uint8_t*>(rows.host());
  const int64_t size = rows.size();
  Tensor places = Tensor::empty({DType::I64, {std::count(truths, truths + size, uint8_t{1})}});
  auto* next = reinterpret_cast<int64_t*>(places.host());
  for (int64_t i = 0; i < size; ++i) {
    if (truths[i]) *next++ = i;
  }
  return places;
}

int axes_of(const Key& key) { return key.is_mask() ? key.array.ndim() : 1; }

Tensor without_arrays(const Tensor& x, const Keys& keys) {
  std::vector<PyObject*> plain;
  for (const Key& key : keys) {
    const bool all = key.is_array() || key.is_integer();  // integers beside arrays are arrays of one place
    plain.insert(plain.end(), static_cast<std::size_t>(all ? axes_of(key) : 1), all ? everything() : key.plain.ptr());
  }
  return pick(x, PlainKeys(plain));
}

}  // namespace

Arranged arranged(const Tensor& x, const Keys& keys) {
  Arranged found{without_arrays(x, keys), {}};
  const Shape& sizes = found.rest.shape();
  int hidden = sizes.size();  // axes that no key but ... has
  for (const Key& key : keys) hidden -= key.is(Py_Ellipsis) ? 0 : axes_of(key);
  Shape shape;
  int axis = 0, fresh = 0;  // of what is left, and how many before it are new
  const auto keep = [&](int n) {
    for (; n > 0; --n) shape.push_back(sizes[axis++]);
  };
  for (const Key& key : keys) {
    if (key.is_mask()) {
      check_mask(key.array, sizes, axis);
      found.arrays.push_back({shape.size(), places_of(key.array)});
      shape.push_back(key.array.size());
      axis += key.array.ndim();
    } else {
      if (key.is_array()) found.arrays.push_back({shape.size(), key.array, 0, false});
      if (key.is_integer()) {
        const int64_t place = place_of(key.plain.ptr(), sizes[axis], axis - fresh);
        found.arrays.push_back({shape.size(), Tensor(), place});
      }
      fresh += key.is(Py_None);
      keep(key.is(Py_Ellipsis) ? hidden : 1);
    }
  }
  keep(sizes.size() - axis);
  found.rest = fn::reshape(found.rest, shape);
  return found;
}

namespace {

Tensor wide(const Tensor& index) {
  return index.dtype() == DType::I32 || index.dtype() == DType::I64 ? index : fn::cast(index, DType::I64);
}

bool known(const Placed& array) {
  const Tensor& places = array.places;
  return !places.defined() || (places.concrete() && places.impl().buffer->on_host());
}

}  // namespace

bool are_known(const Arranged& of) { return std::all_of(of.arrays.begin(), of.arrays.end(), known); }

Tensor joint_places_of_known(const Arranged& of, std::span<const int64_t> strides) {
  Shape shape;
  for (const Placed& array : of.arrays) {
    if (array.places.defined()) shape = broadcast(shape, array.places.shape(), "index");
  }
  const Tensor joint = Tensor::empty({DType::I64, shape});
  const std::span<int64_t> sums(reinterpret_cast<int64_t*>(joint.host()), static_cast<std::size_t>(joint.size()));
  std::fill(sums.begin(), sums.end(), 0);
  for (std::size_t i = 0; i < of.arrays.size(); ++i) {
    const Placed& array = of.arrays[i];
    const int64_t size = of.rest.shape()[array.axis];
    const Tensor places =
        array.places.defined() ? to_row_major(fn::broadcast_to(fn::cast(array.places, DType::I64), shape)) : Tensor();
    const auto* next = places.defined() ? reinterpret_cast<const int64_t*>(places.host()) : nullptr;
    for (int64_t& sum : sums) {
      const int64_t place = next ? *next++ : array.place;
      if (place < -size || place >= size)
        fail_index(text(place, " for an axis of size ", size), text(-size, " to ", size - 1));
      sum += (place < 0 ? place + size : place) * strides[i];
    }
  }
  return joint;
}

namespace {

// In row-major order of the axes of the arrays.
std::vector<int64_t> joint_strides(const Arranged& of) {
  std::vector<int64_t> strides(of.arrays.size(), 1);
  for (std::size_t i = strides.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * of.rest.shape()[of.arrays[i].axis];
  return strides;
}

// The same for places that are known when the step runs. What is outside of its axis becomes `outside`, of which `take`
// says so.
Tensor joint_places(const Arranged& of, int64_t outside) {
  Tensor places, inside;
  int64_t offset = 0, stride = outside;
  for (const Placed& array : of.arrays) {
    const int64_t size = of.rest.shape()[array.axis];
    stride /= std::max<int64_t>(size, 1);
    offset += array.place * stride;
    if (!array.places.defined()) continue;
    Tensor index = fn::cast(array.places, DType::I64);
    if (!array.inside) {
      index = fn::where(fn::less(index, integer(0)), index + integer(size), index);
      const Tensor fits = fn::logical_and(fn::greater_equal(index, integer(0)), fn::less(index, integer(size)));
      inside = inside.defined() ? fn::logical_and(inside, fits) : fits;
    }
    if (stride != 1) index = index * integer(stride);
    places = places.defined() ? places + index : index;
  }
  if (offset != 0) places = places + integer(offset);
  return inside.defined() ? fn::where(inside, places, integer(outside)) : places;
}

Tensor taken_jointly(const Arranged& of) {
  Ints order;
  int64_t joined = 1;
  for (const Placed& array : of.arrays) {
    order.push_back(array.axis);
    joined *= of.rest.shape()[array.axis];
  }
  const int first = of.arrays.front().axis;
  Shape shape{joined};
  for (int axis = 0; axis < of.rest.ndim(); ++axis) {
    if (std::find(order.begin(), order.end(), axis) != order.end()) continue;
    order.push_back(axis);
    shape.push_back(of.rest.shape()[axis]);
  }
  const Tensor places = are_known(of) ? joint_places_of_known(of, joint_strides(of)) : joint_places(of, joined);
  const Tensor taken = fn::take(fn::reshape(fn::transpose(of.rest, order), shape), places, 0);
  if (!of.together() || first == 0) return taken;
  Ints back;
  for (int axis = 0; axis < first; ++axis) back.push_back(places.ndim() + axis);
  for (int axis = 0; axis < places.ndim(); ++axis) back.push_back(axis);
  for (int axis = places.ndim() + first; axis < taken.ndim(); ++axis) back.push_back(axis);
  return fn::transpose(taken, back);
}

}  // namespace

Tensor pick(const Tensor& x, const Keys& keys) {
  if (!has_arrays(keys)) return pick(x, plain_of(keys));
  const Arranged of = arranged(x, keys);
  if (of.arrays.size() > 1) return taken_jointly(of);
  return fn::take(of.rest, wide(of.arrays.front().places), of.arrays.front().axis);
}

}  // namespace pt::bindings
