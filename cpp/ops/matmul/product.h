// What the plans of all products share: matrix products and convolutions are cut the same way.
#pragma once
#include <string>

#include "core/launch.h"
#include "ops/matmul/desc.h"

namespace pt {

inline constexpr int64_t kRowChunk = 256;  // rows whose block of A (256 KiB in f32) fills half of a second cache

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }
inline bool is_half(DType type) { return type == DType::F16 || type == DType::BF16; }
inline bool contiguous_columns(int64_t stride, int64_t cols) { return stride == 1 || cols == 1; }

// Chooses chunks, copies and the layout of the scratch for a desc whose sizes, strides, types and batch are set. A left
// operand that is gathered is always copied, and scattered sums are never kept in C.
void complete_product(MatmulDesc& d, bool gathered_left = false, bool scattered_out = false, bool may_split = true);

// Appends the one or two launches of a completed desc, which `descriptor` begins with, and claims the workspace.
// always_split: the sums of a single group are in the workspace too.
void append_product(LaunchPlan& plan, const std::string& kernel, const Descriptor& descriptor, const MatmulDesc& d,
                    bool always_split = false);

}  // namespace pt
