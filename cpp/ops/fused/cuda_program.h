// A fused program as the interpreter's kernel on CUDA reads it: plain numbers, made by plan_cuda.cpp.
#pragma once
#include "ops/fused/classes.h"

namespace pt::cuda {

constexpr int kFusedOperands = 64;
constexpr int kFusedThreads = 256;  // of a block, at most
constexpr int kFusedTail = 3376;    // bytes
constexpr int kWarpThreads = 32;
constexpr int kFusedDepth = 40;  // of the stack over the blocks of a row

enum class FusedOpCode : uint8_t {
  Fill,        // dst = constant args[0]
  Load,        // dst = operand args[0], which is stored as `what`
  Store,       // operand args[1], stored as `what`, = args[0]
  Math,        // dst = formula `what` of args
  MathMasked,  // the same; the first argument is a mask
  Cast,        // dst = args[0] as class `to`, rounded to `what`
  Uniform,     // dst = a random number; the seed is operand args[0], the ordinal constant args[1]
  Accumulate,  // joins args[0] to the lanes in dst, by the FusedReduce `what`; args[1] is the row slot of the result,
               // args[2] its number in its pass
};

// A slot below kRowSlot is one value for each element that a thread works on, in two rooms: of 8 bytes and of less.
// The others are one value for a row; those of the constants hold for all rows.
constexpr int kRowSlot = 0x80;

struct FusedOp {
  FusedOpCode code;
  FusedClass from, to;  // of the arguments, of the result
  uint8_t what;
  uint8_t dst;
  uint8_t args[3];
};
static_assert(sizeof(FusedOp) == 8);

enum class FusedRun : uint8_t {
  Elements,  // no reduction: each thread takes elements
  Rows,      // a row is worked on by a group of warps
  Parts,     // and a part of a row, whose reductions go to the workspace
  Combine,   // which are joined here
};

// Ops are in sections: those of constants; then, for a program without reductions, those of an element. Otherwise for
// each pass those of the row before it and those of an element in it; and those of the row after the last pass.
struct FusedHead {
  int64_t rows, cols, part_cols;
  int32_t parts;
  FusedRun run;
  uint8_t n_outer, n_operands, n_passes, n_reductions;  // of the first pass
  uint8_t elements;                                     // of a thread at a time
  uint8_t warps;                                        // of a row
  bool long_strides;                                    // of 8 bytes, not 4
  uint16_t row_slots;
  uint16_t strides_at, constants_at, ops_at, sections_at;  // in the tail, which begins with the extents besides the row
  uint32_t rows_at, bases_at, units_at, stack_at, narrow_at;  // in shared memory, which begins with the wide slots
};
template <int kTail>
struct FusedWithTail : FusedHead {
  alignas(8) unsigned char tail[kTail];
};
using FusedCuda = FusedWithTail<kFusedTail>;
static_assert(sizeof(FusedCuda) <= 3500);

// A program without reductions that another op's kernel runs on its results, one for each thread at a time. They are
// the program's first operand.
constexpr int kAfterOperands = 16, kAfterTail = 1856;
using FusedAfter = FusedWithTail<kAfterTail>;

}  // namespace pt::cuda
