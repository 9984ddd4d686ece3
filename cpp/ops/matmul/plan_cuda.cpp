#include "ops/matmul/plan_cuda.h"

#include <algorithm>
#include <cmath>

#include "core/integers.h"
#include "cuda/launch.h"
#include "ops/matmul/batch.h"
#include "ops/matmul/plan_cuda_library.h"

namespace pt::cuda {
namespace {

constexpr int kWorkspace = -1;
constexpr int64_t kLeastPart = 128;  // of K: shorter ones are less than the work around them
constexpr int64_t kMostParts = 64;

struct Tiles {
  const char* name;
  int rows, cols, threads;
  double share;  // of the multiply-adds that a multiprocessor could do, with enough such tiles on it
};
constexpr Tiles kTiles[] = {{"large", 128, 128, 256, 0.9}, {"medium", 64, 64, 128, 0.7}, {"small", 32, 32, 64, 0.4}};

// Cycles, roughly: of the multiprocessor that has most tiles, and of adding the parts.
double cost(const Tiles& tiles, double blocks, double depth, double sums, int64_t parts, int units, double speed) {
  constexpr double kStart = 2000, kEnoughThreads = 256, kBytesPerCycle = 16;
  const double on_one = std::ceil(blocks / units);
  const double awake = std::min(1.0, on_one * tiles.threads / kEnoughThreads);
  const double work = on_one * tiles.rows * tiles.cols * depth / (speed * tiles.share * awake);
  const double adding = parts > 1 ? kStart + static_cast<double>(parts) * sums * 8 / (kBytesPerCycle * units) : 0;
  return kStart + work + adding;
}

bool whole_vectors(DType type, int64_t stride, int64_t extent) {
  const int64_t vector = 16 / static_cast<int64_t>(size_of(type));
  return extent % vector == 0 && stride % vector == 0;
}

// Whether an operand can be read 16 bytes at once along the axis with stride 1.
bool in_vectors(DType type, bool contiguous, int64_t extent, int64_t other_stride, const int64_t* batch, int axes) {
  if (!contiguous || !whole_vectors(type, other_stride, extent)) return false;
  return std::all_of(batch, batch + axes, [&](int64_t stride) { return whole_vectors(type, stride, 0); });
}

// Neighbours in memory are the axis with the smaller stride; an axis of one element has none.
bool runs_along(int64_t stride, int64_t extent, int64_t other_stride, int64_t other_extent) {
  if (extent == 1 || other_extent == 1) return extent > 1;
  return std::abs(stride) < std::abs(other_stride);
}

void choose_reading(TileProduct& p) {
  p.left_along_k = runs_along(p.left_k, p.depth, p.left_row, p.rows);
  p.right_along_k = runs_along(p.right_k, p.depth, p.right_col, p.cols);
  const auto read = [&](DType type, bool along_k, int64_t k, int64_t line, int64_t lines, const int64_t* batch) {
    return in_vectors(type, (along_k ? k : line) == 1, along_k ? p.depth : lines, along_k ? line : k, batch,
                      p.batch_axes);
  };
  p.left_vectors = read(p.left_type, p.left_along_k, p.left_k, p.left_row, p.rows, p.left_batch);
  p.right_vectors = read(p.right_type, p.right_along_k, p.right_k, p.right_col, p.cols, p.right_batch);
  p.out_vectors = in_vectors(p.out_type, p.out_col == 1, p.cols, p.out_row, p.out_batch, p.batch_axes);
}

}  // namespace

TileProduct describe(const Operand& a, const Operand& b, const Operand& c, const Batch& batch) {
  TileProduct p = {};
  p.rows = batch.rows, p.cols = c.shape.back(), p.depth = a.shape.back();
  p.left_row = batch.walks[0].row, p.left_k = a.strides.back();
  p.right_k = b.strides[b.shape.size() - 2], p.right_col = b.strides.back();
  p.out_row = batch.walks[2].row, p.out_col = c.strides.back();
  p.batch_axes = batch.extents.size(), p.batches = count(batch.extents);
  for (int i = 0; i < p.batch_axes; ++i) {
    p.batch_extent[i] = batch.extents[i];
    p.left_batch[i] = batch.walks[0].batch[i];
    p.right_batch[i] = batch.walks[1].batch[i];
    p.out_batch[i] = batch.walks[2].batch[i];
  }
  p.left_type = a.dtype, p.right_type = b.dtype, p.out_type = c.dtype;
  choose_reading(p);
  return p;
}

TileProduct describe(const Operand& a, const Operand& b, const Operand& c) {
  Batch batch = batch_of(a, b, c);
  simplify(batch);
  return describe(a, b, c, batch);
}

KernelKind kernel_kind(DType left, DType right) {
  if (left == DType::F64) return {"f64", false, true, 64};
  if (left != right) return {"mixed", false, true, 64};
  if (left == DType::F32) return {"f32", true, true, 128};
  return {left == DType::BF16 ? "bf16" : "f16", true, false, 1024};
}

TileChoice choose_tiles(const TileProduct& p, int units, KernelKind kind, bool may_split) {
  TileChoice best;
  double best_cost = INFINITY;
  const int64_t depth = std::max<int64_t>(p.depth, 1);
  for (const Tiles& tiles : kTiles) {
    if ((tiles.rows == 128 && !kind.large) || (tiles.rows == 32 && !kind.small)) continue;
    const int64_t blocks = p.batches * ceil_div(p.rows, tiles.rows) * ceil_div(p.cols, tiles.cols);
    for (int64_t parts = 1; parts == 1 || (may_split && parts <= kMostParts && parts * kLeastPart <= depth);
         parts *= 2) {
      const int64_t part = round_up(ceil_div(depth, parts), 32);
      const double cycles = cost(tiles, static_cast<double>(blocks * parts), static_cast<double>(part),
                                 static_cast<double>(p.batches * p.rows * p.cols), parts, units, kind.speed);
      if (cycles >= best_cost) continue;
      best_cost = cycles;
      best = {tiles.name, tiles.rows, tiles.cols, tiles.threads, ceil_div(depth, part), part};
    }
  }
  return best;
}

void append_adding(LaunchPlan& plan, const TileProduct& p, int out) {
  const int64_t sums = p.batches * p.rows * p.cols, size = p.out_type == DType::F64 ? 8 : 4;
  plan.workspace_bytes = std::max(plan.workspace_bytes, sums * p.splits * size);
  const Geometry geometry{.grid = blocks_for(sums, 256), .block = 256};
  plan.launches.push_back(cuda_launch(size == 8 ? "matmul_add_splits_f64" : "matmul_add_splits_f32", geometry, p, 2,
                                      static_cast<double>(sums * p.splits * size)));
  plan.launches.back().operands = {kWorkspace, out};
}

double bytes_moved(const TileProduct& p) {
  const auto size = [](DType type) { return static_cast<int64_t>(size_of(type)); };
  return static_cast<double>(p.batches) *
         static_cast<double>(p.depth * (p.rows * size(p.left_type) + p.cols * size(p.right_type)) +
                             p.rows * p.cols * size(p.out_type));
}

LaunchPlan plan_product(const Operand& a, const Operand& b, const Operand& c, const CudaCall& call,
                        std::vector<int> operands) {
  LaunchPlan plan;
  if (count(c.shape) == 0) return plan;
  const TileProduct p = describe(a, b, c);
  if (std::optional<LaunchPlan> by_library = plan_by_library(p, call, operands)) return *by_library;
  append_tiles(plan, "matmul_", p, kernel_kind(a.dtype, b.dtype), true, call, std::move(operands));
  return plan;
}

namespace {

const bool planned = on_cuda("matmul", [](const CudaCall& call) {
  const MatrixOperands m = as_matrices(call.in[0], call.in[1], call.out[0]);
  return plan_product(m.a, m.b, m.c, call);
});

}  // namespace
}  // namespace pt::cuda
