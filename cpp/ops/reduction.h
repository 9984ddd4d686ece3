// What reductions share: the attributes axis and keepdims, and their shape rule. `reducing` in
// ops/reduce/plan.h plans them for the CPU.
#pragma once
#include "ops/op.h"

namespace pt {

enum class ResultType { Input, Sum, Bool, Position };  // Sum: integers and bool give int64, as in NumPy

// Begins a spec with the input x, the attributes axis and keepdims, and the shape rule. `needs_elements`: an
// empty axis has no result.
OpBuilder reduction(const std::string& name, Takes takes, ResultType result, bool needs_elements);

// axis and keepdims alone, for reductions that are defined through others.
OpBuilder composed_reduction(const std::string& name);

// The gradient of a largest or smallest element, of an op with x and the result saved: equal elements share it equally.
Tensors shared_by_ties(const VjpContext& c, const std::string& op);

}  // namespace pt
