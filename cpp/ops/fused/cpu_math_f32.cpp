// The formulas over float.
#include "ops/fused/math_table.h"

namespace pt {
namespace PT_ISA {

#define PT_MATH_OP(op) math_entry<formula_##op, vec<float, some_lanes<float>(16)>, FusedClass::F32>(),
const MathFn kMathF32[] = {
#include "math_ops.inc"
};

}  // namespace PT_ISA
}  // namespace pt
