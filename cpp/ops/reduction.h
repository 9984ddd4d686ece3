// What reductions share: the attributes axis and keepdims, their shape rule and their kernel.
#pragma once
#include "ops/op.h"
#include "ops/reduce/plan.h"

namespace pt {

enum class ResultType { Input, Sum, Bool, Position };  // Sum: integers and bool give int64, as in NumPy

// Begins a spec with the input x, the attributes axis and keepdims, the shape rule and the plan. `needs_elements`: an
// empty axis has no result.
OpBuilder reduction(const std::string& name, ReduceKind kind, Takes takes, ResultType result, bool needs_elements);

// axis and keepdims alone, for reductions that are defined through others.
OpBuilder composed_reduction(const std::string& name);

// The gradient of a largest or smallest element, of an op with x and the result saved: equal elements share it equally.
Tensors shared_by_ties(const VjpContext& c, const std::string& op);

}  // namespace pt
