// The passes, in the order in which they run. Each is Graph -> Graph, may be switched off, and keeps every bit.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "ops/target.h"

namespace pt {

struct Pass {
  std::string_view name;      // as the checks of POWERTRAIN_VERIFY report it
  std::string_view switched;  // by this option of pt.compile; several passes may share one
  Graph (*run)(const Graph& graph, const Target& target);
  Graph (*when_off)(const Graph& graph, const Target& target) = nullptr;  // what has to happen anyway
};

// The switches that are off.
struct PassOptions {
  std::set<std::string, std::less<>> off;
};

// Those of every target.
const std::vector<Pass>& passes();
// One more for steps of this target, behind the others. Before anything is compiled for it.
void extend_passes(const Target& target, Pass pass);

Graph run_passes(const Graph& source, const PassOptions& options, const Target& target);

// Definitions expanded, equal calls merged, dead code and views that change nothing dropped. `merge` is for the last
// three. `nested`: of a part of what is being done, whose regions stay. What the target plans is not expanded; without
// one, what any target plans.
Graph simplify(const Graph& graph, bool merge, bool nested = false, const Target* target = nullptr);
// Elementwise chains and row programs become single nodes.
Graph fuse(const Graph& graph, const Target& target);
// An elementwise program that is the only reader of a product is done by the product, while its result is in cache.
Graph attach_epilogues(const Graph& graph, const Target& target);
// What is the only reader of such a program's one result, and reads it row by row, is done there too.
Graph attach_consumers(const Graph& graph, const Target& target);

}  // namespace pt
