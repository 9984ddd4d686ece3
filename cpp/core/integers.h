// Arithmetic of counts, for planners and kernels alike. Functions of internal linkage: what kernels share with the
// baseline by name the linker may hand to another processor (core/kernel.h).
#pragma once
#include <stdint.h>

namespace pt {

static inline constexpr int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline constexpr int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

}  // namespace pt
