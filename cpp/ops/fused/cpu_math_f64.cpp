// The formulas over double: eight lanes, so that a long formula keeps its values in registers.
#include "ops/fused/math_table.h"

namespace pt {
namespace PT_ISA {

#define PT_MATH_OP(op) math_entry<formula_##op, vec<double, some_lanes<double>(8)>, FusedClass::F64>(),
const MathFn kMathF64[] = {
#include "math_ops.inc"
};

}  // namespace PT_ISA
}  // namespace pt
