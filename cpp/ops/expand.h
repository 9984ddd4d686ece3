// Calling an op's definition in its place.
#pragma once
#include "ops/op.h"
#include "ops/target.h"

namespace pt {

// Runs op.compose. What goes wrong in the ops that it is made of is told as an error of this op, which is the one that
// was called.
Tensors expand(const Op& op, const Tensors& inputs, const Attrs& attrs);

// The same for a backend that has no rule for the op: a plugin's kernel may have a definition for backends alone, which
// gradients do not know. Nothing where there is none.
void define_for_backends(const Op& op, ComposeFn definition);
Tensors expand_for_backend(const Op& op, const Tensors& inputs, const Attrs& attrs);

// The same for a target; for nullptr, for any. A plugin's kernel is code for the CPU, and has a definition of its own
// on devices in libraries of their own, which gradients and backends do not know.
void define_on_devices(const Op& op, ComposeFn definition);
bool planned(const Target& target, const Op& op);  // the target runs it by a kernel
bool expands(const Target* target, const Op& op);  // it does not, and there is a definition
Tensors expand_for(const Target* target, const Op& op, const Tensors& inputs, const Attrs& attrs);

// Whether a call is one of complex numbers that the op's kernel or definition does not take, and has a rule for.
bool by_complex_rule(const Op& op, const Tensors& inputs, const Attrs& attrs);
Tensors expand_complex(const Op& op, const Tensors& inputs, const Attrs& attrs);

}  // namespace pt
