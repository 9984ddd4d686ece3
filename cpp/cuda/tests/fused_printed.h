// The programs whose printed kernels are compiled and run.
#pragma once
#include <utility>
#include <vector>

#include "cuda/tests/fused_cases.h"
#include "ops/fused/cuda_print.h"

namespace pt::check {

constexpr int kRandomPrinted = 60;

// Of the formulas those of floats, of the casts every third: what differs between kernels is seen in them.
inline std::vector<std::pair<Case, int>> printed_cases() {
  std::vector<std::pair<Case, int>> all;
  for (const Case& each : formula_cases()) {
    if (is_float(each.program.operands[std::size_t(each.program.inputs) - 1].dtype)) all.emplace_back(each, kUnits);
  }
  int number = 0;
  for (const Case& each : cast_cases()) {
    if (number++ % 3 == 0) all.emplace_back(each, kUnits);
  }
  for (const auto& cases : {row_cases(), uniform_cases()}) {
    for (const Case& each : cases) all.emplace_back(each, kUnits);
  }
  for (const Case& each : long_row_cases()) all.emplace_back(each, 100);
  return all;
}

inline std::vector<std::pair<FusedProgram, int>> printed_programs() {
  std::vector<std::pair<FusedProgram, int>> all;
  for (const FusedProgram& program : random_programs(kRandomPrinted)) all.emplace_back(program, kUnits);
  for (const auto& [each, units] : printed_cases()) all.emplace_back(each.program, units);
  return all;
}

inline cuda::fused::PrintedKernel print(const FusedProgram& program, int units) {
  const auto ir = cuda::fused::analyse(program, true);
  if (ir.space.rows == 0 || (ir.space.cols == 0 && !ir.has_reduction)) return {};
  const auto passes = cuda::fused::passes_of(ir);
  return cuda::fused::print_kernel(ir, passes, cuda::fused::part_of_row(ir, passes, units), units);
}

}  // namespace pt::check
