// Regions: parts of what was recorded whose gradient does not go through their calls one by one, but through a graph of
// its own. A checkpoint computes its part again; a custom gradient is what a function says.
#pragma once
#include <functional>

#include "graph/graph.h"

namespace pt {

struct Region {
  Tensors inputs;    // whose gradients `back` gives
  Tensors captured;  // what it reads
  Types outputs;
  std::shared_ptr<const Graph> back;  // of what is captured, and a cotangent for each output
  bool recompute = false;             // its calls are not to be merged with those of the region
};

// The gradient by each of region.inputs, given cotangents (undefined ones are zero).
Tensors go_back(const Region& region, const Tensors& cotangents);

// Runs the graph here: at once on concrete inputs, into the trace otherwise. `recompute` marks its calls as no
// duplicates of any other.
Tensors replay(const Graph& graph, const Tensors& inputs, uint64_t recompute = 0);

// Constants of a graph become inputs in front of the others; gives what they were.
Tensors lift_constants(Graph& graph);

// The tensor as an output of the region, through which its gradient goes.
Tensor with_region(const Tensor& output, const std::shared_ptr<const Region>& region, int number);
Tensors with_regions(const Tensors& outputs, const std::shared_ptr<const Region>& region);
// The same region about other values, `value` giving them by number.
std::shared_ptr<const Region> moved_region(const GraphRegion& region, const std::function<Tensor(int)>& value);

using Function = std::function<Tensors(const Tensors&)>;

// The function's results; for gradients, what is between is computed again instead of kept.
Tensors checkpointed(const Function& function, const Tensors& inputs);

// The outputs with gradients by the inputs as `back` makes them from cotangents of the outputs.
Tensors with_gradient(const Tensors& outputs, const Tensors& inputs, const Function& back);

}  // namespace pt
