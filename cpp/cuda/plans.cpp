#include "cuda/plans.h"

#include <map>

namespace pt::cuda {
namespace {

// Filled while the library loads, and only read after that.
std::map<std::string, CudaPlan, std::less<>>& plans() {
  static auto& all = *new std::map<std::string, CudaPlan, std::less<>>;
  return all;
}

std::map<std::string, CudaEpilogue, std::less<>>& epilogues() {
  static auto& all = *new std::map<std::string, CudaEpilogue, std::less<>>;
  return all;
}

template <class Plan>
const Plan* found_in(const std::map<std::string, Plan, std::less<>>& all, std::string_view op) {
  const auto found = all.find(op);
  return found == all.end() ? nullptr : &found->second;
}
template <class Plan>
std::vector<std::string> names_in(const std::map<std::string, Plan, std::less<>>& all) {
  std::vector<std::string> names;
  for (const auto& [name, plan] : all) names.push_back(name);
  return names;
}

}  // namespace

bool on_cuda(std::string op, CudaPlan plan) { return plans().emplace(std::move(op), std::move(plan)).second; }

bool on_cuda(std::string op, CudaEpilogue epilogue) {
  return epilogues().emplace(std::move(op), std::move(epilogue)).second;
}

const CudaPlan* cuda_plan(std::string_view op) { return found_in(plans(), op); }
const CudaEpilogue* cuda_epilogue(std::string_view op) { return found_in(epilogues(), op); }
std::vector<std::string> cuda_ops() { return names_in(plans()); }
std::vector<std::string> cuda_followed() { return names_in(epilogues()); }

}  // namespace pt::cuda
