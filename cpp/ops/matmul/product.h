// What the plans of all products share: matrix products and convolutions are cut the same way.
#pragma once
#include <string>
#include <vector>

#include "core/launch.h"
#include "ops/fused/machine.h"
#include "ops/matmul/desc.h"

namespace pt {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }
inline bool is_half(DType type) { return type == DType::F16 || type == DType::BF16; }
inline bool contiguous_columns(int64_t stride, int64_t cols) { return stride == 1 || cols == 1; }

// Chooses the chunks, and which operands are copied (spec_region.cpp).
void choose_chunks(MatmulDesc& d, const PlanContext& context, bool gathered_left, bool may_split);

// Cuts into regions of so many rows and columns, and joins batch items up to `wanted` multiply-adds where an item is
// one region; `per_batch` are those of an item.
void set_chunks(MatmulDesc& d, int64_t rows, int64_t cols, double wanted, double per_batch);

// Chooses chunks, copies and the layout of the scratch for a desc whose sizes, strides, types and batch are set. A left
// operand that is gathered is always copied, and scattered sums are never kept in C.
void complete_product(MatmulDesc& d, const PlanContext& context, bool gathered_left = false, bool scattered_out = false,
                      bool may_split = true);

// The second half of that: the layout, once the chunks are chosen.
void lay_out_product(MatmulDesc& d, bool scattered_out);

// How one operand advances along the rows and batch axes of C.
struct Walk {
  int64_t row;
  Strides batch;
};
// The batch axes of a product, outermost first, with the walks of left, right, out, and then an epilogue's operands.
struct Batch {
  int64_t rows;
  Shape extents;
  std::vector<Walk> walks;
};
// Drops axes of size 1, joins axes that are one stride for everybody, and makes rows of inner axes that the right
// operand does not have: a linear layer over [batch, time, features] is one product.
void simplify(Batch& batch);

// Puts the lowered program behind the `size` bytes of an op's descriptor that begins with the completed desc d, and
// adds to d what it needs. Walks of operand i are batch.walks[first + i].
Descriptor with_epilogue(MatmulDesc& d, const void* descriptor, std::size_t size, const FusedProgram& program,
                         const Batch& batch, int first);

// Appends the one or two launches of a completed desc, which `descriptor` begins with, and claims the workspace.
// always_split: the sums of a single group are in the workspace too.
void append_product(LaunchPlan& plan, const std::string& kernel, const Descriptor& descriptor, const MatmulDesc& d,
                    bool always_split = false);

// Lets the last launch of a product look at its result c, where that is wide and row-major.
void let_check(LaunchPlan& plan, const MatmulDesc& d, const Operand& c);

}  // namespace pt
