// Gradients as a graph transform: rules call `apply`, so the same code serves an eager tape and a trace.
#pragma once
#include "ops/op.h"

namespace pt {

// d(sum of outputs * cotangents)/d(wrt), one tensor per wrt; zeros where nothing depends on it.
// Throws Error naming an op that lies on the path and has no gradient.
Tensors gradients(const Tensors& outputs, const Tensors& cotangents, const Tensors& wrt);

// The same for values on the way to the outputs, of which one may depend on another: the whole gradient of each, by one
// walk. The others take wrt as variables, and go no further back than these.
Tensors gradients_along(const Tensors& outputs, const Tensors& cotangents, const Tensors& wrt);

// As gradients, with an undefined tensor where nothing depends on it.
Tensors gradients_reached(const Tensors& outputs, const Tensors& cotangents, const Tensors& wrt);

}  // namespace pt
