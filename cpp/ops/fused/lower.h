// The steps of lowering a FusedProgram; internal to spec_*.cpp.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "core/launch.h"
#include "ops/fused/desc.h"
#include "ops/fused/machine.h"

namespace pt::fused {

// How often a value changes: once per chunk, once per row, with every element.
enum class Level { Constant, Row, Vector };

struct Node {
  StepKind kind;
  FusedClass from, to;   // class of the arguments (of those that are no mask), class of the result
  FusedStorage storage;  // Cast: rounded to
  int op = -1;
  const ExternalFormula* external = nullptr;  // instead of op
  std::vector<int> args{};
  int64_t bits = 0;
  int operand = -1;
  Level level = Level::Constant;
  int phase = 0;  // the phase that computes it; a Store's is the one that writes
  bool live = false;
};

// The phase in which a node reads its arguments.
inline int used_in(const Node& user) { return reduces_row(user.kind) ? user.phase - 1 : user.phase; }

struct Space {
  std::vector<int64_t> outer;  // extents besides the row, after collapsing
  int64_t rows = 1, cols = 1;
  int64_t summed_rows = 0;  // of each sum of columns; 0 until one says it
  std::vector<FusedOperandDesc> operands;
};

struct Ir {
  std::vector<Node> nodes;  // arguments come before their users
  Space space;
  int inputs = 0;
  int phases = 1;
  bool has_reduction = false;  // along the row
  bool has_column_sum = false;
  bool reductions_terminal = true;  // no vector depends on a reduction
  double cost_ns = 0;               // of one element on the CPU: spec_lower.cpp fills it in
  double element_bytes = 0;         // moved to and from memory for one element
  double external_flops = 0;        // of plugins' formulas, for one element

  bool keeps_row() const { return has_reduction || has_column_sum; }  // as the last axis, and whole in a chunk
};

FusedClass class_of(DType dtype);  // the class that a dtype is computed in
DType natural_dtype(FusedClass cls);
int class_bytes(FusedClass cls);
// What a step does to a row.
inline FusedReduce reduction_of(StepKind kind) {
  return kind == StepKind::RowSum    ? FusedReduce::Sum
         : kind == StepKind::RowProd ? FusedReduce::Prod
         : kind == StepKind::RowMax  ? FusedReduce::Max
                                     : FusedReduce::Min;
}
const MathFact* find_fact(std::string_view op, int* index = nullptr);

// Whether an output may be an input's memory: then the one must not be written before the other has been read.
inline bool may_share(const FusedOperandDesc& a, const FusedOperandDesc& b) {
  return a.bytes == b.bytes && a.inner == b.inner && std::equal(a.outer, a.outer + kFusedOuter, b.outer);
}

// How many rows follow each other along whose axes an operand does not move.
int64_t rows_at_rest(const FusedOperandDesc& operand, const Space& space);
// Rows of a turn, FusedShared: as few as some input rests for, of those that rest for several tiles. 0 if none does.
int64_t rows_of_turn(const Ir& ir);
// Checks a program and makes nodes of its live steps. Throws Error.
Ir analyse(const FusedProgram& program, bool collapse);
// In place: what is written must not be read in a later phase.
void defer_stores(Ir& ir);
// The same program, where an operation on what lies in memory is done again in each phase that reads its result once,
// as part of the instruction that reads it: the result need not outlive a phase.
Ir recompute(const Ir& ir);

struct Tiling {
  bool multi_row;
  int64_t tile_rows, tile_cols, tile_elements;
  int64_t row_length;      // elements that a spilled row holds
  int64_t group_rows = 1;  // FusedDesc

  // Whether rows' reductions are joined side by side.
  bool joins_rows(int64_t cols) const { return !multi_row && cols > 0 && cols <= kSumBlock && cols <= tile_cols; }
};

// The instructions, slots and scratch of a program for one tiling.
struct Code {
  std::vector<FusedSlot> slots;
  std::vector<FusedInstr> instrs;
  std::vector<FusedPhase> phases;
  int prologue_end = 0;
  int64_t turn_rows = 0;
  int n_reductions = 0;
  std::vector<int> column_sums{};                     // nodes, in the order of their slots
  int64_t column_sums_at = 0, column_sums_bytes = 0;  // in scratch
  int64_t bytes_per_element = 0;                      // of all registers: what has to fit the cache
  int64_t spilled_bytes = 0;                          // of one element
  bool in_memory = true;                              // the operands are all registers that there are
  int64_t scratch_bytes = 0;
};
Code emit(const Ir& ir, const Tiling& tiling);

}  // namespace pt::fused
