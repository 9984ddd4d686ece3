// Shapes and strides: at most kMaxDims sizes, held inline.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>
#include <string>
#include <vector>

namespace pt {

inline constexpr int kMaxDims = 8;
inline constexpr double kMostElements = 9e15;  // what is counted in 64 bits stays exact, in bytes and in doubles too

// A short list of integers with value semantics; a Shape counts elements, Strides are in elements, not bytes.
class Dims {
 public:
  Dims() = default;
  Dims(std::initializer_list<int64_t> values) : Dims(std::span<const int64_t>(values.begin(), values.size())) {}
  explicit Dims(std::span<const int64_t> values);
  explicit Dims(const std::vector<int64_t>& values) : Dims(std::span<const int64_t>(values)) {}

  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  int64_t operator[](int i) const { return values_[i]; }
  int64_t& operator[](int i) { return values_[i]; }
  int64_t back() const { return values_[size_ - 1]; }
  const int64_t* begin() const { return values_.data(); }
  const int64_t* end() const { return values_.data() + size_; }
  void push_back(int64_t value);
  void insert(int at, int64_t value);
  void erase(int at);
  friend bool operator==(const Dims& a, const Dims& b);

 private:
  std::array<int64_t, kMaxDims> values_{};
  int size_ = 0;
};
using Shape = Dims;
using Strides = Dims;

std::ostream& operator<<(std::ostream& out, const Dims& dims);  // "[4, 8]"
int64_t count(
    const Shape& shape);  // number of elements; 1 for a scalar; throws ShapeError for sizes below 0, or too many
Strides row_major(const Shape& shape);
bool is_row_major(const Shape& shape, const Strides& strides);  // axes of size 1 may have any stride

// The shape of a broadcast result; throws ShapeError naming `where` when the two do not fit.
Shape broadcast(const Shape& a, const Shape& b, const std::string& where);
// Strides that read a tensor of `from` as if it had shape `to`: 0 along every broadcast axis.
Strides broadcast_strides(const Shape& from, const Strides& strides, const Shape& to);
// An axis counted from the end becomes one counted from the start; throws IndexError naming `where`.
int normal_axis(int64_t axis, int ndim, const std::string& where);

}  // namespace pt
