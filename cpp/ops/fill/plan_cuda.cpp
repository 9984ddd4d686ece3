#include "ops/fill/plan_cuda.h"

#include <algorithm>

#include "cuda/launch.h"
#include "ops/fill/cuda_desc.h"
#include "ops/fill/pattern.h"

namespace pt::cuda {
namespace {

constexpr int64_t kThreads = 256;
constexpr int64_t kUnit = 16;  // bytes that a thread writes at once

}  // namespace

std::vector<Launch> fill_pieces(const std::vector<FillPiece>& pieces, uint64_t pattern, int element_bytes) {
  std::vector<Launch> launches;
  for (std::size_t first = 0; first < pieces.size(); first += kFillPieces) {
    const std::size_t n = std::min<std::size_t>(kFillPieces, pieces.size() - first);
    FillPieces params{};
    params.pattern = pattern;
    params.grain = std::min(element_bytes, 8);
    std::copy_n(pieces.begin() + static_cast<std::ptrdiff_t>(first), n, params.piece);
    int64_t longest = 0, bytes = 0;
    for (std::size_t i = 0; i < n; ++i)
      longest = std::max(longest, params.piece[i].bytes), bytes += params.piece[i].bytes;
    launches.push_back(cuda_launch(
        "fill_pieces", {.grid = {blocks_for(longest, kThreads * kUnit), static_cast<uint32_t>(n)}, .block = {kThreads}},
        params, 1, static_cast<double>(bytes)));
  }
  return launches;
}

LaunchPlan plan_fill(const Operand& out, double value) {
  LaunchPlan plan;
  const int64_t bytes = count(out.shape) * static_cast<int64_t>(size_of(out.dtype));
  if (bytes > 0) {
    plan.launches = fill_pieces({{0, bytes}}, fill_pattern(out.dtype, value), static_cast<int>(size_of(out.dtype)));
  }
  return plan;
}

}  // namespace pt::cuda
