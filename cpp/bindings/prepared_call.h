// The short way of a call of an op from Python.
#pragma once
#include "bindings/bindings.h"
#include "ops/prepared.h"

namespace pt::bindings {

// Makes a call like one that was made before. False, and no results, where it must go the long way. `args` are `given`
// by their place, and one more for each of `names`, a tuple or null.
bool call_prepared(const Op& op, Operands operands, PyObject* const* args, std::size_t given, PyObject* names,
                   PreparedResults& results);

}  // namespace pt::bindings
