// A step as a function without state, for a backend: what is read of slots are inputs, what is written to them are
// results, and guards are numbers to look at afterwards.
#pragma once
#include <functional>

#include "graph/graph.h"

namespace pt {

struct PureStep {
  // Inputs: the step's, then slots. Results: the step's, one for each write, and the checks, if there are any.
  Graph graph;
  std::vector<int> slots;         // of the source, by number: whose values are the inputs behind the step's
  std::vector<SlotWrite> writes;  // of the source, in the order of their results
  // What each element of the last result, a vector of bool, is about: true where all is well.
  enum class About {
    Index,   // whether indices are within their axes
    Truth,   // whether what is asserted holds
    Finite,  // whether what is guarded is finite
  };
  struct Check {
    int phase;
    About about;
    bool skips;  // the phase is left out where it is not; what it would have written is selected in the graph
  };
  std::vector<Check> checks;
};

// `runs` says which ops stay as they are; others become their definitions, if they have one.
PureStep pure(const Graph& source, const std::function<bool(const Op&)>& runs);

}  // namespace pt
