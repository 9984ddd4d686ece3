// The passes, in the order in which they run. Each is Graph -> Graph, may be switched off, and keeps every bit.
#pragma once
#include "graph/graph.h"

namespace pt {

struct PassOptions {
  bool simplify = true;   // expansion always happens; this switch is for merging equal calls
  bool fuse = true;
};

// Definitions expanded, equal calls merged, dead code dropped.
Graph simplify(const Graph& graph, bool merge);
// Elementwise chains and row programs become single nodes; what follows a product becomes its epilogue.
Graph fuse(const Graph& graph);

}  // namespace pt
