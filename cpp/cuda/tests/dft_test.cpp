// Transforms of Fourier on the simulator: the CPU's bits.
#include "cuda/tests/check_plan.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;

void check(std::string_view op, const Array& x, const Attrs& attrs = {}) { check_op(op, {x}, attrs, kAnyCapability); }

// Both signs, and of real numbers there and back.
void check_length(DType type, const Shape& lines, int64_t n, uint32_t seed) {
  const auto with = [&](std::initializer_list<int64_t> last) {
    Shape shape = lines;
    for (int64_t size : last) shape.push_back(size);
    return shape;
  };
  for (const bool inverse : {false, true}) check("dft", normal(type, with({n, 2}), seed), {{"inverse", inverse}});
  check("real_dft", normal(type, with({n}), seed), {{"scale", 0.25}});
  check("real_dft_inverse", normal(type, with({n / 2 + 1, 2}), seed), {{"n", n}, {"scale", 3.0}});
}

void test_lengths() {
  // Lengths of one number, of each factor, of several of them, of primes up to 31, and of larger ones.
  for (const int64_t n : {1, 2, 3, 4, 5, 6, 8, 15, 60, 7, 14, 31, 62, 77, 37, 82, 101}) {
    check_length(DType::F32, {3}, n, uint32_t(n));
  }
  for (const int64_t n : {2, 30, 49, 74}) check_length(DType::F64, {2, 2}, n, uint32_t(n));
  check("real_dft", extremes(DType::F32, {2, 96}, 4));
  check_length(DType::F32, {}, 12, 1);
  check_length(DType::F32, {0}, 12, 1);
}

void test_long_lines() {
  // More lines than blocks of the workspace, which lines take that do not fit into shared memory: 2 for each of 3
  // units.
  check("dft", normal(DType::F32, {7, 3125, 2}, 2));
  check("dft", normal(DType::F32, {2, 1619, 2}, 3));  // by a convolution of 3240
}

}  // namespace

int main() {
  test_lengths();
  test_long_lines();
  return pt::check::finish();
}
