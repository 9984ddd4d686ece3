#include <algorithm>
#include <iterator>

#include "ops/matmul/product.h"

namespace pt {
namespace {

constexpr int64_t kLargestSide = 256;  // a block of A of so many rows (256 KiB in f32) fills half of a second cache
constexpr int64_t kSides[] = {256, 192, 128, 96, 64, 48, 32};
constexpr int64_t kLeastWork = 1 << 19;    // multiply-adds of a chunk: about 10 us
constexpr int64_t kChunksWanted = 32;      // so that 8 threads share them evenly
constexpr int64_t kChunksAtLeast = 12;     // fewer would leave threads idle
constexpr double kAreaWanted = 64 * 128;   // elements of C whose copies of A and B pay
constexpr int64_t kFewRows = 4;            // the rows for which the right operand is streamed (few_rows.h)
constexpr int64_t kLongestRow = 1024;      // and the columns of their chunks: long rows, for the prefetchers
constexpr int64_t kRowsWorthPacking = 64;  // rows that share a packed panel, before packing it pays
constexpr int64_t kDepthWorthPacking = 32;
constexpr int64_t kColsWorthCopying = 96;  // columns that share a copied block of the left operand
constexpr int64_t kAliasBytes = 1024;      // rows so far apart (or a multiple) fall into few sets of the caches

// Even parts of at most `side`, in whole steps.
int64_t even_part(int64_t size, int64_t side, int64_t step) {
  return round_up(ceil_div(size, ceil_div(size, side)), step);
}

// Each chunk copies its rows of A and columns of B, so the best chunk of a given area is nearly square. A gathered row
// costs more than a packed column.
void choose_region(MatmulDesc& d, double area, bool gathered_left) {
  double best = 1e30;
  const double row_cost = gathered_left ? 3 : 1;
  const double most_cols = d.rows <= kFewRows ? kLongestRow : kLargestSide;
  for (const int64_t side : kSides) {
    const int64_t rows = even_part(d.rows, side, 2);
    const double room = std::clamp(area / static_cast<double>(std::min(rows, d.rows)), 32.0, most_cols);
    const int64_t cols = even_part(d.cols, round_up(static_cast<int64_t>(room), 32), 32);
    const double elements = static_cast<double>(std::min(rows, d.rows)) * std::min(cols, d.cols);
    if (elements > 1.5 * area && side != kSides[std::size(kSides) - 1]) continue;  // too few chunks
    const double copies = 1.0 / std::min(rows, d.rows) + row_cost / std::min(cols, d.cols);
    if (copies >= best) continue;
    best = copies;
    d.row_chunk = rows, d.col_chunk = cols;
  }
  d.row_chunks = ceil_div(d.rows, d.row_chunk);
  d.col_chunks = ceil_div(d.cols, d.col_chunk);
}

void choose_chunks(MatmulDesc& d, bool gathered_left, bool may_split) {
  const double depth = static_cast<double>(std::max<int64_t>(d.depth, 1));
  const double per_batch = static_cast<double>(d.rows) * d.cols * depth;
  const double total = per_batch * d.batches;
  // With a long K the groups are chunks of their own, unless there is enough to share without.
  const double chunk_depth = may_split ? std::min(depth, double(kGroupDepth)) : depth;
  double wanted = std::max(total / kChunksWanted, double(kLeastWork));
  wanted = std::max(wanted, std::min(total / kChunksAtLeast, kAreaWanted * chunk_depth));
  choose_region(d, wanted / chunk_depth, gathered_left);
  d.batch_chunk = 1;
  if (d.row_chunks * d.col_chunks == 1)
    d.batch_chunk = static_cast<int64_t>(std::clamp(wanted / per_batch, 1.0, static_cast<double>(d.batches)));
  d.batch_chunks = ceil_div(d.batches, d.batch_chunk);
  // A small C of a long K, as of a bias or a first layer: the groups of K are what threads can share.
  const bool few = d.row_chunks * d.col_chunks * d.batch_chunks < kChunksWanted;
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
  d.left_block = take(d.copy_left ? rows * depth + 16 : 0);  // gathers write whole vectors
  d.right_panel = take(d.copy_right ? kPackedPanels * kWidestPanel * depth : 0);
  d.widened = take(is_half(d.right_type) ? kWidestPanel * depth : 0);
  d.sums = take(d.direct ? 0 : rows * d.sums_row);
  d.group_sums = take(d.grouped ? rows * d.sums_row : 0);
  d.scratch_bytes = at;
}

}  // namespace

void complete_product(MatmulDesc& d, bool gathered_left, bool scattered_out, bool may_split) {
  choose_chunks(d, gathered_left, may_split);
  const bool many_rows = std::min(d.row_chunk, d.rows) >= kRowsWorthPacking && d.depth > kDepthWorthPacking;
  const int64_t apart = std::max(d.left_row, d.left_k) * static_cast<int64_t>(size_of(d.left_type));
  const bool shared = std::min(d.col_chunk, d.cols) >= kColsWorthCopying && d.depth > kDepthWorthPacking;
  d.copy_left = gathered_left || is_half(d.left_type) || (shared && apart > 0 && apart % kAliasBytes == 0);
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
