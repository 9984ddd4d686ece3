#include <algorithm>

#include "ops/matmul/product.h"

namespace pt {
namespace {

constexpr int64_t kColChunk = 256;
constexpr int64_t kLeastWork = 1 << 19;  // multiply-adds of a chunk: about 10 us
constexpr int64_t kMostWork = 1 << 24;
constexpr int64_t kChunksWanted = 64;      // so that 8 threads end within an eighth of each other
constexpr int64_t kRowsWorthPacking = 64;  // rows that share a packed panel, before packing it pays
constexpr int64_t kDepthWorthPacking = 32;

void choose_chunks(MatmulDesc& d, bool may_split) {
  const double per_batch = static_cast<double>(d.rows) * d.cols * std::max<int64_t>(d.depth, 1);
  const double total = per_batch * d.batches;
  const double wanted = std::clamp(total / kChunksWanted, double(kLeastWork), double(kMostWork));
  d.row_chunk = round_up(ceil_div(d.rows, ceil_div(d.rows, kRowChunk)), 2);
  const double per_col = static_cast<double>(std::min(d.row_chunk, d.rows)) * std::max<int64_t>(d.depth, 1);
  const int64_t cols = std::clamp<int64_t>(static_cast<int64_t>(std::min(wanted / per_col, 1e9)), 32, kColChunk);
  d.col_chunk = round_up(ceil_div(d.cols, ceil_div(d.cols, round_up(cols, 32))), 32);
  d.row_chunks = ceil_div(d.rows, d.row_chunk);
  d.col_chunks = ceil_div(d.cols, d.col_chunk);
  d.batch_chunk = 1;
  if (d.row_chunks * d.col_chunks == 1)
    d.batch_chunk = std::clamp<int64_t>(static_cast<int64_t>(wanted / per_batch), 1, d.batches);
  d.batch_chunks = ceil_div(d.batches, d.batch_chunk);
  // A small C of a long K, as of a bias or a first layer: the groups of K are what threads can share.
  const bool few = d.row_chunks * d.col_chunks * d.batch_chunks < kChunksWanted / 4;
  d.groups = may_split && few && d.depth > kGroupDepth ? ceil_div(d.depth, kGroupDepth) : 1;
}

int64_t element_size(const MatmulDesc& d) { return static_cast<int64_t>(size_of(compute_dtype(d.out_type))); }

void lay_out_scratch(MatmulDesc& d) {
  int64_t at = 0;
  const auto take = [&](int64_t elements) {
    const int64_t begin = at;
    at += round_up(elements * element_size(d), 64);
    return begin;
  };
  const int64_t depth = std::min(d.depth, kBlockDepth);
  const int64_t rows = std::min(d.row_chunk, d.rows);
  d.sums_row = round_up(std::min(d.col_chunk, d.cols), 16);
  d.left_block = take(d.copy_left ? rows * depth : 0);
  d.right_panel = take(d.copy_right ? kWidestPanel * depth : 0);
  d.widened = take(is_half(d.right_type) ? kWidestPanel * depth : 0);
  d.sums = take(d.direct ? 0 : rows * d.sums_row);
  d.group_sums = take(d.grouped ? rows * d.sums_row : 0);
  d.scratch_bytes = at;
}

}  // namespace

void complete_product(MatmulDesc& d, bool gathered_left, bool scattered_out, bool may_split) {
  choose_chunks(d, may_split);
  const bool many_rows = std::min(d.row_chunk, d.rows) >= kRowsWorthPacking && d.depth > kDepthWorthPacking;
  d.copy_left = gathered_left || is_half(d.left_type);
  d.copy_right = is_half(d.right_type) || !contiguous_columns(d.right_col, d.cols) || many_rows;
  d.direct = !scattered_out && !is_half(d.out_type) && contiguous_columns(d.out_col, d.cols);
  d.grouped = d.groups == 1 && (d.depth > kGroupDepth || (d.accumulate && d.depth > kBlockDepth));
  lay_out_scratch(d);
}

void append_product(LaunchPlan& plan, const std::string& kernel, const Descriptor& descriptor, const MatmulDesc& d,
                    bool always_split) {
  Launch product;
  product.kernel = kernel;
  product.variant = element_size(d) == 4 ? kProductF32 : kProductF64;
  product.scratch_bytes = d.scratch_bytes;
  product.desc = descriptor;
  product.chunks = d.batch_chunks * d.row_chunks * d.col_chunks;
  product.flops = 2.0 * d.batches * d.rows * d.cols * d.depth;
  if (d.groups == 1 && !always_split) {
    plan.launches.push_back(product);
    return;
  }
  Launch sum = product;
  sum.variant += kAddGroupsF32 - kProductF32;
  const int64_t bytes = d.groups * d.batches * d.rows * d.cols * element_size(d);
  plan.workspace_bytes = std::max(plan.workspace_bytes, bytes);
  sum.flops = static_cast<double>(bytes / element_size(d));
  sum.bytes = static_cast<double>(bytes);
  product.chunks *= d.groups;
  plan.launches.push_back(product);
  plan.launches.push_back(sum);
}

}  // namespace pt
