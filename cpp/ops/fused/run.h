// Running a fused program from another kernel of the same instruction set.
#pragma once
#include "ops/fused/desc.h"

namespace pt {
namespace PT_ISA {

// Runs a program made by lower_fused_rect on the rows [row_begin, row_end) and columns [col_begin, col_end) of its
// iteration space. `data` are the operands in the program's order, `scratch` is 64-byte aligned.
void run_fused_rect(const FusedDesc* desc, char* const* data, int64_t row_begin, int64_t row_end, int64_t col_begin,
                    int64_t col_end, char* scratch);

}  // namespace PT_ISA
}  // namespace pt
