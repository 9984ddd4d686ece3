// Printed kernels, compiled for the simulator: the bits of the CPU's machine.
#include "cuda/tests/fused_printed.h"

namespace {

using namespace pt;
using namespace pt::check;

void test_source() {
  const Case each = formula_cases().front();
  const LaunchPlan plan = cuda::plan_fused(each.program, 90, kUnits, true);
  const auto* desc = static_cast<const cuda::LaunchDesc*>(plan.launches[0].desc.data());
  const std::string* source = cuda::printed_source(desc->kernel);
  CHECK(source != nullptr);
  CHECK(source->find("#include \"simd/vec.h\"") == std::string::npos);
  CHECK(source->find("struct vec") != std::string::npos);
  cuda::allow_printed_kernels(false);
  const LaunchPlan interpreted = cuda::plan_fused(each.program, 90, kUnits, true);
  CHECK_EQ(cuda::kernel_name(static_cast<const cuda::LaunchDesc*>(interpreted.launches[0].desc.data())->kernel),
           std::string("fused_interpreter"));
  cuda::allow_printed_kernels(true);
}

}  // namespace

int main() {
  cuda::allow_printed_kernels(true);
  int number = 0;
  for (const FusedProgram& program : random_programs(kRandomPrinted)) check_program(program, number++ % 4 < 2, true);
  for (const auto& [each, units] : printed_cases()) compare_with_cpu(each, units, true);
  test_source();
  return finish();
}
