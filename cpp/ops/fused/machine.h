// The fused machine: elementwise chains and row programs as one kernel. The graph's fusion pass describes a program
// here; lower_fused turns it into launches of a bytecode interpreter that works on blocks which stay in the L1 cache.
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/launch.h"

namespace pt {

struct FusedOperand {
  DType dtype;
  Strides strides;  // in elements along every axis of the iteration space; 0 is a broadcast
};

struct ExternalFormula;  // desc.h

// ColumnSum: of each column over all rows, of floats, or over the rows of the last axes; nothing but a Store reads it,
// to an operand of one row, or of one for each entry of the other axes. All of a program have as many rows.
enum class StepKind { Load, Constant, Math, Cast, RowSum, RowProd, RowMax, RowMin, Uniform, Store, ColumnSum };

inline bool reduces_row(StepKind kind) {
  return kind == StepKind::RowSum || kind == StepKind::RowProd || kind == StepKind::RowMax || kind == StepKind::RowMin;
}

// A step's result is named by its index.
struct FusedStep {
  StepKind kind;
  std::string op;                             // Math: the formula
  const ExternalFormula* external = nullptr;  // Math: instead, a plugin's; for the class of the result
  // Of the result: F32, F64, I32, I64 or Bool. A Cast may name a storage dtype (F16, BF16, U8, I8, I16): the value is
  // rounded to it and goes on in F32 or I32.
  DType dtype = DType::F32;
  std::array<int, 4> args{-1, -1, -1, -1};
  double value = 0;     // Constant
  int operand = -1;     // Load, Store; Uniform: an i64 input that holds [seed, stream, call]
  int64_t ordinal = 0;  // Uniform: added to the call; Constant of I64: added to the value
};

struct FusedProgram {
  Shape extents;                       // the iteration space; the last axis is the row
  std::vector<FusedOperand> operands;  // the inputs, then the outputs
  int inputs = 0;
  std::vector<FusedStep> steps;
};

// An output may be the same memory as an input with the same strides and element size. Where there is work for more
// chunks than `threads`, each thread gets as many: so it has the same part of the rows as in other launches.
LaunchPlan lower_fused(const FusedProgram& program, int64_t threads = 1);

// A program without reductions over a two-dimensional iteration space, for run_fused_rect (run.h): what a product does
// to its result while that is in cache. `scratch_bytes` receives what run_fused_rect needs.
Descriptor lower_fused_rect(const FusedProgram& program, int64_t& scratch_bytes);

bool has_math(std::string_view op);
int math_arity(std::string_view op);
bool math_takes(std::string_view op, DType compute_dtype);
// The dtype of the result for arguments of this compute dtype: Bool, or the same.
DType math_result(std::string_view op, DType compute_dtype);

}  // namespace pt
