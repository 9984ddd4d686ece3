// Products by cuBLASLt, where there is one and it takes them (cuda/products.h).
#pragma once
#include <optional>
#include <vector>

#include "ops/matmul/cuda_epilogue_desc.h"
#include "ops/matmul/plan_cuda.h"

namespace pt::cuda {

// C = A B in one launch. `operands` are those of the plan: a, b, c. Nothing where the product is for our own kernels.
std::optional<LaunchPlan> plan_by_library(const TileProduct& product, const CudaCall& call,
                                          const std::vector<int>& operands);

// With a program behind it. `product` is described as if there were none, since it is the same to the library then.
// `own` is the launch of our own kernel for both, with these parameters and without parts of K; the plan's operands are
// left, right and those of the program, the result left out.
std::optional<LaunchPlan> plan_followed_by_library(const TileProduct& product, const EpilogueProduct& params,
                                                   const Launch& own, const Operand& result,
                                                   const FusedProgram& program, const CudaCall& call);

}  // namespace pt::cuda
