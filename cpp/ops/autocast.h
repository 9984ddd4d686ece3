// Mixed precision: inside of a scope, each call's inputs get the dtype that the op's rule asks for.
#pragma once
#include "ops/op.h"

namespace pt {

// What happens to the inputs of an op inside of a scope, as PyTorch decides it.
enum class Precision {
  Follows,    // nothing: it computes in the dtype of its inputs
  Low,        // they are kept in the scope's dtype: products
  Full,       // f16 and bf16 are widened to f32: sums, losses, norms, powers
  FullInside  // as Full, and the first result has the dtype of the first input again: batch norm
};

// Says, beside an op's definition, that its rule is not Follows.
struct AutocastRule {
  AutocastRule(const std::string& op, Precision precision);
};

Precision precision_of(const Op& op);

// The dtype in which products keep what they read and write on this thread: F16 or BF16, F32 outside of any scope.
DType& autocast_dtype();
// Whether products of bf16 in such a scope keep the sums of every other machine (dots="exact" of matmul).
bool& autocast_exact();

// Gradient rules, definitions of ops with a rule, and passes work on calls whose dtypes are decided already: they run
// in a scope of F32.
struct AutocastScope {
  explicit AutocastScope(DType dtype = DType::F32) : saved(autocast_dtype()) { autocast_dtype() = dtype; }
  ~AutocastScope() { autocast_dtype() = saved; }
  AutocastScope(const AutocastScope&) = delete;
  DType saved;
};

// A call inside of a scope, of an op that has a rule.
Tensors apply_autocast(const Op& op, Precision precision, Tensors inputs, const Attrs& attrs);

}  // namespace pt
