// What chunks need in scratch and workspace, and the launches of a product.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "ops/matmul/amx.h"
#include "ops/matmul/product.h"
#include "ops/matmul/spec_amx.h"

namespace pt {
namespace {

int64_t element_size(const MatmulProblem& p) { return static_cast<int64_t>(size_of(compute_dtype(p.out_type))); }

int64_t group_sums_bytes(const MatmulProblem& p, const MatmulSchedule& s) {
  return s.groups * p.batches * p.rows * p.cols * element_size(p);
}

// Of the launch that multiplies.
int64_t product_chunks(const MatmulSchedule& s) {
  return s.depth_parts > 0 ? s.depth_parts * s.part_chunks() : s.chunks() * s.groups;
}

// Pieces of memory one behind the other.
struct Room {
  int64_t used = 0;
  int64_t take(int64_t bytes) {
    const int64_t begin = used;
    used += round_up(bytes, 64);
    return begin;
  }
};

void lay_out_tiles(MatmulLayout& l, const MatmulProblem& p, const MatmulSchedule& s, Room& scratch) {
  const int64_t rows = std::min(s.row_chunk, p.rows), depth = std::min(p.depth, kBlockDepth);
  const int64_t element = element_size(p);
  // A consumer finds rows as they would lie in memory.
  l.sums_row = p.hands_rows() ? p.cols : round_up(std::min(s.col_chunk, p.cols), 16);
  const int64_t left = s.padded_left ? s.left_elements : s.copy_left ? rows * depth + 16 : 0;  // whole vectors
  l.left_block = scratch.take(element * left);
  l.right_panel = scratch.take(s.copy_right ? element * kPackedPanels * kWidestPanel * depth : 0);
  l.widened = scratch.take(s.copy_right && is_half(p.right_type) ? element * kWidestPanel * depth : 0);
  l.sums = scratch.take(s.direct ? 0 : element * rows * l.sums_row);
  l.group_sums = scratch.take(s.grouped ? element * rows * l.sums_row : 0);
}

void lay_out_amx(MatmulLayout& l, const MatmulProblem& p, const MatmulSchedule& s, Room& scratch) {
  const int64_t rows = std::min(s.row_chunk, p.rows), cols = std::min(s.col_chunk, p.cols);
  const int64_t depth = std::min(p.depth, kAmxBlock);
  l.sums_row = round_up(cols, 16) + 16;  // not a power of two: tiles of sums would lie in few sets of the caches
  const int64_t sums_bytes = round_up(rows, 16) * l.sums_row * static_cast<int64_t>(sizeof(float));
  l.left_block = scratch.take(s.share_left ? 0 : amx_bytes(rows, depth));
  l.right_panel = scratch.take(s.share_right ? 0 : amx_bytes(cols, depth));
  l.sums = scratch.take(sums_bytes);
  l.group_sums = scratch.take(s.grouped ? sums_bytes : 0);
}

// The descriptor, and behind it what follows. The lowered program adds its own scratch to scratch_bytes.
Descriptor describe(const MatmulDesc& d, std::size_t size, const Following& following, int64_t& scratch_bytes) {
  if (!following.program) return Descriptor::from_bytes(&d, size);
  FusedProgram program = *following.program;
  program.operands[0].strides = {d.layout.epilogue_row, 1};
  if (d.problem.hands_rows()) program.operands.back().strides = program.operands[0].strides;
  int64_t program_scratch = 0;
  const Descriptor lowered = lower_fused_rect(program, program_scratch);
  scratch_bytes += program_scratch;
  std::vector<std::byte> bytes(d.layout.program + lowered.size());
  std::memcpy(bytes.data(), &d, size);
  if (following.consumer) {
    const Descriptor& desc = following.consumer->launch.desc;
    std::memcpy(bytes.data() + d.layout.consumer, desc.data(), desc.size());
  }
  std::memcpy(bytes.data() + d.layout.program, lowered.data(), lowered.size());
  return Descriptor::from_bytes(bytes.data(), bytes.size());
}

// Packs the left operand for all chunks.
Launch packing_launch(LaunchPlan& plan, Launch launch, const MatmulDesc& d) {
  const MatmulProblem& p = d.problem;
  const int64_t bytes = p.batches * p.rows * p.depth * element_size(p);
  plan.workspace_bytes = std::max(plan.workspace_bytes, d.layout.packed_left + bytes);
  launch.variant = element_size(p) == 4 ? kPackLeftF32 : kPackLeftF64;
  launch.chunks = packing_blocks(p, d.schedule) * d.schedule.packing_parts;
  launch.flops = 0;
  launch.bytes = 2.0 * static_cast<double>(bytes);
  return launch;
}

}  // namespace

MatmulLayout lay_out(const MatmulProblem& p, const MatmulSchedule& s, std::size_t descriptor_bytes,
                     const Following& following) {
  MatmulLayout l = {};
  Room scratch, workspace;
  p.amx ? lay_out_amx(l, p, s, scratch) : lay_out_tiles(l, p, s, scratch);
  if (p.has_epilogue()) {
    const int64_t rows = std::min(s.row_chunk, p.rows), cols = std::min(s.col_chunk, p.cols);
    l.consumer = round_up(static_cast<int64_t>(descriptor_bytes), 64);
    const std::size_t desc = following.consumer ? following.consumer->launch.desc.size() : 0;
    l.program = l.consumer + round_up(static_cast<int64_t>(desc), 64);
    l.epilogue_row = p.swapped ? round_up(rows, 16) : l.sums_row;
    l.turned_sums = scratch.take(p.swapped ? cols * l.epilogue_row * element_size(p) : 0);
  }
  l.epilogue_scratch = scratch.used;
  workspace.take(s.groups > 1 ? group_sums_bytes(p, s) : 0);
  l.packed_left = workspace.take(p.amx && s.share_left ? p.batches * amx_bytes(p.rows, p.depth) : 0);
  l.packed_right = workspace.used;
  return l;
}

void append_product(LaunchPlan& plan, const std::string& kernel, const MatmulDesc& d, std::size_t bytes,
                    const Following& following, bool always_split) {
  const MatmulProblem& p = d.problem;
  Launch product;
  product.kernel = kernel;
  product.variant = element_size(p) == 4 ? kProductF32 : kProductF64;
  product.scratch_bytes = d.layout.epilogue_scratch;
  product.desc = describe(d, bytes, following, product.scratch_bytes);
  product.chunks = d.schedule.chunks();
  product.flops = (p.pairs ? 4.0 : 2.0) * p.batches * p.rows * p.cols * p.depth;
  if (p.amx) {
    product.variant = kProductAmx;
    append_amx_packing(plan, product, d);
  } else if (d.schedule.share_left) {
    plan.launches.push_back(packing_launch(plan, product, d));
  }
  if (d.schedule.groups == 1 && !always_split) {
    plan.launches.push_back(product);
    return;
  }
  Launch sum = product;
  sum.variant = element_size(p) == 4 ? kAddGroupsF32 : kAddGroupsF64;
  const int64_t sums_bytes = group_sums_bytes(p, d.schedule);
  plan.workspace_bytes = std::max(plan.workspace_bytes, sums_bytes);
  sum.flops = static_cast<double>(sums_bytes / element_size(p));
  sum.bytes = static_cast<double>(sums_bytes);
  product.chunks = product_chunks(d.schedule);
  plan.launches.push_back(product);
  plan.launches.push_back(sum);
}

void let_check(LaunchPlan& plan, const MatmulDesc& d, const Operand& c) {
  if (d.problem.has_epilogue() || is_half(c.dtype) || !is_row_major(c.shape, c.strides)) return;
  plan.launches.back().finite = {offsetof(MatmulDesc, checks_finite), d.problem.out_at,
                                 count(c.shape) * static_cast<int64_t>(size_of(c.dtype))};
}

}  // namespace pt
