// Plans of products for CUDA, for the plans of convolutions too.
#pragma once
#include <string>

#include "core/integers.h"
#include "cuda/launch.h"
#include "cuda/plans.h"
#include "ops/matmul/batch.h"
#include "ops/matmul/cuda_desc.h"

namespace pt::cuda {

// C = A B of matrices with batch axes, as plan_matmul. `operands` are those of the launch: a, b, c.
LaunchPlan plan_product(const Operand& a, const Operand& b, const Operand& c, const CudaCall& call,
                        std::vector<int> operands = {0, 1, 2});

// What a product's kernels are told, but for its tiles; `batch` is simplified.
TileProduct describe(const Operand& a, const Operand& b, const Operand& c, const Batch& batch);
TileProduct describe(const Operand& a, const Operand& b, const Operand& c);  // with its own batch axes, joined

// Adds the sums of the parts in the workspace, which it claims, to operand `out`.
void append_adding(LaunchPlan& plan, const TileProduct& product, int out);

double bytes_moved(const TileProduct& product);
inline TileProduct& product_of_params(TileProduct& params) { return params; }

// Which kernels multiply operands of these dtypes, as their names say it, and which tiles they have.
struct KernelKind {
  const char* name;  // "f32", "f64"; "bf16" and "f16" by matrix instructions; "mixed"
  bool large, small;
  double speed;  // multiply-adds of a multiprocessor in a cycle
};
KernelKind kernel_kind(DType left, DType right);

// How a product is cut: tiles of this name, and parts of K.
struct TileChoice {
  std::string shape;  // "large", "medium" or "small"
  int rows, cols, threads;
  int64_t splits, split_depth;
};
TileChoice choose_tiles(const TileProduct& product, int units, KernelKind kind, bool may_split);

// Appends the launch of a product that is described but for its tiles: `params` begins with it, and the kernel's name
// is prefix + kind + shape. With parts of K a second launch adds their sums to C, which the product's strides describe
// then.
template <class Params>
void append_tiles(LaunchPlan& plan, const std::string& prefix, Params params, KernelKind kind, bool may_split,
                  const CudaCall& call, std::vector<int> operands) {
  TileProduct& p = product_of_params(params);
  const TileChoice tiles = choose_tiles(p, call.units, kind, may_split);
  p.splits = tiles.splits, p.split_depth = tiles.split_depth;
  p.row_tiles = ceil_div(p.rows, tiles.rows), p.col_tiles = ceil_div(p.cols, tiles.cols);
  const Geometry geometry{.grid = blocks_for(p.tiles(), 1, int64_t{1} << 30),
                          .block = static_cast<uint32_t>(tiles.threads)};
  plan.launches.push_back(
      cuda_launch(prefix + std::string(kind.name) + "_" + tiles.shape, geometry, params, 3, bytes_moved(p),
                  2 * static_cast<double>(p.batches * p.rows * p.cols) * static_cast<double>(p.depth)));
  const int out = operands[2];
  if (p.splits > 1) operands[2] = -1;
  plan.launches.back().operands = std::move(operands);
  if (p.splits > 1) append_adding(plan, p, out);
}

}  // namespace pt::cuda
