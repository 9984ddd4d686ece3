#include "ops/rewrite.h"

#include <map>

namespace pt {
namespace {

// By name, so that link order is never visible. Never destroyed, as the registry of ops.
std::map<std::string, RewriteFn>& rules() {
  static auto& all = *new std::map<std::string, RewriteFn>;
  return all;
}

}  // namespace

Rewrite::Rewrite(const std::string& name, RewriteFn rule) { rules()[name] = std::move(rule); }

Tensors rewritten(const GraphCall& call, GraphAround& around) {
  for (const auto& [name, rule] : rules()) {
    if (Tensors made = rule(call, around); !made.empty()) return made;
  }
  return {};
}

}  // namespace pt
