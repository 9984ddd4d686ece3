#include "cuda/plans.h"

#include <map>

namespace pt::cuda {
namespace {

// Filled while the library loads, and only read after that.
std::map<std::string, CudaPlan, std::less<>>& plans() {
  static auto& all = *new std::map<std::string, CudaPlan, std::less<>>;
  return all;
}

}  // namespace

bool on_cuda(std::string op, CudaPlan plan) { return plans().emplace(std::move(op), std::move(plan)).second; }

const CudaPlan* cuda_plan(std::string_view op) {
  const auto found = plans().find(op);
  return found == plans().end() ? nullptr : &found->second;
}

std::vector<std::string> cuda_ops() {
  std::vector<std::string> names;
  for (const auto& [name, plan] : plans()) names.push_back(name);
  return names;
}

}  // namespace pt::cuda
