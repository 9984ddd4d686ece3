// What depends on the numbers of a tensor and decides a shape: where it is not 0, and its least and largest integer.
#include <algorithm>

#include "bindings/bindings.h"
#include "ops/recorder.h"
#include "ops/target.h"

namespace pt::bindings {
namespace {

// Whether each element is not 0, row-major; of complex numbers, each of the two parts, whose axis is the last.
Tensor truths_of(const Tensor& x) {
  if (!is_complex(x.dtype())) return to_row_major(converted(x, DType::Bool));
  Shape shape = x.shape();
  Strides strides = x.strides();
  for (int axis = 0; axis < strides.size(); ++axis) strides[axis] *= 2;
  shape.push_back(2);
  strides.push_back(1);
  const TensorType parts{part_dtype(x.dtype()), shape};
  return truths_of(Tensor::view(x.impl().buffer, parts, strides, 2 * x.impl().offset));
}

// The positions of elements that are not 0 in row-major order, [axes, k]: those along each axis are a row.
Tensor places_of(const Tensor& x) {
  const Tensor truths = truths_of(on_host(x));
  if (is_complex(x.dtype())) {
    auto* const parts = reinterpret_cast<uint8_t*>(truths.host());
    for (int64_t i = 0; i < x.size(); ++i) parts[i] = parts[2 * i] | parts[2 * i + 1];
  }
  const auto* at = reinterpret_cast<const uint8_t*>(truths.host());
  const int64_t size = x.size(), n = std::count_if(at, at + size, [](uint8_t truth) { return truth != 0; });
  const Tensor found = Tensor::empty({DType::I64, {x.ndim(), n}});
  auto* const places = reinterpret_cast<int64_t*>(found.host());
  int64_t next = 0;
  for (int64_t i = 0; i < size && next < n; ++i) {
    places[next] = i;  // the first axis' row holds those in flat memory until all are known
    next += at[i] != 0;
  }
  for (int axis = x.ndim() - 1; axis > 0; --axis) {
    const int64_t along = x.shape()[axis];
    for (int64_t i = 0; i < n; ++i) {
      places[axis * n + i] = places[i] % along;
      places[i] /= along;
    }
  }
  return found;
}

Tensor row(const Tensor& matrix, int64_t i) {
  const int64_t n = matrix.shape()[1];
  return moved(Tensor::view(matrix.impl().buffer, {matrix.dtype(), {n}}, {1}, i * n), current_target().memory());
}

}  // namespace

void register_places(py::module_& m) {
  m.def(
      "places",
      [](const Tensor& x) {
        const Tensor found = places_of(x);
        py::tuple along(x.ndim());
        for (int axis = 0; axis < x.ndim(); ++axis) along[axis] = wrap(row(found, axis));
        return along;
      },
      py::arg("x"), "Where x, which has axes, is not 0: int64 positions along each axis, in row-major order.");
  m.def(
      "extent",
      [](const Tensor& integers) {
        const Tensor values = to_row_major(on_host(integers));
        const auto* at = reinterpret_cast<const int64_t*>(values.host());
        if (values.size() == 0) return std::pair<int64_t, int64_t>(0, -1);
        const auto [least, most] = std::minmax_element(at, at + values.size());
        return std::pair(*least, *most);
      },
      py::arg("integers"), "The least and the largest of a tensor of int64; 0 and -1 of none.");
}

}  // namespace pt::bindings
