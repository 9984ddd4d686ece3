// The formulas over integers and masks.
#include "ops/fused/math_table.h"

namespace pt {
namespace PT_ISA {

#define PT_MATH_OP(op) math_entry<formula_##op, vec<int32_t, some_lanes<int32_t>(16)>, FusedClass::I32>(),
const MathFn kMathI32[] = {
#include "math_ops.inc"
};
#undef PT_MATH_OP

#define PT_MATH_OP(op) math_entry<formula_##op, vec<int64_t, some_lanes<int64_t>(8)>, FusedClass::I64>(),
const MathFn kMathI64[] = {
#include "math_ops.inc"
};
#undef PT_MATH_OP

#define PT_MATH_OP(op) math_entry<formula_##op, vec<uint64_t, some_lanes<uint64_t>(8)>, FusedClass::U64>(),
const MathFn kMathU64[] = {
#include "math_ops.inc"
};
#undef PT_MATH_OP

#define PT_MATH_OP(op) math_entry<formula_##op, mask<4, some_lanes<int32_t>(16)>, FusedClass::Bool>(),
const MathFn kMathBool[] = {
#include "math_ops.inc"
};
#undef PT_MATH_OP

}  // namespace PT_ISA
}  // namespace pt
