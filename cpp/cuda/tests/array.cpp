#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "core/convert.h"
#include "cuda/tests/check_plan.h"

namespace pt::check {

Array::Array(DType dtype, const Shape& shape, const Strides& strides) : operand_{dtype, shape, strides} {
  const auto bytes = static_cast<int64_t>(size_of(dtype));
  int64_t below = 0, above = 0;
  for (int axis = 0; axis < shape.size(); ++axis) {
    const int64_t reach = strides[axis] * (std::max<int64_t>(shape[axis], 1) - 1);
    (reach < 0 ? below : above) += reach;
  }
  first_ = -below * bytes;
  memory_.assign(pt::count(shape) == 0 ? 0 : (above - below + 1) * bytes, 0);
}

Array Array::none() {
  Array left_out(DType::Bool, Shape{});
  left_out.memory_.clear();
  left_out.given_ = false;
  return left_out;
}

int64_t Array::offset(int64_t index) const {
  int64_t elements = 0;
  for (int axis = operand_.shape.size() - 1; axis >= 0; --axis) {
    elements += index % operand_.shape[axis] * operand_.strides[axis];
    index /= operand_.shape[axis];
  }
  return first_ + elements * static_cast<int64_t>(size_of(operand_.dtype));
}

double Array::number(int64_t index) const { return load_number(at(index), operand_.dtype); }
void Array::set(int64_t index, double value) { store_number(at(index), operand_.dtype, value); }
void Array::set_integer(int64_t index, int64_t value) {
  if (is_int(operand_.dtype)) {  // little endian: the low bytes
    std::memcpy(at(index), &value, size_of(operand_.dtype));
  } else {
    set(index, static_cast<double>(value));
  }
}

namespace {

// The strides of axes that lie in this order, the outermost first, each step so many times as far.
Strides strides_for(const Shape& shape, const std::vector<int>& order, const std::vector<int64_t>& gaps) {
  Strides strides = row_major(shape);
  int64_t step = 1;
  for (auto axis = order.rbegin(); axis != order.rend(); ++axis) {
    step *= gaps[*axis];
    strides[*axis] = step;
    step *= std::max<int64_t>(shape[*axis], 1);
  }
  return strides;
}

Array moved(const Array& from, const Strides& strides) {
  Array to(from.operand().dtype, from.operand().shape, strides);
  for (char& byte : to.memory()) byte = char(0x5b);  // in gaps, which nobody may read
  for (int64_t i = 0; i < from.count(); ++i) std::memcpy(to.at(i), from.at(i), size_of(from.operand().dtype));
  return to;
}

}  // namespace

Array Array::laid_out(std::vector<int> order, int64_t gap) const {
  return moved(*this, strides_for(operand_.shape, order, std::vector<int64_t>(order.size(), gap)));
}

Array Array::laid_out_at_random(std::mt19937& random) const {
  const int axes = operand_.shape.size();
  std::vector<int> order(axes);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random);
  std::vector<int64_t> gaps(axes);
  for (int64_t& gap : gaps) gap = random() % 3 ? 1 : 2;
  Strides strides = strides_for(operand_.shape, order, gaps);
  for (int axis = 0; axis < axes; ++axis) strides[axis] *= random() % 4 ? 1 : -1;
  return moved(*this, strides);
}

Array Array::repeated(const std::vector<int>& axes) const {
  Array narrow = *this;
  for (int axis : axes) narrow.operand_.shape[axis] = 1;
  Array packed = moved(narrow, row_major(narrow.operand_.shape));
  packed.operand_.shape = operand_.shape;
  for (int axis : axes) packed.operand_.strides[axis] = 0;
  return packed;
}

Array normal(DType dtype, const Shape& shape, uint32_t seed, double scale) {
  Array array(dtype, shape);
  std::mt19937 random(seed);
  std::normal_distribution<double> draw(0, scale);
  for (int64_t i = 0; i < array.count(); ++i) array.set(i, draw(random));
  return array;
}

Array integers(DType dtype, const Shape& shape, int64_t low, int64_t high, uint32_t seed) {
  Array array(dtype, shape);
  std::mt19937 random(seed);
  std::uniform_int_distribution<int64_t> draw(low, high);
  for (int64_t i = 0; i < array.count(); ++i) array.set_integer(i, draw(random));
  return array;
}

Array small_integers(DType dtype, const Shape& shape, int64_t most, uint32_t seed) {
  const bool has_signs = dtype == DType::I8 || dtype == DType::I16 || dtype == DType::I32 || dtype == DType::I64;
  return integers(dtype, shape, has_signs ? -most : 0, dtype == DType::Bool ? 1 : most, seed);
}

Array numbers(DType dtype, const Shape& shape, const std::vector<double>& values) {
  Array array(dtype, shape);
  for (int64_t i = 0; i < array.count(); ++i) array.set(i, values.at(i));
  return array;
}

Array extremes(DType dtype, const Shape& shape, uint32_t seed) {
  Array array = normal(dtype, shape, seed);
  const double inf = std::numeric_limits<double>::infinity();
  const double among[] = {std::nan(""), inf, -inf, 0.0, -0.0, 1.0, 1.0, -1.0};
  std::mt19937 random(seed + 1);
  for (int64_t i = 0; i < array.count(); ++i) {
    if (random() % 3 == 0) array.set(i, among[random() % 8]);
  }
  return array;
}

}  // namespace pt::check
