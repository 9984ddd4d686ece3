// Definitions and gradient rules, called on concrete tensors. They are made of other ops; the layer that knows programs
// may run the whole of one as a single small program, with the same bits and less memory traffic.
#pragma once
#include <functional>
#include <span>

#include "ops/op.h"

namespace pt {

struct Composition {
  const Op& op;
  bool gradient;          // its rule, else its definition
  const Tensors& inputs;  // undefined where left out
  const Attrs& attrs;
  std::span<const bool> needs;  // what else the body depends on: which gradients are wanted
  const std::function<Tensors(const Tensors&)>& body;
};

// Returns whether it ran the composition; if not, the body is called.
using CompositionRunner = bool (*)(const Composition& composition, Tensors& results);
CompositionRunner& composition_runner();

// Where its inputs are: there it makes what it needs beside them, too.
Tensors run_composition(const Composition& composition);

}  // namespace pt
