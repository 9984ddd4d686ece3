// Launches of a product that a chain follows, for the plans of convolutions too.
#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ops/matmul/plan_cuda.h"
#include "ops/matmul/plan_cuda_chain.h"

namespace pt::cuda {

bool takes_product(const CudaFollowed& call, std::string* why);
LaunchPlan plan_followed_product(const Operand& a, const Operand& b, const Operand& c, const FusedProgram& program,
                                 const CudaCall& call);

// As append_tiles, of a product that is described but for its tiles: the kernel is prefix + "then_" + kind + shape.
// With parts of K it is the plain one, and the chain follows where their sums are added; that takes results whose rows
// follow each other. The plan's operands are left, right and those of the chain, which are so many bytes.
template <class Params>
void append_followed(LaunchPlan& plan, const std::string& prefix, Followed<Params> params, KernelKind kind,
                     bool may_split, int units, double behind) {
  constexpr int kWorkspace = -1, kOperands = 2 + kEpilogueOperands;
  TileProduct& p = product_of_params(params.product);
  const TileChoice tiles = choose_tiles(p, units, kind, may_split);
  p.splits = tiles.splits, p.split_depth = tiles.split_depth;
  p.row_tiles = ceil_div(p.rows, tiles.rows), p.col_tiles = ceil_div(p.cols, tiles.cols);
  const Geometry geometry{.grid = blocks_for(p.tiles(), 1, int64_t{1} << 30),
                          .block = static_cast<uint32_t>(tiles.threads)};
  const std::string name = std::string(kind.name) + "_" + tiles.shape;
  const double sums = static_cast<double>(p.batches * p.rows * p.cols), flops = 2 * sums * static_cast<double>(p.depth);
  std::vector<int> operands = {0, 1};
  for (int i = 0; i < params.then.n_operands; ++i) operands.push_back(2 + i);
  if (p.splits == 1) {
    const double read = bytes_moved(p) - sums * static_cast<double>(size_of(p.out_type));
    plan.launches.push_back(cuda_launch(prefix + "then_" + name, geometry, params, kOperands, read + behind, flops));
  } else {
    const double parts = sums * static_cast<double>(p.splits) * 4;
    plan.workspace_bytes = std::max(plan.workspace_bytes, static_cast<int64_t>(parts));
    plan.launches.push_back(cuda_launch(prefix + name, geometry, params.product, 3, bytes_moved(p), flops));
    plan.launches.back().operands = {0, 1, kWorkspace};
    const Geometry adding{.grid = blocks_for(p.batches * p.rows * ceil_div(p.cols, 8), 256), .block = 256};
    plan.launches.push_back(
        cuda_launch("matmul_then_add_splits", adding, EpilogueProduct{p, params.then}, kOperands, parts + behind));
    operands[0] = operands[1] = kWorkspace;
  }
  plan.launches.back().operands = std::move(operands);
}

}  // namespace pt::cuda
