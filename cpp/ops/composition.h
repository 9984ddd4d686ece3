// Definitions and gradient rules, called on concrete tensors. They are made of other ops; the layer that knows programs
// may run the whole of one as a single small program, with the same bits and less memory traffic.
#pragma once
#include <functional>
#include <memory>
#include <span>

#include "ops/op.h"

namespace pt {

class Target;

struct Composition {
  const Op& op;
  bool gradient;          // its rule, else its definition
  const Tensors& inputs;  // undefined where left out
  const Attrs& attrs;
  std::span<const bool> needs;  // what else the body depends on: which gradients are wanted
  const std::function<Tensors(const Tensors&)>& body;
  std::span<const TensorType> types = {};  // and these: of values that are not given
  bool again = false;  // it is computed once more on the way back: only where it saves passes over memory
};

// A composition as a program, for inputs of the types that it was made for.
class KeptComposition {
 public:
  virtual ~KeptComposition() = default;
  // False where an index was out of range: call by call the error names the op.
  virtual bool run(const Tensors& given, Tensors& results) = 0;
};
struct FoundComposition {
  bool decided = false;  // false: a later call may have a program
  std::shared_ptr<KeptComposition> program;
};

// Returns whether it ran the composition; if not, the body is called.
using CompositionRunner = bool (*)(const Composition& composition, Tensors& results);
CompositionRunner& composition_runner();
// What runs a call of these inputs, whose body it does not ask for.
using CompositionFinder = FoundComposition (*)(const Composition& composition);
CompositionFinder& composition_finder();
inline FoundComposition kept_composition(const Composition& composition) {
  return composition_finder() ? composition_finder()(composition) : FoundComposition{true, nullptr};
}

// Up to so many bytes calls are mostly overhead.
inline constexpr int64_t kSmallBytes = 1 << 18;
// Whether one of them has so many bytes that passes over it take longer than looking for a program that saves some.
bool is_large(const Tensors& tensors);

// As a program, or not at all.
bool run_as_program(const Composition& composition, Tensors& results);
// Where its inputs are: there it makes what it needs beside them, too.
Tensors run_composition(const Composition& composition);
Tensors call_by_call(const Composition& composition, const Target& target);  // never as a program
// What `evaluate` gives of an op by its definition there, call by call.
Tensors evaluate_by_calls(const Op& op, const Target& target, const Tensors& inputs, const Attrs& attrs);

}  // namespace pt
