// The roofline kernels do the work that is counted for them, and the measurement tells rates.
#include <cstring>
#include <vector>

#include "ops/roofline/desc.h"
#include "ops/roofline/measure.h"
#include "parallel/kernel_table.h"
#include "parallel/pool.h"
#include "tests/check.h"

namespace {

void run(int kernel, const pt::RooflineDesc& desc, char* in, char* out, int64_t chunk) {
  char* data[] = {in, out};
  uint32_t status = 0;
  const pt::KernelArgs args{data, &desc, nullptr, &status};
  pt::kernels_of("roofline", pt::current_isa())[kernel](&args, chunk);
}

// Twelve chains start at 0 to 11; a round halves each and adds a half: their sum is 66 / 2 + 6, then 39 / 2 + 6.
void test_multiply_adds() {
  for (const int64_t rounds : {1, 2}) {
    pt::RooflineWork work[3] = {};
    run(0, {rounds, 0, 0, 0}, nullptr, reinterpret_cast<char*>(work), 1);
    CHECK_EQ(work[1].lanes[0], rounds == 1 ? 39.0f : 25.5f);
    const double per_lane = 24.0 * static_cast<double>(rounds);
    int lanes = 0;
    while (lanes < 16 && work[1].lanes[lanes] != 0) ++lanes;
    CHECK_EQ(work[1].flops, per_lane * lanes);
    CHECK_EQ(work[0].flops + work[2].flops, 0.0);
  }
}

void test_copy_of_a_ragged_chunk() {
  std::vector<char> in(100), out(101, 7);
  for (int i = 0; i < 100; ++i) in[i] = static_cast<char>(i);
  const pt::RooflineDesc desc{0, 100, 32, 2};
  for (int64_t chunk = 0; chunk < 4; ++chunk) run(1, desc, in.data(), out.data(), chunk);
  CHECK(std::memcmp(in.data(), out.data(), 100) == 0);
  CHECK_EQ(static_cast<int>(out[100]), 7);
}

void test_rates() {
  for (const int threads : {1, 2}) {
    pt::Pool::instance().set_threads(threads);
    const pt::Roofline roofline = pt::measure_roofline(0.03);
    CHECK(roofline.flops > 1e6 && roofline.flops < 1e15);
    CHECK(roofline.memory_bytes > 1e6 && roofline.memory_bytes < 1e14);
    CHECK(roofline.cache_bytes > 1e6 && roofline.cache_bytes < 1e15);
  }
}

}  // namespace

int main() {
  test_multiply_adds();
  test_copy_of_a_ragged_chunk();
  test_rates();
  return pt::check::finish();
}
