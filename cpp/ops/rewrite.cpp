#include "ops/rewrite.h"

#include <map>

#include "ops/rewrite_rules.h"

namespace pt {
namespace {

// By name, so that link order is never visible. Never destroyed, as the registry of ops.
std::map<std::string, RewriteFn>& rules() {
  static auto& all = *new std::map<std::string, RewriteFn>;
  return all;
}

thread_local const SwitchedOff* off = nullptr;

}  // namespace

Rewrite::Rewrite(const std::string& name, RewriteFn rule) { rules()[name] = std::move(rule); }

Tensors rewritten(const GraphCall& call, GraphAround& around) {
  for (const auto& [name, rule] : rules()) {
    if (off && off->contains(name)) continue;
    if (Tensors made = rule(call, around); !made.empty()) return made;
  }
  return {};
}

std::vector<std::string> rewrite_rules() {
  std::vector<std::string> names;
  for (const auto& [name, rule] : rules()) names.push_back(name);
  return names;
}

RewritesOff::RewritesOff(const SwitchedOff& names) : saved_(off) { off = &names; }
RewritesOff::~RewritesOff() { off = saved_; }

}  // namespace pt
