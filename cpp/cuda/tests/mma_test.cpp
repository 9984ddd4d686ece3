// The instructions of mma.h against sums over the elements that PTX's tables say. Small integers and eighths are exact
// in every dtype, so that results are, on any device.
#include "cuda/tests/mma.h"

#include "cuda/launch.h"
#include "cuda/tests/check_plan.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;

Array eighths(DType dtype, const Shape& shape, uint32_t seed) {
  Array array = integers(dtype, shape, -40, 40, seed);
  for (int64_t i = 0; i < array.count(); ++i) array.set(i, array.number(i) / 8);
  return array;
}

// `turned`: B lies as [8][K].
void check_product(const char* kernel, DType dtype, int64_t depth, bool turned) {
  const Array a = eighths(dtype, {16, depth}, 1);
  const Array b = eighths(dtype, turned ? Shape{8, depth} : Shape{depth, 8}, 2);
  std::vector<Array> out{Array(DType::F32, {16, 8})};
  LaunchPlan plan;
  plan.launches.push_back(cuda::cuda_launch(kernel, {.block = {32}}, cuda::TestMma{dtype == DType::BF16}, 3, 0));
  for (uint32_t order : {0, 1, 2}) {
    run_cuda(kernel, plan, {a, b}, out, order);
    for (int64_t row = 0; row < 16; ++row) {
      for (int64_t column = 0; column < 8; ++column) {
        double want = 1 + column % 2 + row / 8 * 2;  // what each lane began with
        for (int64_t k = 0; k < depth; ++k) {
          want += a.number(row * depth + k) * b.number(turned ? column * depth + k : k * 8 + column);
        }
        CHECK_EQ(out[0].number(row * 8 + column), want);
      }
    }
  }
}

}  // namespace

int main() {
  for (DType dtype : {DType::F16, DType::BF16}) {
    check_product("test_mma_16", dtype, 16, false);
    check_product("test_mma_turned", dtype, 16, true);
  }
  check_product("test_mma_tf32", DType::F32, 8, false);
  return pt::check::finish();
}
