// x[key] = value where nobody listens: the elements are written, and the others stay as they are.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "bindings/index.h"
#include "ops/recorder.h"

namespace pt::bindings {
namespace {

// Where the elements are that keys pick: by strides, and along the axes of arrays by a table of places.
struct Spot {
  Shape shape;
  Strides strides;     // along axes of the table 0
  int64_t offset = 0;  // of the first element, from the tensor's
  int table_begin = -1, table_end = -1;
  Tensor table;  // int64, row-major, of the sizes of its axes
};

Spot spot_of(const Tensor& x, const Block& block) {
  Spot spot{block.shape, {}, 0, -1, -1, {}};
  for (int axis = 0; axis < x.ndim(); ++axis) spot.offset += block.along[axis].start * x.strides()[axis];
  for (const int64_t axis : block.axes)
    spot.strides.push_back(axis < 0 ? 0 : x.strides()[axis] * block.along[axis].step);
  return spot;
}

// None where what the other keys leave is no view of x, or where an array has no numbers yet.
std::optional<Spot> spot_of(const Tensor& x, const Keys& keys) {
  const Arranged of = arranged(x, keys);
  const TensorImpl& rest = of.rest.impl();
  if (rest.buffer != x.impl().buffer || !are_known(of)) return std::nullopt;
  std::array<int64_t, kMaxDims> along{};
  for (std::size_t i = 0; i < of.arrays.size(); ++i) along[i] = rest.strides[of.arrays[i].axis];
  Spot spot{{}, {}, rest.offset - x.impl().offset, 0, 0, joint_places_of_known(of, {along.data(), of.arrays.size()})};
  const auto add_table = [&] {
    spot.table_begin = spot.shape.size();
    for (const int64_t size : spot.table.shape()) {
      spot.shape.push_back(size);
      spot.strides.push_back(0);
    }
    spot.table_end = spot.shape.size();
  };
  if (!of.together()) add_table();
  auto array = of.arrays.begin();
  for (int axis = 0; axis < of.rest.ndim(); ++axis) {
    if (array != of.arrays.end() && array->axis == axis) {
      if (array == of.arrays.begin() && of.together()) add_table();
      ++array;
    } else {
      spot.shape.push_back(of.rest.shape()[axis]);
      spot.strides.push_back(rest.strides[axis]);
    }
  }
  return spot;
}

// In row-major order, so that of elements that are named twice the last value counts.
template <class Element>
class Writer {
 public:
  Writer(const Spot& spot, const Strides& steps)
      : spot_(spot),
        steps_(steps),
        table_(spot.table.defined() ? reinterpret_cast<const int64_t*>(spot.table.host()) : nullptr) {}

  void write(int axis, Element* to, const Element* from, int64_t place) const {
    if (axis == spot_.table_end) to += table_[place];
    if (axis == spot_.shape.size()) {
      *to = *from;
      return;
    }
    const int64_t size = spot_.shape[axis], step = steps_[axis], stride = spot_.strides[axis];
    const bool by_table = axis >= spot_.table_begin && axis < spot_.table_end, last = axis + 1 == spot_.shape.size();
    if (last && by_table) {
      for (int64_t i = 0; i < size; ++i) to[table_[place * size + i]] = from[i * step];
    } else if (last && step == 1 && stride == 1) {
      std::memcpy(to, from, static_cast<std::size_t>(size) * sizeof(Element));
    } else if (last) {
      for (int64_t i = 0; i < size; ++i) to[i * stride] = from[i * step];
    } else {
      for (int64_t i = 0; i < size; ++i)
        write(axis + 1, to + i * stride, from + i * step, by_table ? place * size + i : place);
    }
  }

 private:
  const Spot& spot_;
  const Strides& steps_;  // of the value
  const int64_t* table_;
};

struct Wide {
  std::array<uint64_t, 2> parts;
};

template <class Element>
void write_as(const Spot& spot, const Strides& steps, char* to, const char* from) {
  Writer<Element>(spot, steps).write(0, reinterpret_cast<Element*>(to), reinterpret_cast<const Element*>(from), 0);
}

void write(const Spot& spot, char* to, const Tensor& value, const Shape& sizes) {
  Strides strides = value.strides();
  while (strides.size() > sizes.size()) strides.erase(0);
  const Strides steps = broadcast_strides(sizes, strides, spot.shape);
  if (count(spot.shape) == 0) return;
  switch (size_of(value.dtype())) {
    case 1:
      return write_as<uint8_t>(spot, steps, to, value.host());
    case 2:
      return write_as<uint16_t>(spot, steps, to, value.host());
    case 4:
      return write_as<uint32_t>(spot, steps, to, value.host());
    case 8:
      return write_as<uint64_t>(spot, steps, to, value.host());
    default:
      return write_as<Wide>(spot, steps, to, value.host());
  }
}

bool lies_here(const Tensor& tensor) { return tensor.concrete() && tensor.impl().buffer->on_host(); }

}  // namespace

bool write_elements(py::handle object, const Keys& keys, const Tensor& value) {
  const Tensor x = unwrap(object);
  if (active_recorder() || tape_depth() > 0 || !lies_here(x) || !lies_here(value) || !x.row_major()) return false;
  std::optional<Spot> spot;
  if (!has_arrays(keys)) {
    const Block block = block_of(x.shape(), plain_of(keys));
    if (block.all && block.shape == x.shape()) return false;  // the value is all that x becomes
    spot = spot_of(x, block);
  } else if (!for_all_under_mask(keys, x, value)) {
    spot = spot_of(x, keys);
  }
  if (!spot) return false;
  const Shape sizes = fitting_shape(value, spot->shape);
  // Beside the object and `x`. To count by copies orders our writes behind what a thread that has just let go has read.
  const BufferRef buffer = x.impl().buffer;
  const bool alone = x.ref().use_count() == 2 && buffer.use_count() == 2 && !buffer->borrowed();
  const Tensor written = alone ? Tensor::view(buffer, x.type(), x.strides(), x.impl().offset) : copied(x);
  write(*spot, written.host() + spot->offset * static_cast<int64_t>(size_of(x.dtype())), value, sizes);
  give_value(object, written);
  return true;
}

}  // namespace pt::bindings
