#include "graph/passes/passes.h"

#include <map>

namespace pt {
namespace {

std::map<const Target*, std::vector<Pass>>& extensions() {
  static auto& of_target = *new std::map<const Target*, std::vector<Pass>>;
  return of_target;
}

Graph merged(const Graph& graph, const Target& target) { return simplify(graph, true, false, &target); }
Graph expanded(const Graph& graph, const Target& target) { return simplify(graph, false, false, &target); }

Graph run_one(Graph graph, const Pass& pass, const PassOptions& options, const Target& target) {
  const auto run = options.off.contains(pass.switched) ? pass.when_off : pass.run;
  return run ? verified(run(graph, target), pass.name) : graph;
}

}  // namespace

const std::vector<Pass>& passes() {
  static const std::vector<Pass> all = {
      {"simplify", "simplify", merged, expanded},
      {"fuse", "fuse", fuse},
      {"attach_epilogues", "fuse", attach_epilogues},
      {"attach_consumers", "fuse", attach_consumers},
  };
  return all;
}

void extend_passes(const Target& target, Pass pass) { extensions()[&target].push_back(pass); }

Graph run_passes(const Graph& source, const PassOptions& options, const Target& target) {
  Graph graph = source;
  for (const Pass& pass : passes()) graph = run_one(std::move(graph), pass, options, target);
  if (const auto more = extensions().find(&target); more != extensions().end()) {
    for (const Pass& pass : more->second) graph = run_one(std::move(graph), pass, options, target);
  }
  return graph;
}

}  // namespace pt
