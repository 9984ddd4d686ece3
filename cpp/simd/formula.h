// How a formula in ops/<op>/math.h becomes an instruction of the fused machine. The file writes the formula as a
// function of vectors and ends with PT_MATH(op, arity, types).
#pragma once
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {

// Which argument types a formula takes, as bits in the order of FusedClass.
constexpr unsigned kTakesFloat = 1 + 2;
constexpr unsigned kTakesInt = 4 + 8 + 32;
constexpr unsigned kTakesNumber = kTakesFloat + kTakesInt;
constexpr unsigned kTakesBits = kTakesInt + 16;  // masks too
constexpr unsigned kTakesAny = kTakesNumber + 16;

#define PT_FORMULA(op, arity, types, mask_first, chained) \
  struct formula_##op {                                   \
    static constexpr int n_args = arity;                  \
    static constexpr unsigned takes = kTakes##types;      \
    static constexpr bool first_is_mask = mask_first;     \
    static constexpr bool is_long = chained;              \
    template <class... V>                                 \
    static PT_FN auto apply(V... v) {                     \
      return op(v...);                                    \
    }                                                     \
  }
#define PT_MATH(op, arity, types) PT_FORMULA(op, arity, types, false, false)
// Tens of operations that wait for each other.
#define PT_MATH_LONG(op, arity, types) PT_FORMULA(op, arity, types, false, true)
// The first argument is a mask, whatever the type of the others.
#define PT_MATH_MASKED(op, arity, types) PT_FORMULA(op, arity, types, true, false)

}  // namespace PT_ISA
}  // namespace pt
