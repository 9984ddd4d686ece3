// From nodes to the ops of the interpreter on CUDA: slots, sections, and how much shared memory they take.
#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

#include "core/error.h"
#include "core/integers.h"
#include "cuda/launch.h"
#include "ops/fused/cuda_lower.h"
#include "ops/fused/plan_cuda_after.h"

namespace pt::cuda::fused {
namespace {

constexpr uint32_t kSharedBytes = 48 * 1024;  // that every launch may have

[[noreturn]] void fail_too_large(const char* what, int64_t count, int64_t most) {
  throw Error(text("[fused] a program for CUDA has ", count, " ", what, "; expected at most ", most,
                   "; compute it in two steps"));
}

class Emitter {
 public:
  Emitter(const Ir& ir, const Passes& passes) : ir_(ir), passes_(passes), slot_(ir.nodes.size(), -1) {
    for (std::size_t i = 0; i < ir.nodes.size(); ++i) {
      const Node& node = ir.nodes[i];
      if (node.live && node.level == Level::Constant && node.kind != StepKind::Store) emit_row(int(i));
    }
    end_section();
    if (!passes.by_rows) {
      emit_elements(0);
      return;
    }
    for (int pass = 0; pass <= passes.count; ++pass) {
      emit_rows_of_depth(pass);
      if (pass == passes.count) emit_row_stores();
      end_section();
      if (pass < passes.count) emit_elements(pass);
    }
  }

  std::vector<FusedOp> ops;
  std::vector<int64_t> constants;
  std::vector<uint16_t> sections;
  int narrow = 0, wide = 0, row_slots = 0, reductions_of_first = 0, most_reductions = 0;

 private:
  struct Room {  // of slots of one size
    std::vector<int> free;
    int used = 0;
  };

  void end_section() { sections.push_back(uint16_t(ops.size())); }
  static bool is_wide(FusedClass cls) { return class_bytes(cls) == 8; }
  bool is_row(int node) const { return is_row_value(passes_, ir_.nodes[node]); }
  int new_row_slot() {
    if (row_slots == kRowSlot) fail_too_large("values of rows", row_slots + 1, kRowSlot);
    return kRowSlot | row_slots++;
  }
  uint8_t constant(int64_t bits) {
    auto found = std::find(constants.begin(), constants.end(), bits);
    if (found == constants.end()) found = constants.insert(found, bits);
    if (constants.size() > 255) fail_too_large("constants", int64_t(constants.size()), 255);
    return uint8_t(found - constants.begin());
  }

  // But for its dst.
  FusedOp op_of(int index) {
    const Node& node = ir_.nodes[index];
    FusedOp op{FusedOpCode::Fill, node.from, node.to, uint8_t(node.storage), 0, {0, 0, 0}};
    for (std::size_t i = 0; i < node.args.size(); ++i) op.args[i] = uint8_t(slot_[node.args[i]]);
    switch (node.kind) {
      case StepKind::Constant:
        op.args[0] = constant(node.bits);
        break;
      case StepKind::Load:
        op.code = FusedOpCode::Load;
        op.what = uint8_t(ir_.space.operands[node.operand].storage);
        op.args[0] = uint8_t(node.operand);
        break;
      case StepKind::Store:
        op.code = FusedOpCode::Store;
        op.what = uint8_t(ir_.space.operands[node.operand].storage);
        op.args[1] = uint8_t(node.operand);
        break;
      case StepKind::Math:
        op.code = kMathFacts.facts[node.op].mask_first ? FusedOpCode::MathMasked : FusedOpCode::Math;
        op.what = uint8_t(node.op);
        break;
      case StepKind::Cast:
        op.code = FusedOpCode::Cast;
        break;
      case StepKind::Uniform:
        op.code = FusedOpCode::Uniform;
        op.args[0] = uint8_t(node.operand);
        op.args[1] = constant(node.bits);
        break;
      default:
        op.code = FusedOpCode::Accumulate;
        op.what = uint8_t(reduction_of(node.kind));
        break;
    }
    return op;
  }

  void emit_row(int index) {
    FusedOp op = op_of(index);
    slot_[index] = new_row_slot();
    op.dst = uint8_t(slot_[index]);
    ops.push_back(op);
  }
  void emit_rows_of_depth(int depth) {
    for (std::size_t i = 0; i < ir_.nodes.size(); ++i) {
      const Node& node = ir_.nodes[i];
      const bool here = node.live && node.level == Level::Row && passes_.depth[i] == depth;
      if (here && node.kind != StepKind::Store && !reduces(node)) emit_row(int(i));
    }
  }
  void emit_row_stores() {
    for (std::size_t i = 0; i < ir_.nodes.size(); ++i) {
      const Node& node = ir_.nodes[i];
      if (node.live && node.kind == StepKind::Store && node.level == Level::Row) ops.push_back(op_of(int(i)));
    }
  }

  // An argument's slot is free for the result: an op reads before it writes.
  void emit_elements(int pass) {
    const std::vector<int> order = elements_of_pass(ir_, passes_, pass);
    std::vector<int> last_use(ir_.nodes.size(), -1);
    for (int index : order) {
      for (int arg : ir_.nodes[index].args) last_use[arg] = index;
    }
    Room rooms[2];
    const auto take = [&](bool is_wide) {
      Room& room = rooms[is_wide];
      if (room.free.empty()) {
        if (room.used == kRowSlot) fail_too_large("values at a time", room.used + 1, kRowSlot);
        return room.used++;
      }
      const int slot = room.free.back();
      room.free.pop_back();
      return slot;
    };
    std::vector<int> lanes(ir_.nodes.size(), -1);
    for (int index : order) {
      if (reduces(ir_.nodes[index])) lanes[index] = take(is_wide(ir_.nodes[index].from));
    }
    int reductions = 0;
    for (int index : order) {
      const Node& node = ir_.nodes[index];
      FusedOp op = op_of(index);
      std::vector<int> done = node.args;
      std::sort(done.begin(), done.end());
      done.erase(std::unique(done.begin(), done.end()), done.end());
      for (int arg : done) {
        if (!is_row(arg) && last_use[arg] == index) rooms[is_wide(ir_.nodes[arg].to)].free.push_back(slot_[arg]);
      }
      if (reduces(node)) {
        slot_[index] = new_row_slot();
        op.dst = uint8_t(lanes[index]);
        op.args[1] = uint8_t(slot_[index]);
        op.args[2] = uint8_t(reductions++);
      } else if (node.kind != StepKind::Store) {
        slot_[index] = take(is_wide(node.to));
        op.dst = uint8_t(slot_[index]);
      }
      ops.push_back(op);
    }
    if (pass == 0) reductions_of_first = reductions;
    most_reductions = std::max(most_reductions, reductions);
    narrow = std::max(narrow, rooms[0].used);
    wide = std::max(wide, rooms[1].used);
    end_section();
  }

  const Ir& ir_;
  const Passes& passes_;
  std::vector<int> slot_;
};

// Writes the tail: extents, strides, constants, ops, sections.
class Tail {
 public:
  explicit Tail(FusedCuda& head) : head_(head) {}
  template <class T>
  uint16_t add(const std::vector<T>& items) {
    used_ = ceil_div(used_, alignof(T)) * alignof(T);
    const std::size_t at = used_;
    used_ += items.size() * sizeof(T);
    if (used_ > kFusedTail) fail_too_large("bytes", int64_t(used_), kFusedTail);
    if (!items.empty()) std::memcpy(head_.tail + at, items.data(), items.size() * sizeof(T));
    return uint16_t(at);
  }

 private:
  FusedCuda& head_;
  std::size_t used_ = 0;
};

uint16_t add_strides(Tail& tail, const Space& space, bool wide) {
  std::vector<int64_t> strides;
  for (const FusedOperandDesc& operand : space.operands) {
    strides.insert(strides.end(), operand.outer, operand.outer + space.outer.size());
    strides.push_back(operand.inner);
  }
  if (wide) return tail.add(strides);
  return tail.add(std::vector<int32_t>(strides.begin(), strides.end()));
}

bool has_long_strides(const Space& space) {
  const auto is_long = [](int64_t stride) { return stride != int32_t(stride); };
  return std::any_of(space.operands.begin(), space.operands.end(), [&](const FusedOperandDesc& operand) {
    return is_long(operand.inner) || std::any_of(operand.outer, operand.outer + space.outer.size(), is_long);
  });
}

FusedCuda head_of(const Ir& ir, const Passes& passes, const Emitter& code) {
  FusedCuda head{};
  head.rows = ir.space.rows;
  head.cols = ir.space.cols;
  head.part_cols = ir.space.cols;
  head.parts = 1;
  head.run = passes.by_rows ? FusedRun::Rows : FusedRun::Elements;
  head.n_outer = uint8_t(ir.space.outer.size());
  head.n_operands = uint8_t(ir.space.operands.size());
  head.n_passes = uint8_t(passes.count);
  head.n_reductions = uint8_t(code.reductions_of_first);
  head.row_slots = uint16_t(code.row_slots);
  head.long_strides = has_long_strides(ir.space);
  Tail tail(head);
  tail.add(ir.space.outer);
  head.strides_at = add_strides(tail, ir.space, head.long_strides);
  head.constants_at = tail.add(code.constants);
  head.ops_at = tail.add(code.ops);
  head.sections_at = tail.add(code.sections);
  return head;
}

// Divides shared memory; returns its bytes.
uint32_t place(FusedCuda& head, const Emitter& code, uint32_t threads) {
  const bool rows = head.run != FusedRun::Elements;
  const uint32_t warps = threads / kWarpThreads, groups = rows ? warps / head.warps : 1;
  uint32_t at = uint32_t(code.wide) * head.elements * threads * 8;
  const auto take = [&](uint32_t bytes) {
    const uint32_t here = at;
    at += bytes;
    return here;
  };
  head.rows_at = take(uint32_t(code.row_slots) * groups * 8);
  head.bases_at = take(rows ? head.n_operands * groups * 8 : 0);
  head.units_at = take(rows ? uint32_t(code.most_reductions) * warps * 8 : 0);
  head.stack_at = take(rows ? uint32_t(code.most_reductions) * groups * kFusedDepth * 8 : 0);
  head.narrow_at = take(uint32_t(code.narrow) * head.elements * threads * 4);
  return at;
}

struct Shape2 {
  uint32_t threads, bytes;
};

// Threads of a block and its shared memory: as many as have room.
Shape2 fit_elements(FusedCuda& head, const Emitter& code, int units) {
  const bool few = head.rows * head.cols <= int64_t(units) * 2 * kFusedThreads;
  for (uint32_t threads = kFusedThreads; threads >= kWarpThreads; threads /= 2) {
    for (int elements = few ? 1 : 2; elements > 0; --elements) {
      head.elements = uint8_t(elements);
      const uint32_t bytes = place(head, code, threads);
      if (bytes <= (threads > kWarpThreads ? kSharedBytes / 2 : kSharedBytes)) return {threads, bytes};
    }
  }
  fail_too_large("bytes of values at a time", place(head, code, kWarpThreads), kSharedBytes);
}

Shape2 fit_rows(FusedCuda& head, const Emitter& code) {
  const int64_t blocks = std::max<int64_t>(ceil_div(head.part_cols, kSumBlock), 1);
  const int64_t most = kFusedThreads / kWarpThreads;
  head.elements = 2;
  const bool combines = head.run == FusedRun::Combine;
  for (int64_t warps = combines ? 1 : std::min(most, int64_t(std::bit_ceil(uint64_t(blocks)))); warps > 0; warps /= 2) {
    head.warps = uint8_t(warps);
    for (int64_t groups = warps == 1 ? 4 : 1; groups > 0; groups /= 2) {
      const auto threads = uint32_t(warps * groups * kWarpThreads);
      const uint32_t bytes = place(head, code, threads);
      if (bytes <= kSharedBytes) return {threads, bytes};
    }
  }
  fail_too_large("bytes of values at a time", place(head, code, kWarpThreads), kSharedBytes);
}

Launch launch_of(const Ir& ir, const FusedCuda& head, const Shape2& shape, int64_t blocks, int units) {
  const double elements = double(head.rows) * double(head.cols), all = double(ir.space.rows) * double(ir.space.cols);
  const Geometry geometry{.grid = {blocks_for(blocks, 1, int64_t(units) * 32), 1, 1},
                          .block = {shape.threads, 1, 1},
                          .shared_bytes = shape.bytes};
  return cuda_launch("fused_interpreter", geometry, head, kFusedOperands,
                     all > 0 ? moved_bytes(ir) * elements / all : 0, elements * double(ir.nodes.size()));
}

Launch launch_rows(const Ir& ir, FusedCuda head, const Emitter& code, FusedRun run, int units) {
  head.run = run;
  const Shape2 shape = fit_rows(head, code);
  const int64_t groups = shape.threads / kWarpThreads / head.warps;
  const int64_t items = head.rows * (run == FusedRun::Parts ? head.parts : 1);
  return launch_of(ir, head, shape, ceil_div(items, groups), units);
}

// What kAfterTail has room for, whatever the strides.
constexpr std::size_t kAfterSteps = 44;
constexpr uint32_t kAfterSharedBytes = kSharedBytes / 2;

}  // namespace

LaunchPlan interpret(const Ir& ir, int units) {
  const Passes passes = passes_of(ir);
  const Emitter code(ir, passes);
  FusedCuda head = head_of(ir, passes, code);
  LaunchPlan plan;
  if (!passes.by_rows) {
    const Shape2 shape = fit_elements(head, code, units);
    const int64_t tile = int64_t(shape.threads) * head.elements;
    plan.launches.push_back(launch_of(ir, head, shape, ceil_div(head.rows * head.cols, tile), units));
    return plan;
  }
  head.part_cols = part_of_row(ir, passes, units);
  if (head.part_cols == head.cols) {
    plan.launches.push_back(launch_rows(ir, head, code, FusedRun::Rows, units));
    return plan;
  }
  head.parts = int32_t(ceil_div(head.cols, head.part_cols));
  plan.workspace_bytes = head.rows * head.parts * head.n_reductions * 8;
  plan.launches.push_back(launch_rows(ir, head, code, FusedRun::Parts, units));
  Launch combine = launch_rows(ir, head, code, FusedRun::Combine, units);
  combine.bytes = double(plan.workspace_bytes);
  combine.flops = double(plan.workspace_bytes) / 8;
  plan.launches.push_back(std::move(combine));
  return plan;
}

}  // namespace pt::cuda::fused

namespace pt::cuda {

using namespace fused;

AfterPlan plan_after(const FusedProgram& program, uint32_t threads) {
  const Ir ir = analyse(program, true);
  const Passes passes = passes_of(ir);
  const Emitter code(ir, passes);
  FusedCuda head = head_of(ir, passes, code);
  head.elements = 1;
  AfterPlan plan{};
  plan.shared_bytes = place(head, code, threads);
  static_cast<FusedHead&>(plan.program) = head;
  std::copy_n(head.tail, kAfterTail, plan.program.tail);
  plan.bytes = moved_bytes(ir) - double(ir.space.rows) * double(ir.space.cols) * ir.space.operands[0].bytes;
  return plan;
}

bool fits_after(const FusedProgram& program, std::string* why) {
  const auto refuse = [&](const std::string& reason) {
    *why = "of the calls behind it: " + reason;
    return false;
  };
  if (program.operands.size() > kAfterOperands)
    return refuse(text("they have more than ", kAfterOperands, " operands"));
  if (program.steps.size() > kAfterSteps) return refuse(text("they have more than ", kAfterSteps, " operations"));
  for (const FusedStep& step : program.steps) {
    if (step.external) return refuse("no kernel has " + step.op);
    if (reduces_row(step.kind) || step.kind == StepKind::Uniform) return refuse("they reduce rows or draw numbers");
  }
  if (plan_after(program, kFusedThreads).shared_bytes > kAfterSharedBytes)
    return refuse("they have too many values at a time");
  return true;
}

}  // namespace pt::cuda
