// The passes, in the order in which they run. Each is Graph -> Graph, may be switched off, and keeps every bit.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/passes/options.h"
#include "ops/target.h"

namespace pt {

struct Pass {
  std::string_view name;      // it may be switched off by, and the checks of POWERTRAIN_VERIFY report it by
  std::string_view switched;  // by this option of pt.compile; several passes may share one
  Graph (*run)(const Graph& graph, const Target& target);
  Graph (*when_off)(const Graph& graph, const Target& target) = nullptr;  // what has to happen anyway
};

// Those of every target.
const std::vector<Pass>& passes();
// One more for steps of this target, behind the others. Before anything is compiled for it.
void extend_passes(const Target& target, Pass pass);
// What PassOptions may name beside the switches: passes, in their order, and rewrite rules.
std::vector<std::string> pass_names();

Graph run_passes(const Graph& source, const PassOptions& options, const Target& target);

// Definitions expanded, equal calls merged, dead code and views that change nothing dropped. `merge` is for the last
// three. `nested`: of a part of what is being done, whose regions stay. What the target plans is not expanded; without
// one, what any target plans.
Graph simplify(const Graph& graph, bool merge, bool nested = false, const Target* target = nullptr);
// Casts of many pieces of one slot become a cast of the slot, where the target wants that.
Graph cast_together(const Graph& graph, const Target& target);
// Elementwise chains and row programs become single nodes.
Graph fuse(const Graph& graph, const Target& target);
// An elementwise program that is the only reader of a product is done by the product, while its result is in cache.
Graph attach_epilogues(const Graph& graph, const Target& target);
// Whether two nodes may be one, though neither reads the other: then one of them runs earlier than it is needed, and
// what it makes is kept for longer. A checkpoint's way back would keep what it is to save.
inline bool are_near(const GraphNode& a, const GraphNode& b, int apart) {
  constexpr int kNear = 32;  // nodes
  return apart <= kNear && a.recompute == b.recompute && a.phase == b.phase;
}
// What a view shows as it lies there, but for axes of size 1 in front; for any other value itself.
int unsqueezed(const Graph& graph, int value);
// What is the only reader of such a program's one result, and reads it row by row, is done there too.
Graph attach_consumers(const Graph& graph, const Target& target);

}  // namespace pt
