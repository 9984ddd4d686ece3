// Fused programs by the interpreter on CUDA, on the simulator, against the CPU's machine and a literal evaluation: the
// same bits.
#include "core/error.h"
#include "cuda/tests/fused_cases.h"

namespace {

using namespace pt;
using namespace pt::check;

void test_random_programs() {
  int number = 0;
  for (const FusedProgram& program : random_programs(2000)) check_program(program, number++ % 4 < 2, false);
}

// Few units and many: other blocks and parts.
void test_cases() {
  for (const auto& cases : {formula_cases(), cast_cases()}) {
    for (const Case& each : cases) compare_with_cpu(each, kUnits, false);
  }
  for (const auto& cases : {row_cases(), long_row_cases(), uniform_cases()}) {
    for (const Case& each : cases) {
      for (const int units : {1, 100}) compare_with_cpu(each, units, false);
    }
  }
  for (const Case& each : long_row_cases()) {
    CHECK_EQ(cuda::plan_fused(each.program, 90, 100, false).launches.size(), 2u);
  }
}

void test_errors() {
  FusedProgram p;
  p.extents = {4};
  p.inputs = 63;
  for (int i = 0; i < 63; ++i) {
    p.operands.push_back({DType::F32, {1}});
    p.steps.push_back(load(DType::F32, i));
  }
  p.operands.push_back({DType::F32, {1}});
  p.steps.push_back(store(DType::F32, 0, 63));
  CHECK_THROWS(cuda::plan_fused(p, 90, kUnits, false), Error,
               "[fused] a program for CUDA has 64 operands; expected fewer than 64; compute it in two steps");
}

}  // namespace

int main() {
  test_random_programs();
  test_cases();
  test_errors();
  return finish();
}
