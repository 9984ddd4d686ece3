// The keys of x[key] and x[key] = value.
#pragma once
#include <array>
#include <span>
#include <vector>

#include "bindings/bindings.h"

namespace pt::bindings {

// What stands between two commas: an integer, a slice, None or ..., or an array of integers or of truths.
struct Key {
  py::object plain;  // null for an array
  Tensor array;
  bool is_array() const { return array.defined(); }
  bool is_mask() const { return is_array() && array.dtype() == DType::Bool; }
  bool is_integer() const { return !is_array() && PyLong_Check(plain.ptr()); }
  bool is(PyObject* object) const { return plain.ptr() == object; }  // None or ...
};
using Keys = std::vector<Key>;
using PlainKeys = std::span<PyObject* const>;

bool is_plain(PyObject* key);        // as it is: an integer, a slice, None or ... of Python itself
PlainKeys parts_of(PyObject*& key);  // those of a tuple, or the key alone; lives as long as the tuple and `key` do
Keys keys_of(PyObject* key);         // throws for what is no key
bool has_arrays(const Keys& keys);
std::vector<PyObject*> plain_of(const Keys& keys);  // of keys without arrays; borrowed
PyObject* everything();                             // the slice
// Throws unless a mask has the sizes of the axes that it covers, from one on.
void check_mask(const Tensor& mask, const Shape& sizes, int axis);

// What keys pick along an axis.
struct Picked {
  int64_t start, step, count;
};

// What keys without arrays pick.
struct Block {
  std::array<Picked, kMaxDims> along{};  // each axis of the tensor
  Shape shape;
  Shape axes;  // for each axis of the result: the tensor's, or -1 for a new one
  bool all = true;

  void keep(int axis, const Picked& part, int64_t size) {
    along[axis] = part;
    all = all && part.count == size && part.step == 1;
  }
  void show(int axis, int64_t size) {
    shape.push_back(size);
    axes.push_back(axis);
  }
};
Block block_of(const Shape& sizes, PlainKeys keys);
int64_t place_of(PyObject* integer, int64_t size, int axis);  // from the start; throws for one outside

Tensor pick(const Tensor& x, PlainKeys keys);
Tensor pick(const Tensor& x, const Keys& keys);

// An array among the keys: places along one axis, or one place.
struct Placed {
  int axis;
  Tensor places;  // undefined for a single place
  int64_t place = 0;
  bool inside = true;  // all of them are known to be
};

// What the other keys leave of x, in which each array has an axis of its own: a mask one for all that it covers.
struct Arranged {
  Tensor rest;
  std::vector<Placed> arrays;
  // Neighbouring arrays leave their axes in their place; others put them in front.
  bool together() const { return arrays.back().axis - arrays.front().axis + 1 == static_cast<int>(arrays.size()); }
};
Arranged arranged(const Tensor& x, const Keys& keys);
bool are_known(const Arranged& of);  // where all places are, on the host
// The places along all axes of the arrays as one: their sum, times a stride for each array. Throws if one is outside.
Tensor joint_places_of_known(const Arranged& of, std::span<const int64_t> strides);

// x with a value in place of what is picked; the value has the dtype of x.
Tensor with_elements(const Tensor& x, const Keys& keys, const Tensor& value);
// A mask of the first axes as the only key, and one value for each of the axes left: that needs no places.
bool for_all_under_mask(const Keys& keys, const Tensor& x, const Tensor& value);
// The shape in which a value broadcasts to another shape; throws if it does not. NumPy leaves out axes of size 1 in
// front.
Shape fitting_shape(const Tensor& value, const Shape& shape);

// `object[key] = value` where no trace and no tape listens and all is on the host: writes the elements, in the object's
// own memory if nobody else has it, else in a copy. False, and nothing done, where that is not so.
bool write_elements(py::handle object, const Keys& keys, const Tensor& value);

// A number as Python's integers are: it takes the dtype of what it meets.
inline Tensor integer(int64_t value) { return Tensor::scalar(static_cast<double>(value), DType::I64, true); }

std::string key_words(PlainKeys keys);  // those of a tuple
std::string key_words(PyObject* key);   // as Python writes it, without asking anything of a stranger's class
[[noreturn]] void fail_index(const std::string& received, const std::string& expected);

}  // namespace pt::bindings
