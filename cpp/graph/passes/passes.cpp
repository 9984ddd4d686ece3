#include "graph/passes/passes.h"

#include <map>
#include <optional>

namespace pt {
namespace {

std::map<const Target*, std::vector<Pass>>& extensions() {
  static auto& of_target = *new std::map<const Target*, std::vector<Pass>>;
  return of_target;
}

Graph merged(const Graph& graph, const Target& target) { return simplify(graph, true, false, &target); }
Graph expanded(const Graph& graph, const Target& target) { return simplify(graph, false, false, &target); }

// The list, and what a target has added to it.
std::vector<Pass> passes_for(const Target& target) {
  std::vector<Pass> all = passes();
  if (const auto more = extensions().find(&target); more != extensions().end())
    all.insert(all.end(), more->second.begin(), more->second.end());
  return all;
}

}  // namespace

const std::vector<Pass>& passes() {
  static const std::vector<Pass> all = {
      {"simplify", "simplify", merged, expanded},
      {"cast_together", "fuse", cast_together},
      {"fuse", "fuse", fuse},
      {"attach_epilogues", "fuse", attach_epilogues},
      {"attach_consumers", "fuse", attach_consumers},
  };
  return all;
}

void extend_passes(const Target& target, Pass pass) { extensions()[&target].push_back(pass); }

std::vector<std::string> pass_names() {
  std::vector<std::string> names;
  for (const Pass& pass : passes()) names.emplace_back(pass.name);
  for (const auto& [target, more] : extensions()) {
    for (const Pass& pass : more) names.emplace_back(pass.name);
  }
  for (std::string& name : rewrite_rules()) names.push_back(std::move(name));
  return names;
}

Graph run_passes(const Graph& source, const PassOptions& options, const Target& target) {
  const RewritesOff left_out(options.off);
  std::optional<Graph> made;
  for (const Pass& pass : passes_for(target)) {
    const bool off = options.off.contains(pass.switched) || options.off.contains(pass.name);
    const auto run = off ? pass.when_off : pass.run;
    if (run) made = verified(run(made ? *made : source, target), pass.name);
  }
  return made ? std::move(*made) : source;
}

}  // namespace pt
