// Reading and adding by index, and the guard's check, against one element at a time.
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "core/error.h"
#include "ops/all_finite/plan.h"
#include "ops/gather/plan.h"
#include "ops/scatter_add/plan.h"
#include "tests/check.h"
#include "tests/run_plan.h"

namespace {

using namespace pt;

// A tensor in memory whose axes may lie in any order and may have gaps.
template <class T>
struct Array {
  Shape shape;
  Strides strides;
  std::vector<T> memory;

  Array(const Shape& s, std::mt19937& random, bool strided) : shape(s), strides(s) {
    int64_t step = strided && random() % 2 ? 2 : 1;
    const bool reversed = strided && random() % 2;
    for (int i = 0; i < s.size(); ++i) {
      const int axis = reversed ? i : s.size() - 1 - i;
      strides[axis] = step;
      step *= std::max<int64_t>(s[axis], 1);
    }
    memory.resize(step + 1);
  }
  T& at(int64_t linear) {
    int64_t offset = 0;
    for (int axis = shape.size() - 1; axis >= 0; --axis) {
      offset += linear % shape[axis] * strides[axis];
      linear /= shape[axis];
    }
    return memory[offset];
  }
  Operand operand(DType dtype) const { return {dtype, shape, strides}; }
};

template <class T>
void fill_random(Array<T>& array, std::mt19937& random) {
  std::normal_distribution<double> normal;
  for (T& value : array.memory) value = static_cast<T>(4 * normal(random));
}

// Indices from -size to size - 1, one of them out of range when asked for.
template <class I>
void fill_indices(Array<I>& index, int64_t size, bool one_bad, std::mt19937& random) {
  for (I& value : index.memory) value = static_cast<I>(static_cast<int64_t>(random() % (2 * size)) - size);
  const int64_t n = count(index.shape);
  if (one_bad && n) index.at(random() % n) = static_cast<I>(random() % 2 ? size : -size - 1);
}

int64_t wrap(int64_t index, int64_t size) {
  const int64_t wrapped = index < 0 ? index + size : index;
  return wrapped < 0 || wrapped >= size ? -1 : wrapped;
}

Shape random_shape(int axes, std::mt19937& random) {
  const int64_t sizes[] = {1, 2, 3, 5, 16, 17, 40};
  Shape shape;
  for (int i = 0; i < axes; ++i) shape.push_back(sizes[random() % 7]);
  return shape;
}

struct Split {
  int64_t outer, inner;
};
Split split_at(const Shape& shape, int axis) {
  Split split{1, 1};
  for (int i = 0; i < shape.size(); ++i) (i < axis ? split.outer : split.inner) *= i == axis ? 1 : shape[i];
  return split;
}

template <class T, class I>
void check_gather(DType dtype, DType index_dtype, std::mt19937& random) {
  const Shape shape = random_shape(1 + random() % 3, random);
  const int axis = static_cast<int>(random() % shape.size());
  const bool bad = random() % 8 == 0;
  Array<T> table(shape, random, true);
  Array<I> index(random_shape(random() % 3, random), random, true);
  fill_random(table, random);
  fill_indices(index, shape[axis], bad, random);

  Shape out_shape;
  for (int i = 0; i < axis; ++i) out_shape.push_back(shape[i]);
  for (int64_t size : index.shape) out_shape.push_back(size);
  for (int i = axis + 1; i < shape.size(); ++i) out_shape.push_back(shape[i]);
  const Split split = split_at(shape, axis);
  std::vector<T> out(count(out_shape) + 1, T(77)), want = out;
  const int64_t n = count(index.shape);
  for (int64_t o = 0; o < split.outer; ++o)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t i = 0; i < split.inner; ++i) {
        const int64_t from = wrap(index.at(j), shape[axis]);
        want[(o * n + j) * split.inner + i] = from < 0 ? T(0) : table.at((o * shape[axis] + from) * split.inner + i);
      }
  const LaunchPlan plan =
      plan_gather(table.operand(dtype), index.operand(index_dtype), {dtype, out_shape, row_major(out_shape)}, axis);
  const uint32_t status = check::run_plan(plan, {table.memory.data(), index.memory.data(), out.data()});
  CHECK_EQ(status, bad ? uint32_t(kStatusBadIndex) : 0u);
  check::report(out == want, __FILE__, __LINE__, text("gather ", shape, " by ", index.shape, " along ", axis));
}

template <class T, class I>
void check_along(DType dtype, DType index_dtype, std::mt19937& random) {
  const Shape shape = random_shape(1 + random() % 3, random);
  const int axis = static_cast<int>(random() % shape.size());
  const bool bad = random() % 8 == 0;
  Array<T> x(shape, random, true);
  fill_random(x, random);
  Shape index_shape = shape;
  index_shape[axis] = 1 + random() % 9;
  Array<I> index(index_shape, random, true);
  fill_indices(index, shape[axis], bad, random);
  const uint32_t want_status = bad ? uint32_t(kStatusBadIndex) : 0u;

  const Split split = split_at(shape, axis);
  const int64_t n = index_shape[axis];
  std::vector<T> taken(count(index_shape) + 1, T(77)), want_taken = taken, put(count(shape) + 1, T(77)), want_put = put;
  for (int64_t i = 0; i < count(shape); ++i) want_put[i] = 0;
  for (int64_t o = 0; o < split.outer; ++o)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t i = 0; i < split.inner; ++i) {
        const int64_t at = (o * n + j) * split.inner + i, from = wrap(index.at(at), shape[axis]);
        const int64_t there = (o * shape[axis] + from) * split.inner + i;
        want_taken[at] = from < 0 ? T(0) : x.at(there);
        if (from >= 0) want_put[there] += want_taken[at];
      }
  const Operand out{dtype, index_shape, row_major(index_shape)};
  uint32_t status = check::run_plan(plan_take_along(x.operand(dtype), index.operand(index_dtype), out, axis),
                                    {x.memory.data(), index.memory.data(), taken.data()});
  CHECK_EQ(status, want_status);
  check::report(taken == want_taken, __FILE__, __LINE__,
                text("take_along ", shape, " by ", index_shape, " along ", axis));

  status = check::run_plan(plan_put_along(index.operand(index_dtype), out, {dtype, shape, row_major(shape)}, axis),
                           {index.memory.data(), taken.data(), put.data()});
  CHECK_EQ(status, want_status);
  check::report(put == want_put, __FILE__, __LINE__, text("put_along ", shape, " by ", index_shape, " along ", axis));
}

template <class T, class I>
void check_scatter(DType dtype, DType index_dtype, std::mt19937& random) {
  const Shape shape = random_shape(1 + random() % 3, random);
  const int axis = static_cast<int>(random() % shape.size());
  const bool bad = random() % 8 == 0, accumulate = random() % 2;
  Array<I> index(random_shape(random() % 3, random), random, true);
  fill_indices(index, shape[axis], bad, random);
  Shape update_shape;
  for (int i = 0; i < axis; ++i) update_shape.push_back(shape[i]);
  for (int64_t size : index.shape) update_shape.push_back(size);
  for (int i = axis + 1; i < shape.size(); ++i) update_shape.push_back(shape[i]);
  Array<T> updates(update_shape, random, true);
  fill_random(updates, random);

  const Split split = split_at(shape, axis);
  const int64_t n = count(index.shape);
  std::vector<T> out(count(shape) + 1, T(3)), want = out;
  if (!accumulate) std::fill(want.begin(), want.end() - 1, T(0));
  for (int64_t o = 0; o < split.outer; ++o)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t i = 0; i < split.inner; ++i) {
        const int64_t to = wrap(index.at(j), shape[axis]);
        if (to >= 0) want[(o * shape[axis] + to) * split.inner + i] += updates.at((o * n + j) * split.inner + i);
      }
  const LaunchPlan plan = plan_scatter_add(index.operand(index_dtype), updates.operand(dtype),
                                           {dtype, shape, row_major(shape)}, axis, accumulate);
  const uint32_t status = check::run_plan(plan, {index.memory.data(), updates.memory.data(), out.data()});
  CHECK_EQ(status, bad ? uint32_t(kStatusBadIndex) : 0u);
  check::report(out == want, __FILE__, __LINE__,
                text("scatter_add into ", shape, " by ", index.shape, " along ", axis));
}

// 300 bf16 ones: rounded after each addition they would stop at 256.
void test_half_rounds_once() {
  const uint16_t one = 0x3f80, three_hundred = 0x4396;
  std::vector<uint16_t> updates(300 * 2, one), out(2 * 2, 0xffff);
  std::vector<int32_t> index(300, 1);
  const Shape rows{300}, wide{300, 2}, narrow{2, 2};
  const Operand i{DType::I32, rows, row_major(rows)}, u{DType::BF16, wide, row_major(wide)},
      o{DType::BF16, narrow, row_major(narrow)};
  check::run_plan(plan_scatter_add(i, u, o, 0, false), {index.data(), updates.data(), out.data()});
  CHECK(out == (std::vector<uint16_t>{0, 0, three_hundred, three_hundred}));

  std::vector<int32_t> positions(300 * 2, 1);
  out.assign(4, 0xffff);
  const Operand p{DType::I32, wide, row_major(wide)};
  check::run_plan(plan_put_along(p, u, o, 0), {positions.data(), updates.data(), out.data()});
  CHECK(out == (std::vector<uint16_t>{0, 0, three_hundred, three_hundred}));
}

template <class T>
void check_finite(DType dtype, std::vector<T> special, T largest) {
  for (int64_t n : {0, 1, 15, 16, 17, 1000, 300000}) {
    std::vector<T> values(2 * n + 1, largest);
    const Shape shape{n};
    for (int64_t stride : {1, 2}) {
      const LaunchPlan plan = plan_all_finite({dtype, shape, Strides{stride}});
      CHECK_EQ(check::run_plan(plan, {values.data()}), 0u);
      for (T value : special) {
        for (int64_t at : {int64_t{0}, n / 2, n - 1}) {
          if (at < 0 || at >= n) continue;
          values[at * stride] = value;
          CHECK_EQ(check::run_plan(plan, {values.data()}), uint32_t(kStatusNonFinite));
          values[at * stride] = largest;
        }
      }
      if (n == 0) continue;
      // Just outside.
      values[n * stride] = special[0];
      CHECK_EQ(check::run_plan(plan, {values.data()}), 0u);
      values[n * stride] = largest;
    }
  }
}

void test_all_finite() {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  check_finite<float>(DType::F32, {inf, -inf, nan, -nan}, std::numeric_limits<float>::max());
  check_finite<double>(DType::F64, {inf, -inf, nan, -nan}, std::numeric_limits<double>::max());
  check_finite<uint16_t>(DType::F16, {0x7c00, 0xfc00, 0x7e01, 0xfc01}, 0x7bff);
  check_finite<uint16_t>(DType::BF16, {0x7f80, 0xff80, 0x7fc0, 0xff81}, 0x7f7f);
}

}  // namespace

int main() {
  for (std::string_view isa : check::usable_isas()) {
    set_isa(isa);
    std::mt19937 random(3);
    for (int round = 0; round < 300; ++round) {
      check_gather<float, int32_t>(DType::F32, DType::I32, random);
      check_gather<uint8_t, int64_t>(DType::U8, DType::I64, random);
      check_gather<double, int64_t>(DType::F64, DType::I64, random);
      check_gather<int16_t, int32_t>(DType::I16, DType::I32, random);
      check_along<float, int64_t>(DType::F32, DType::I64, random);
      check_along<int16_t, int32_t>(DType::I16, DType::I32, random);
      check_scatter<float, int32_t>(DType::F32, DType::I32, random);
      check_scatter<double, int64_t>(DType::F64, DType::I64, random);
      check_scatter<int64_t, int32_t>(DType::I64, DType::I32, random);
      check_scatter<int8_t, int64_t>(DType::I8, DType::I64, random);
    }
    test_half_rounds_once();
    test_all_finite();
  }
  return check::finish();
}
