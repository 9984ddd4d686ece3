// The passes, in the order in which they run. Each is Graph -> Graph, may be switched off, and keeps every bit.
#pragma once
#include "graph/graph.h"

namespace pt {

struct PassOptions {
  // Expansion always happens; this switch is for merging equal calls and for leaving out views that change nothing.
  bool simplify = true;
  bool fuse = true;
};

// Definitions expanded, equal calls merged, dead code and views that change nothing dropped.
// `nested`: of a part of what is being done, whose regions stay.
Graph simplify(const Graph& graph, bool merge, bool nested = false);
// Elementwise chains and row programs become single nodes.
Graph fuse(const Graph& graph);
// An elementwise program that is the only reader of a product is done by the product, while its result is in cache.
Graph attach_epilogues(const Graph& graph);
// A maximum pooling that is the only reader of such a program's one result is done there too.
Graph attach_poolings(const Graph& graph);

}  // namespace pt
