// The simulator: blocks, barriers, shuffles, and what it refuses.
#include "cuda/sim/simulate.h"

#include <cstring>

#include "core/kernel.h"
#include "cuda/tests/check_plan.h"
#include "cuda/tests/example.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;

LaunchPlan one_launch(Launch launch) {
  LaunchPlan plan;
  plan.launches.push_back(std::move(launch));
  return plan;
}

void test_row_sums() {
  for (const int64_t columns : {1, 31, 32, 100, 1000}) {
    for (const uint32_t threads : {32u, 96u, 256u}) {
      const int64_t rows = 37;
      const Array in = integers(DType::F32, {rows, columns}, -50, 50, 1);
      std::vector<Array> out{Array(DType::F32, {rows})};
      const cuda::ExampleRows params{rows, columns};
      const uint32_t status =
          run_cuda("row sums",
                   one_launch(cuda::cuda_launch("example_row_sums", {.grid = {5}, .block = {threads}}, params, 2, 0)),
                   {in}, out);
      CHECK_EQ(status, 0u);
      for (int64_t row = 0; row < rows; ++row) {
        double want = 0;
        for (int64_t i = 0; i < columns; ++i) want += in.number(row * columns + i);
        CHECK_EQ(out[0].number(row), want);
      }
    }
  }
}

void test_status() {
  Array in = normal(DType::F32, {2, 64}, 1);
  in.set(70, 1.0 / 0.0);
  std::vector<Array> out{Array(DType::F32, {2})};
  const Launch launch =
      cuda::cuda_launch("example_row_sums", {.grid = {1}, .block = {64}}, cuda::ExampleRows{2, 64}, 2, 0);
  CHECK_EQ(run_cuda("row sums", one_launch(launch), {in}, out), uint32_t(kStatusNonFinite));
}

void test_dynamic_shared_memory() {
  const Array in = integers(DType::I32, {4, 1024}, -1000, 1000, 3);
  std::vector<Array> out{Array(DType::I32, {4, 1024})};
  const Launch launch = cuda::cuda_launch("example_reverse", {.grid = {4}, .block = {1024}, .shared_bytes = 4096},
                                          cuda::ExampleReverse{3}, 2, 0);
  run_cuda("reverse", one_launch(launch), {in}, out);
  for (int64_t i = 0; i < 4096; ++i) CHECK_EQ(out[0].number(i), 3 * in.number(i / 1024 * 1024 + 1023 - i % 1024));
}

void test_limits() {
  const cuda::sim::Kernel* kernel = cuda::sim::find_kernel("example_row_sums");
  CHECK(cuda::sim::find_kernel("no_such_kernel") == nullptr);
  const cuda::ExampleRows params{1, 1};
  char* operands[4] = {};
  const auto complaint = [&](const cuda::Geometry& geometry) {
    cuda::sim::Failure failure;
    CHECK(!cuda::sim::simulate(*kernel, geometry, operands, &params, &failure));
    return failure.text;
  };
  CHECK_EQ(complaint({.block = {512}}),
           "[cuda example_row_sums] a block of 512 threads; expected at most the 256 of its launch bounds; change the "
           "plan or PT_CUDA_KERNEL");
  CHECK_EQ(complaint({.block = {1, 1, 65}}),
           "[cuda example_row_sums] a block of [1, 1, 65] threads; expected 1 to 1024, at most 64 along the last axis; "
           "change the plan's geometry");
  CHECK_EQ(complaint({.grid = {1, 65536}}),
           "[cuda example_row_sums] a grid of [1, 65536, 1] blocks; expected 1 to [2147483647, 65535, 65535]; change "
           "the plan's geometry");
  CHECK_EQ(complaint({.shared_bytes = 240000}),
           "[cuda example_row_sums] 240000 bytes of dynamic shared memory; expected at most 232448; use smaller tiles");
}

}  // namespace

int main() {
  test_row_sums();
  test_status();
  test_dynamic_shared_memory();
  test_limits();
  return pt::check::finish();
}
