// What the plan of a product tells its kernels, in the roles that its operands play: a matrix product may be computed
// as C^T = B^T A^T, and then `left` is B, `right` is A, and rows count columns of C.
#pragma once
#include <stdint.h>

#include "core/dtype.h"
#include "core/kernel.h"

namespace pt {

// The canonical order: blocks of kBlockDepth along K, summed within groups of kGroupDepth.
inline constexpr int64_t kBlockDepth = 256;
inline constexpr int64_t kGroupDepth = 16 * kBlockDepth;
inline constexpr int kMaxBatchAxes = 6;
inline constexpr int kMaxEpilogueOperands = 16;
inline constexpr int64_t kWidestPanel = 64;  // columns of the widest panel of any instruction set
inline constexpr int64_t kMostRegionRows =
    256;  // a block of A of so many (256 KiB in f32) fills half of a second cache
inline constexpr int64_t kMostTapRows =
    1536;  // of a region whose rows are channels of taps: they share lines of pixels
// At most, of a product whose right operand is streamed (few_rows.h).
inline constexpr int64_t kFewRows = 8;
// Rows of a streamed operand that follow each other in memory are read in one line where the sums of a row are no more
// than so many bytes; and one at a time, where they are no more than so many for each byte that is read.
inline constexpr int64_t kSumBytesOfRow = 8 << 10;
inline constexpr int64_t kSumBytesOfByte = 2;
inline constexpr int64_t kPackedPanels = 4;  // panels packed at once: a cache line or two of each row is too little

// What is to be computed: filled once, from the operands (spec_problem.cpp, and the planners of convolutions).
struct MatmulProblem {
  int64_t rows, cols, depth;
  int64_t left_row, left_k;  // element strides
  int64_t right_k, right_col;
  int64_t out_row, out_col;
  int64_t left_odd, right_odd;  // of pairs: from the first number to the second
  int64_t batches;
  int64_t batch_extent[kMaxBatchAxes], left_batch[kMaxBatchAxes], right_batch[kMaxBatchAxes], out_batch[kMaxBatchAxes];
  int32_t batch_axes;
  int32_t left_at, right_at, out_at, workspace_at;  // index of each among the addresses of the launch
  DType left_type, right_type, out_type;
  bool swapped;        // C^T is computed
  bool pairs;          // K counts pairs of bf16, each an element of 4 bytes once it is packed
  bool half_pair;      // of which the last has one number
  bool amx;            // two operands of bf16 go through the tile registers (amx.h)
  bool hardware_dots;  // which may use the processor's own instructions for bf16, where it has them
  bool gathered;       // the left operand is read from an image, and always copied
  bool scattered;      // sums go where no strides of C say
  bool may_split;      // groups of K may be chunks
  bool rounds;         // sums are rounded to rounded_type, and stored in the wider out_type
  DType rounded_type;
  bool adds;         // and then an operand of f32 is added, which lies as C does
  int32_t added_at;  // its index among the addresses
  // A fused program that turns finished sums into what is stored, if it has operands. Operand 0 is the product's
  // rectangle in scratch, rounded to out_type, in the order of C (not swapped); the others follow each other from
  // epilogue_at.
  int32_t epilogue_operands, epilogue_at;
  int64_t epilogue_batch[kMaxEpilogueOperands][kMaxBatchAxes];  // byte strides

  // Another op's kernel that reads finished rows (ops/row_consumer.h), so many for each of its chunks, if any. The
  // epilogue's last operand, its result, then stays in scratch in the place of operand 0.
  int64_t consumer_rows;
  KernelFn consumer;
  int32_t consumer_at, consumer_outputs;  // among the addresses

  bool has_epilogue() const { return epilogue_operands > 0; }
  bool hands_rows() const { return consumer_rows > 0; }
};

// How it is cut into chunks, and what is packed: chosen once, for a problem and a PlanContext (spec_region.cpp,
// spec_amx.cpp, conv2d/spec_schedule.cpp). None of it can change a bit of the result.
struct MatmulSchedule {
  // Chunk c = ((batch chunk * row_chunks + row chunk) * col_chunks + column chunk) * groups + group, unless K is
  // shared.
  int64_t batch_chunk, batch_chunks;
  int64_t row_chunk, row_chunks;
  int64_t col_chunk, col_chunks;
  int64_t groups;  // more than 1: every chunk computes one group into the workspace, a second launch adds them
  // Threads that share K, else 0: each has so many whole groups, and some columns of those that remain (chunk.h).
  // Groups are single blocks then, where K has but one group.
  int64_t depth_parts, part_groups;
  int64_t left_elements;  // that a chunk copies of such lines
  bool padded_left;       // of convolutions: lines of pixels are copied with zeros around them (conv2d/padded.h)
  bool copy_left;         // blocks of the left operand are copied (and widened) to scratch
  bool strips;            // and there, or in the workspace, packed in strips (strips.h)
  bool share_left;        // a launch of its own packs the whole left operand into the workspace, for all chunks
  bool share_right;       // the same of the right one; only with amx
  int64_t packing_parts;  // of the rows of each row chunk: chunks of that launch, beside the blocks of K
  bool copy_right;        // panels of the right operand are copied (and widened) to scratch
  bool stream_right;      // or it is read once, as it lies, for few rows (few_rows.h)
  bool direct;            // sums are kept in C itself, else in scratch until the chunk is done
  bool grouped;           // blocks are added in a group of their own before they join the sum
  bool rounds_in_tiles;   // to a C of bf16: tiles of pairs do it (tile.h)

  int64_t chunks() const { return batch_chunks * row_chunks * col_chunks; }
  int64_t part_chunks() const { return part_groups + (groups > depth_parts * part_groups ? 1 : 0); }
};

// Where that is kept: computed from the other two (lay_out in spec_product.cpp). Byte offsets.
struct MatmulLayout {
  int64_t left_block, right_panel, widened, sums, group_sums;  // in the scratch of a thread
  int64_t turned_sums;                                         // and there, the sums in the order of C, when swapped
  int64_t epilogue_scratch;                                    // the program's own scratch, behind all others
  int64_t packed_left, packed_right;                           // in the workspace
  int64_t consumer, program;  // of the consumer's descriptor, and the epilogue's, from the beginning of this one
  int64_t sums_row;           // elements between rows of the sums in scratch
  int64_t epilogue_row;       // and of the epilogue's operand 0
};

struct MatmulDesc {
  MatmulProblem problem;
  MatmulSchedule schedule;
  MatmulLayout layout;
  bool checks_finite;  // raises kStatusNonFinite for what is stored; set by whoever asks for it (FiniteCheck)
};

// Multiplying, then adding the groups: the launches of a kernel folder, for f32 and f64. Packing the left operand comes
// before them.
enum ProductVariant : int { kProductF32, kProductF64, kAddGroupsF32, kAddGroupsF64 };
enum MatmulVariant : int { kPackLeftF32 = kAddGroupsF64 + 1, kPackLeftF64 };

}  // namespace pt
