// Chooses tiles and chunks, and packs a program into the blob that the kernels read.
#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/integers.h"
#include "ops/fused/lower.h"
#include "ops/launch_notes.h"
#include "ops/op.h"

namespace pt {
namespace fused {
namespace {

constexpr int64_t kRegisterBytes = 24 * 1024;  // of a 32 KiB L1 cache; the operands stream through the rest
constexpr int64_t kMostElements = 1024;        // of a block
constexpr int64_t kMostInMemory = 4096;        // of one that needs no registers
constexpr int64_t kMostInRows = 4096;          // of whole rows: the more of them, the fewer instructions for each
constexpr int64_t kGroupBytes = 32 * 1024;     // of rows that pass a phase before the next one
constexpr double kChunkNs = 20000;             // work of one chunk
constexpr int64_t kSplitRows = 32;             // with fewer rows than this a long row is split
constexpr int64_t kLineRows = 16;              // rows that share cache lines where an operand is transposed

constexpr double kExternalNs = 0.1, kExternalFlopNs = 0.1;  // of one element of a plugin's formula

// Nanoseconds that one element takes.
double cost_of(const Ir& ir) {
  double ns = 0;
  for (const Node& node : ir.nodes) {
    if (!node.live || node.level != Level::Vector) continue;
    const double wide = class_bytes(node.from) == 8 ? 2 : 1;
    if (node.external) {
      ns += wide * std::max(kExternalNs, node.external->flops * kExternalFlopNs);
    } else if (node.kind == StepKind::Math) {
      ns += wide * find_op(kMathFacts.facts[node.op].name).cost_ns;
    } else if (node.kind == StepKind::Load || node.kind == StepKind::Store) {
      ns += 0.07 * ir.space.operands[node.operand].bytes;
    } else {
      ns += wide * (node.kind == StepKind::Uniform ? 1.2 : 0.1);
    }
  }
  return std::max(ns, 0.05);
}

// The elements of a block, at most `most`: registers of that length fit the cache. Without registers, more: the
// instructions take longer then than telling them where the block is.
int64_t block_elements(const Ir& ir, int64_t most) {
  Tiling probe{.multi_row = true, .tile_rows = 1, .tile_cols = 1, .tile_elements = 1, .row_length = 1};
  const Code code = emit(ir, probe);
  if (code.in_memory && !ir.keeps_row()) return kMostInMemory;
  const int64_t bytes = std::max<int64_t>(code.bytes_per_element, 1);
  for (int64_t block = most; block > 256; block /= 2) {
    if (block * bytes <= kRegisterBytes) return block;
  }
  return 256;
}

bool has_transposed_operand(const Space& space) {
  return std::any_of(space.operands.begin(), space.operands.end(),
                     [](const FusedOperandDesc& o) { return o.inner != 0 && o.inner != 1; });
}

// Whether neighbouring rows share the cache lines of an operand.
bool rows_share_lines(const Space& space) {
  if (space.outer.empty()) return false;
  const std::size_t last = space.outer.size() - 1;
  return std::any_of(space.operands.begin(), space.operands.end(),
                     [&](const FusedOperandDesc& o) { return o.outer[last] > 0 && o.outer[last] < o.inner; });
}

// How many rows of a block of whole rows: some sixteens, which fill vectors whatever the length of a row, so that what
// lies in memory without gaps is read and written there.
int64_t rows_of_block(int64_t block, int64_t cols) {
  const int64_t fit = block / cols;
  return fit < kFusedLanes ? fit : fit / kFusedLanes * kFusedLanes;
}

Tiling choose_tiling(const Ir& ir) {
  const Space& space = ir.space;
  const int64_t block = block_elements(ir, ir.keeps_row() ? kMostInRows : kMostElements);
  const int64_t cols = std::max<int64_t>(space.cols, 1);
  if (ir.keeps_row()) {
    const bool transposed = rows_share_lines(space);
    if (space.cols >= 1 && cols <= kSumBlock && (2 * cols <= block || transposed)) {
      const int64_t fit = std::max(rows_of_block(block, cols), transposed ? kLineRows : 1);
      const int64_t rows = std::min(fit, std::max<int64_t>(space.rows, 1));
      return {true, rows, cols, rows * cols, cols};
    }
    const int64_t tile = std::min(block, kSumBlock);
    return {false, 1, tile, tile, space.cols};
  }
  if (has_transposed_operand(space) && space.rows >= 16 && cols >= 16) {
    const int64_t width = std::min<int64_t>(cols, 32);
    return {true, block / width, width, block, width};
  }
  if (2 * cols > block) {
    const int64_t width = ceil_div(ceil_div(cols, ceil_div(cols, block)), kFusedLanes) * kFusedLanes;
    return {false, 1, width, width, width};
  }
  const int64_t rows = std::min(rows_of_block(block, cols), std::max<int64_t>(space.rows, 1));
  return {true, rows, cols, rows * cols, cols};
}

// How many rows pass a phase before the next one: what they read again stays in the cache.
int64_t group_rows(const Ir& ir, const Tiling& tiling) {
  if (tiling.multi_row) return 1;
  int64_t bytes = emit(ir, tiling).spilled_bytes;
  for (const Node& node : ir.nodes) {
    if (node.live && node.kind == StepKind::Load && node.level == Level::Vector)
      bytes += ir.space.operands[std::size_t(node.operand)].bytes;
  }
  return std::clamp<int64_t>(kGroupBytes / std::max<int64_t>(bytes * tiling.row_length, 1), 1, kFusedLanes);
}

Descriptor pack(const Ir& ir, const Code& code, FusedDesc head) {
  const Space& space = ir.space;
  head.n_operands = int32_t(space.operands.size());
  head.n_slots = int32_t(code.slots.size());
  head.n_instrs = int32_t(code.instrs.size());
  head.n_phases = int32_t(code.phases.size());
  head.prologue_end = code.prologue_end;
  head.n_outer = int32_t(space.outer.size());
  std::copy(space.outer.begin(), space.outer.end(), head.outer);
  head.rows = space.rows;
  head.cols = space.cols;
  head.n_reductions = code.n_reductions;
  head.n_column_sums = int32_t(code.column_sums.size());
  head.summed_rows = space.summed_rows;
  head.turn_rows = code.turn_rows;
  head.column_sums = code.column_sums_at;
  head.column_sums_bytes = code.column_sums_bytes;
  const auto spilled = [](const FusedSlot& slot) {
    return slot.place == FusedPlace::Spilled || slot.place == FusedPlace::Column;
  };
  head.first_spilled = int32_t(std::find_if(code.slots.begin(), code.slots.end(), spilled) - code.slots.begin());
  head.n_spilled = int32_t(std::count_if(code.slots.begin(), code.slots.end(), spilled));
  std::vector<char> blob(sizeof(FusedDesc));
  auto append = [&](const auto& items) {
    const char* bytes = reinterpret_cast<const char*>(items.data());
    blob.insert(blob.end(), bytes, bytes + items.size() * sizeof(items[0]));
  };
  append(space.operands);
  append(code.slots);
  append(code.instrs);
  append(code.phases);
  head.total_bytes = int64_t(blob.size());
  std::memcpy(blob.data(), &head, sizeof(head));
  return Descriptor::from_bytes(blob.data(), blob.size());
}

FusedDesc head_of(const Tiling& tiling) {
  FusedDesc head{};
  head.multi_row = tiling.multi_row;
  head.group_rows = int32_t(tiling.group_rows);
  head.tile_rows = tiling.tile_rows;
  head.tile_cols = tiling.tile_cols;
  head.tile_elements = tiling.tile_elements;
  head.mode = FusedMode::Whole;
  head.parts = 1;
  return head;
}

std::string note_fused(const Launch& launch) {
  if (launch.variant == 1) {
    const auto& d = *static_cast<const ColumnSumsDesc*>(launch.desc.data());
    return text("adds up the ", d.blocks, " blocks of each column");
  }
  const FusedDesc& d = *static_cast<const FusedDesc*>(launch.desc.data());
  if (d.mode == FusedMode::Combine) return text("adds up the ", d.parts, " parts of each row");
  const std::string rows = text("rows ", d.rows, " of ", d.cols);
  if (d.mode == FusedMode::Partial) return text(rows, "; few and long, so each is shared in ", d.parts, " parts");
  const std::string tiles = d.multi_row ? text("tiles of up to ", d.tile_rows, " rows") : "row by row";
  return text(rows, "; chunks of ", std::min(d.chunk_rows, d.rows), " x ", std::min(d.chunk_cols, d.cols), ", ", tiles,
              "; ", d.n_phases, d.n_phases == 1 ? " pass" : " passes", " over a row");
}

Launch launch_of(const Ir& ir, const Code& code, const FusedDesc& head, int64_t chunks) {
  Launch launch;
  launch.kernel = "fused";
  launch.desc = pack(ir, code, head);
  launch.chunks = chunks;
  launch.scratch_bytes = code.scratch_bytes;
  const double elements = double(ir.space.rows) * double(ir.space.cols);
  launch.flops = elements * (double(code.instrs.size()) + ir.external_flops);
  launch.bytes = elements * ir.element_bytes;
  return launch;
}

// Few long rows whose reductions nothing but row values depends on: parts of a row are reduced by different threads,
// and their results combine as the blocks of an undivided row would, because a part is a power of two of blocks.
LaunchPlan lower_split_rows(const Ir& ir) {
  Tiling tiling = choose_tiling(ir);
  int64_t part = kSumBlock;
  while (double(part) * ir.cost_ns < kChunkNs) part *= 2;
  tiling.row_length = part;
  const Code code = emit(ir, tiling);
  FusedDesc head = head_of(tiling);
  head.chunk_cols = part;
  head.parts = ceil_div(ir.space.cols, part);
  head.chunk_rows = 1;
  head.mode = FusedMode::Partial;
  LaunchPlan plan;
  plan.launches.push_back(launch_of(ir, code, head, ir.space.rows * head.parts));
  head.mode = FusedMode::Combine;
  Launch combine = launch_of(ir, code, head, ir.space.rows);
  combine.bytes = double(ir.space.rows * head.parts * code.n_reductions * 8);
  combine.flops = double(ir.space.rows * head.parts * code.n_reductions);
  plan.launches.push_back(combine);
  plan.workspace_bytes = ir.space.rows * head.parts * code.n_reductions * 8;
  return plan;
}

// How many of `all` rows or columns a chunk has, of which `most` are enough work: in whole tiles.
int64_t share_evenly(int64_t all, int64_t most, int64_t threads, int64_t tile) {
  const int64_t chunks = ceil_div(all, most);
  if (chunks <= threads || chunks % threads == 0) return most;
  return ceil_div(ceil_div(all, ceil_div(chunks, threads) * threads), tile) * tile;
}

// The launches that add up what chunks have of each sum of columns.
void add_column_sums(LaunchPlan& plan, const Ir& ir, const Code& code) {
  if (code.column_sums.empty()) return;
  const int64_t cols = ir.space.cols;
  ColumnSumsDesc of_all{.cls = {}, .to = {}, .cols = cols, .block_bytes = cols * 8};
  of_all.blocks = ceil_div(ir.space.summed_rows, kColumnBlock);
  of_all.sums = ir.space.rows / ir.space.summed_rows;
  of_all.sums_per_chunk =
      std::clamp<int64_t>(kColumnsOfChunk / std::max<int64_t>(of_all.blocks * cols, 1), 1, of_all.sums);
  const int64_t blocks = of_all.blocks * of_all.sums;
  for (const int node : code.column_sums) {
    const Node& sum = ir.nodes[std::size_t(node)];
    ColumnSumsDesc desc = of_all;
    desc.cls = sum.to;
    desc.to = ir.space.operands[std::size_t(sum.operand)].storage;
    Launch launch;
    launch.kernel = "fused";
    launch.variant = 1;
    launch.desc = Descriptor::of(desc);
    launch.chunks = ceil_div(of_all.sums, of_all.sums_per_chunk) * ceil_div(cols, kColumnsOfChunk);
    launch.flops = double(blocks * cols);
    launch.bytes = double(blocks * cols * class_bytes(sum.to));
    launch.operands = {-1, sum.operand};
    launch.byte_offsets = {plan.workspace_bytes, 0};
    plan.workspace_bytes += blocks * desc.block_bytes;
    plan.launches.push_back(std::move(launch));
  }
}

LaunchPlan lower_whole(const Ir& ir, int64_t threads) {
  Tiling tiling = choose_tiling(ir);
  const Ir lean = tiling.multi_row ? ir : recompute(ir);
  tiling.group_rows = group_rows(lean, tiling);
  const Code code = emit(lean, tiling);
  FusedDesc head = head_of(tiling);
  const int64_t rows = ir.space.rows, cols = std::max<int64_t>(ir.space.cols, 1);
  const int64_t elements = std::max<int64_t>(int64_t(kChunkNs / ir.cost_ns), 1);
  if (ir.keeps_row() || tiling.tile_cols >= cols) {
    head.chunk_cols = cols;
    head.chunk_rows = std::max<int64_t>(elements / cols / tiling.tile_rows, 1) * tiling.tile_rows;
  } else if (cols >= elements) {
    head.chunk_cols = ceil_div(elements, tiling.tile_cols) * tiling.tile_cols;
    head.chunk_rows = tiling.tile_rows;
  } else {
    head.chunk_cols = cols;
    head.chunk_rows = ceil_div(elements / cols, tiling.tile_rows) * tiling.tile_rows;
  }
  if (head.chunk_cols == cols) {
    head.chunk_rows = share_evenly(rows, head.chunk_rows, threads, tiling.tile_rows);
  } else if (rows <= head.chunk_rows) {
    head.chunk_cols = share_evenly(cols, head.chunk_cols, threads, tiling.tile_cols);
  }
  if (ir.has_column_sum) {
    const int64_t summed = ir.space.summed_rows, whole = summed == rows ? kColumnBlock : summed;
    head.chunk_rows = ceil_div(head.chunk_rows, whole) * whole;
  }
  LaunchPlan plan;
  if (rows == 0 || (ir.space.cols == 0 && !ir.has_reduction)) return plan;
  plan.launches.push_back(launch_of(ir, code, head, ceil_div(rows, head.chunk_rows) * ceil_div(cols, head.chunk_cols)));
  add_column_sums(plan, lean, code);
  return plan;
}

const bool noted = add_launch_note("fused", note_fused);

}  // namespace
}  // namespace fused

LaunchPlan lower_fused(const FusedProgram& program, int64_t threads) {
  fused::Ir ir = fused::analyse(program, true);
  ir.cost_ns = fused::cost_of(ir);
  const bool long_rows = double(ir.space.cols) * ir.cost_ns > 2 * fused::kChunkNs && ir.space.cols > 2 * kSumBlock;
  const bool splits = ir.has_reduction && !ir.has_column_sum && ir.phases == 2 && ir.reductions_terminal &&
                      ir.space.rows < fused::kSplitRows && long_rows;
  return splits ? fused::lower_split_rows(ir) : fused::lower_whole(ir, threads);
}

Descriptor lower_fused_rect(const FusedProgram& program, int64_t& scratch_bytes) {
  const fused::Ir ir = fused::analyse(program, false);
  if (ir.keeps_row() || program.extents.size() != 2) {
    throw Error(text("[fused] a program over ", program.extents, ir.keeps_row() ? " with a reduction" : "",
                     " is to run on rectangles; expected two axes and no reduction; lower it with lower_fused"));
  }
  const int64_t block = fused::block_elements(ir, fused::kMostElements);
  const fused::Tiling tiling{true, block / kFusedLanes, block, block, block};
  const fused::Code code = fused::emit(ir, tiling);
  FusedDesc head = fused::head_of(tiling);
  head.chunk_rows = ir.space.rows;
  head.chunk_cols = ir.space.cols;
  scratch_bytes = code.scratch_bytes;
  return fused::pack(ir, code, head);
}

bool has_math(std::string_view op) { return fused::find_fact(op) != nullptr; }

static const MathFact& fact_of(std::string_view op) {
  const MathFact* fact = fused::find_fact(op);
  if (!fact) throw Error(text("[fused] ", op, " has no formula; expected one; add ops/", op, "/math.h"));
  return *fact;
}
int math_arity(std::string_view op) { return fact_of(op).arity; }
bool math_takes(std::string_view op, DType compute_dtype) {
  return (fact_of(op).takes >> int(fused::class_of(compute_dtype))) & 1;
}
DType math_result(std::string_view op, DType compute_dtype) {
  const FusedClass cls = fused::class_of(compute_dtype);
  return (fact_of(op).to_mask >> int(cls)) & 1 ? DType::Bool : fused::natural_dtype(cls);
}

}  // namespace pt
