#include "core/shape.h"

#include <algorithm>

#include "core/error.h"

namespace pt {
namespace {

[[noreturn]] void too_many_dims(std::size_t received) {
  throw ShapeError(text("[shape] received ", received, " dimensions; expected at most ", kMaxDims,
                        "; merge some of them with reshape"));
}

}  // namespace

Dims::Dims(std::span<const int64_t> values) {
  if (values.size() > kMaxDims) too_many_dims(values.size());
  std::copy(values.begin(), values.end(), values_.begin());
  size_ = static_cast<int>(values.size());
}

void Dims::push_back(int64_t value) {
  if (size_ == kMaxDims) too_many_dims(kMaxDims + 1);
  values_[size_++] = value;
}

void Dims::insert(int at, int64_t value) {
  if (size_ == kMaxDims) too_many_dims(kMaxDims + 1);
  std::copy_backward(values_.begin() + at, values_.begin() + size_, values_.begin() + size_ + 1);
  values_[at] = value;
  ++size_;
}

void Dims::erase(int at) {
  std::copy(values_.begin() + at + 1, values_.begin() + size_, values_.begin() + at);
  --size_;
}

bool operator==(const Dims& a, const Dims& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

std::ostream& operator<<(std::ostream& out, const Dims& dims) {
  out << '[';
  for (int i = 0; i < dims.size(); ++i) out << (i ? ", " : "") << dims[i];
  return out << ']';
}

int64_t count(const Shape& shape) {
  int64_t product = 1;
  double checked = 1;
  for (int64_t size : shape) {
    if (size < 0)
      throw ShapeError(text("[shape] ", shape, " has the size ", size, "; expected sizes of at least 0; check them"));
    checked *= static_cast<double>(size);
  }
  if (checked > kMostElements)
    throw ShapeError(
        text("[shape] ", shape, " has more elements than memory can hold; expected fewer; check the sizes"));
  for (int64_t size : shape) product *= size;
  return product;
}

Strides row_major(const Shape& shape) {
  Strides strides = shape;
  int64_t step = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    strides[i] = step;
    step = static_cast<int64_t>(static_cast<uint64_t>(step) * static_cast<uint64_t>(shape[i]));  // may wrap when empty
  }
  return strides;
}

bool is_row_major(const Shape& shape, const Strides& strides) {
  // Nothing is ever read of an empty tensor, so any strides describe it.
  if (count(shape) == 0) return true;
  int64_t step = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] != 1 && strides[i] != step) return false;
    step *= shape[i];
  }
  return true;
}

Shape broadcast(const Shape& a, const Shape& b, const std::string& where) {
  const Shape &longer = a.size() >= b.size() ? a : b, &shorter = a.size() >= b.size() ? b : a;
  const int offset = longer.size() - shorter.size();
  Shape result = longer;
  for (int i = 0; i < shorter.size(); ++i) {
    const int64_t x = longer[i + offset], y = shorter[i];
    if (x != y && x != 1 && y != 1) {
      throw ShapeError(text("[", where, "] shapes ", a, " and ", b, " do not broadcast: sizes ",
                            a[a.size() - shorter.size() + i], " and ", b[b.size() - shorter.size() + i], " at axis ",
                            i - shorter.size(), "; expected equal sizes or a size of 1; reshape one of them"));
    }
    result[i + offset] = x == 1 ? y : x;
  }
  return result;
}

Strides broadcast_strides(const Shape& from, const Strides& strides, const Shape& to) {
  const int offset = to.size() - from.size();
  Strides result = to;
  for (int i = 0; i < to.size(); ++i) {
    const bool repeated = i < offset || (from[i - offset] == 1 && to[i] != 1);
    result[i] = repeated ? 0 : strides[i - offset];
  }
  return result;
}

int normal_axis(int64_t axis, int ndim, const std::string& where) {
  if (axis >= 0 ? axis < ndim : axis >= -ndim) return static_cast<int>(axis < 0 ? axis + ndim : axis);
  if (ndim == 0) {
    throw IndexError(
        text("[", where, "] axis = ", axis, " of a scalar; a scalar has no axis; reshape it to [1] first"));
  }
  throw IndexError(text("[", where, "] axis = ", axis, " of a tensor with ", ndim, " dimensions; expected ", -ndim,
                        " to ", ndim - 1, "; name an axis that exists"));
}

}  // namespace pt
