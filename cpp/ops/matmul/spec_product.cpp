// What chunks need in scratch and workspace, and the launches of a product.
#include <algorithm>
#include <cstddef>

#include "ops/matmul/amx.h"
#include "ops/matmul/product.h"
#include "ops/matmul/spec_amx.h"

namespace pt {
namespace {

int64_t element_size(const MatmulDesc& d) { return static_cast<int64_t>(size_of(compute_dtype(d.out_type))); }

int64_t group_sums_bytes(const MatmulDesc& d) { return d.groups * d.batches * d.rows * d.cols * element_size(d); }

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
  d.left_block = take(d.padded_left ? d.left_elements : d.copy_left ? rows * depth + 16 : 0);  // whole vectors
  d.right_panel = take(d.copy_right ? kPackedPanels * kWidestPanel * depth : 0);
  d.widened = take(is_half(d.right_type) ? kWidestPanel * depth : 0);
  d.sums = take(d.direct ? 0 : rows * d.sums_row);
  d.group_sums = take(d.grouped ? rows * d.sums_row : 0);
  d.scratch_bytes = at;
}

// Packs the left operand for all chunks.
Launch packing_launch(LaunchPlan& plan, Launch launch, const MatmulDesc& d) {
  const int64_t bytes = d.batches * d.rows * d.depth * element_size(d);
  plan.workspace_bytes = std::max(plan.workspace_bytes, d.packed_left + bytes);
  launch.variant = element_size(d) == 4 ? kPackLeftF32 : kPackLeftF64;
  launch.chunks = d.batch_chunks * d.row_chunks * ceil_div(d.depth, kBlockDepth);
  launch.flops = 0;
  launch.bytes = 2.0 * static_cast<double>(bytes);
  return launch;
}

}  // namespace

void complete_product(MatmulDesc& d, const PlanContext& context, bool gathered_left, bool scattered_out,
                      bool may_split) {
  choose_chunks(d, context, gathered_left, may_split);
  lay_out_product(d, scattered_out);
}

void lay_out_product(MatmulDesc& d, bool scattered_out) {
  d.direct = !scattered_out && !is_half(d.out_type) && contiguous_columns(d.out_col, d.cols);
  d.grouped = d.groups == 1 && (d.depth > kGroupDepth || (d.accumulate && d.depth > kBlockDepth));
  d.rounds_in_tiles = d.pairs && d.depth > 0 && d.groups == 1 && !d.grouped && d.out_type == DType::BF16 &&
                      !scattered_out && contiguous_columns(d.out_col, d.cols);
  lay_out_scratch(d);
  d.packed_left = d.groups > 1 ? round_up(group_sums_bytes(d), 64) : 0;
}

void append_product(LaunchPlan& plan, const std::string& kernel, const Descriptor& descriptor, const MatmulDesc& d,
                    bool always_split) {
  Launch product;
  product.kernel = kernel;
  product.variant = element_size(d) == 4 ? kProductF32 : kProductF64;
  product.scratch_bytes = d.scratch_bytes;
  product.desc = descriptor;
  product.chunks = d.batch_chunks * d.row_chunks * d.col_chunks;
  product.flops = (d.pairs ? 4.0 : 2.0) * d.batches * d.rows * d.cols * d.depth;
  if (d.amx) {
    product.variant = kProductAmx;
    append_amx_packing(plan, product, d);
  } else if (d.share_left) {
    plan.launches.push_back(packing_launch(plan, product, d));
  }
  if (d.groups == 1 && !always_split) {
    plan.launches.push_back(product);
    return;
  }
  Launch sum = product;
  sum.variant = element_size(d) == 4 ? kAddGroupsF32 : kAddGroupsF64;
  const int64_t bytes = group_sums_bytes(d);
  plan.workspace_bytes = std::max(plan.workspace_bytes, bytes);
  sum.flops = static_cast<double>(bytes / element_size(d));
  sum.bytes = static_cast<double>(bytes);
  product.chunks *= d.groups;
  plan.launches.push_back(product);
  plan.launches.push_back(sum);
}

void let_check(LaunchPlan& plan, const MatmulDesc& d, const Operand& c) {
  if (d.amx || d.epilogue || is_half(c.dtype) || !is_row_major(c.shape, c.strides)) return;
  plan.launches.back().finite = {offsetof(MatmulDesc, checks_finite), d.out_at,
                                 count(c.shape) * static_cast<int64_t>(size_of(c.dtype))};
}

}  // namespace pt
