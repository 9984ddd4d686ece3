// What the lowering hands to the fused machine's kernels: a blob of plain structs. A FusedDesc is followed in memory by
// its operands, slots, instructions and phases, in this order.
#pragma once
#include "ops/fused/classes.h"

namespace pt {

constexpr int kFusedOuter = 7;  // axes besides the row
constexpr int kFusedMaxSlots = 512;
constexpr int kFusedLanes = 16;  // blocks are padded to a multiple of this

struct FusedOperandDesc {
  int64_t outer[kFusedOuter];  // strides in elements
  int64_t inner;
  FusedStorage storage;
  uint8_t bytes;  // of one element
};

// Where a value lives while a tile is worked on. A vector register may for one tile be the operand's own memory.
enum class FusedPlace : uint8_t {
  Constant,  // one vector of equal lanes, made once per chunk
  Row,       // one value per row of the tile, or of the rows that are worked on together
  Register,  // one value per element of the tile
  Spilled,   // one value per element of the chunk's part of these rows: outlives a phase
  Column,    // one sum per column of the chunk: outlives its rows
};
struct FusedSlot {
  FusedPlace place;
  uint8_t bytes;   // of one element
  int64_t offset;  // in the executing thread's scratch
};

// A formula that is a plugin's function, and the numbers that it is called with.
constexpr int kExternalAttributes = 8;
struct ExternalFormula {
  void* function;  // of the ABI: PtElementwiseF32 or PtElementwiseF64
  int64_t arity;
  double flops;  // of one element
  double attributes[kExternalAttributes];
};

enum class FusedCode : uint8_t {
  Fill,        // dst = the constant in `bits`
  LoadScalar,  // dst = the one element of the operand
  LoadRow,     // dst = the operand's value for each row
  Load,        // dst = the operand's elements; without a copy where its memory can serve as the register
  Bind,        // dst, made by the next instruction and stored by the one after it: let the output's memory be the
               // register where it can
  Math,        // dst = op(args)
  External,    // dst = a plugin's function of args, at the address in `bits`
  Chain,       // dst = two or three additions, subtractions or multiplications of args
  Select,      // dst = args[2] where args[0] and args[1] compare so, else args[3]
  Cast,        // dst = args[0] as another class, or rounded to `storage`
  Spread,      // one row a tile: dst = its value, in a vector of equal lanes
  Expand,      // dst = the row's value for each of its elements
  Accumulate,  // one row a tile: adds a piece of the row to the reduction's state
  ReduceRows,  // many rows a tile: dst = the reduction of each row
               // Both: of args[0], or with an `op`, the sum of what a chain makes of args
  Finish,      // dst = the reduction of the whole row, beside those of the other rows
  Join,        // dst = the same of each row, where a row is one piece and one block
  Uniform,     // dst = random numbers in [0, 1)
  Store,       // the operand's elements = args[0]
  StoreRow,    // the operand's value for each row = args[0]
  AddColumns,  // many rows a tile: adds the rows of args[0] to the sums in dst. Of one row that is an addition
};
// Which arguments of the outer operation are operations themselves: (a . b) . c, a . (b . c), (a . b) . (c . d). What
// is added up may also be one operation, or the square of one.
enum class FusedChain : uint8_t { Left, Right, Both, One, Square };

// Of tiles that have the same columns. A turn is some rows in a row, along whose axes the operand does not move.
enum class FusedShared : uint8_t { Nobody, Turn, Chunk };

enum class FusedCompare : uint8_t { Greater, GreaterEqual, Less, LessEqual, Equal, NotEqual };

struct FusedInstr {
  FusedCode code;
  FusedClass from;       // class of the arguments
  FusedClass to;         // class of the result
  FusedStorage storage;  // Cast: what the result is rounded to
  uint8_t level;         // FusedPlace of the result: how many elements are worked on
  uint8_t steps;         // bit i: argument i advances with the elements; otherwise it is a vector of equal lanes
  FusedShared shared;    // which tiles share a load
  FusedReduce reduce;
  FusedChain form;
  int16_t op;  // Math: formula; Chain, a reduction of one: outer operation + 3 inner (+ 9 second inner), else -1;
               // Select: FusedCompare
  int16_t dst;
  int16_t args[4];
  int16_t operand;
  int32_t state;  // offset of the reduction's state in scratch
  int64_t bits;   // Fill: the constant; Uniform: the ordinal; External: the address of its ExternalFormula
};

// The part of a program between two reductions: instructions for the values of some rows, which are one tile or worked
// on together; then for each piece of them; then, where a tile is one row, those that end its reductions.
struct FusedPhase {
  int32_t row_begin, piece_begin, finish_begin, end;
};

enum class FusedMode : uint8_t {
  Whole,    // a chunk is a rectangle of rows and columns
  Partial,  // a chunk is part of one row; its reductions go to the workspace
  Combine,  // a chunk is some rows; reads the partial reductions
};

struct FusedDesc {
  int64_t total_bytes;
  int32_t n_operands, n_slots, n_instrs, n_phases;
  int32_t prologue_end;  // instructions [0, prologue_end) run once per chunk
  int32_t n_outer;
  int64_t outer[kFusedOuter];  // extents of the axes besides the row
  int64_t rows, cols;
  int64_t tile_rows, tile_cols;  // at most so many of each in a tile
  int64_t tile_elements;         // and at most so many elements
  int64_t chunk_rows, chunk_cols;
  int32_t multi_row;                 // tiles of many rows: row values are expanded instead of being equal lanes
  int32_t group_rows;                // tiles of one row: so many rows pass a phase before the next one
  int32_t first_spilled, n_spilled;  // slots
  int32_t n_reductions;              // Partial and Combine: values a row has in the workspace, per part
  int32_t n_column_sums;             // slots in scratch, one behind the other
  int64_t summed_rows;               // rows of each of their sums
  int64_t turn_rows;                 // of loads that the tiles of a turn share; a tile is in one. 0: there are none
  int64_t column_sums, column_sums_bytes;
  FusedMode mode;
  int64_t parts;  // Partial and Combine: parts of one row

  const FusedOperandDesc* operands() const { return reinterpret_cast<const FusedOperandDesc*>(this + 1); }
  const FusedSlot* slots() const { return reinterpret_cast<const FusedSlot*>(operands() + n_operands); }
  const FusedInstr* instrs() const { return reinterpret_cast<const FusedInstr*>(slots() + n_slots); }
  const FusedPhase* phases() const { return reinterpret_cast<const FusedPhase*>(instrs() + n_instrs); }
};

// The state of one reduction over a row of several pieces or blocks: lane accumulators of the current block, and the
// sums of finished blocks as a binary counter. Sized for 8 byte elements.
struct FusedState {
  int64_t lanes[kSumLanes];
  int64_t stack[56];
  int64_t blocks;    // finished ones
  int64_t in_block;  // elements in the current one
};
// Of one over rows that are one piece and one block each: for each row of the group 16 lanes, each of which has
// kSumLanes / 16 of a row's lanes in it.
constexpr int64_t kJoinedBytes = kFusedLanes * kFusedLanes * 8;

// The sums of columns over blocks of rows, which add up to those over all rows of a sum: a blob of the second launch.
// A block has `cols` values in the workspace, one block every `block_bytes`; each of `sums` has so many blocks.
struct ColumnSumsDesc {
  FusedClass cls;
  FusedStorage to;
  int64_t cols, blocks, block_bytes;
  int64_t sums, sums_per_chunk;
};
constexpr int64_t kColumnsOfChunk = 1024;

// What formulas there are: from the formulas themselves, so that the lowering cannot disagree with the kernels.
struct MathFact {
  const char* name;
  uint8_t arity;
  uint8_t takes;       // bit i: arguments of FusedClass i
  uint8_t mask_first;  // the first argument is a mask, whatever the class
  uint8_t to_mask;     // bit i: the result for class i is a mask
};
struct MathFacts {
  const MathFact* facts;
  int count;
};
extern const MathFacts kMathFacts;

}  // namespace pt
