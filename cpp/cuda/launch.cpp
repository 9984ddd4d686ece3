#include "cuda/launch.h"

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "core/error.h"
#include "cuda/foreign.h"
#include "cuda/products.h"

namespace pt::cuda {
namespace {

constexpr std::size_t kMostParamsBytes = 3500;

struct Named {
  std::string name, source;  // the source of a printed one
  std::unique_ptr<ForeignKernel> foreign = nullptr;
  bool library = false;
};

// What tells two foreign kernels of one name apart.
std::string key_of(const std::string& name, const ForeignKernel& kernel) {
  std::string key = text("plugin ", name, "\n", kernel.function, "\n", kernel.handle);
  for (const std::string& option : kernel.options) key += "\n" + option;
  return key + "\n" + kernel.source;
}

struct Names {
  std::mutex busy;
  std::deque<Named> kernels;  // by number; addresses stay
  std::map<std::string, int32_t, std::less<>> numbers;

  int32_t number(const std::string& name, std::string source, bool library = false) {
    const std::lock_guard lock(busy);
    const auto [at, is_new] = numbers.try_emplace(name, static_cast<int32_t>(kernels.size()));
    if (is_new) kernels.push_back({name, std::move(source), nullptr, library});
    return at->second;
  }
  int32_t foreign_number(const std::string& name, ForeignKernel kernel) {
    const std::lock_guard lock(busy);
    const auto [at, is_new] = numbers.try_emplace(key_of(name, kernel), static_cast<int32_t>(kernels.size()));
    if (is_new) kernels.push_back({name, "", std::make_unique<ForeignKernel>(std::move(kernel))});
    return at->second;
  }
  const Named& of(int32_t number) {
    const std::lock_guard lock(busy);
    if (number < 0 || number >= static_cast<int32_t>(kernels.size())) {
      throw Error(text("[cuda] kernel number ", number, "; expected one of the ", kernels.size(),
                       " that were given out; take it from kernel_number"));
    }
    return kernels[number];
  }
};

Names& names() {
  static auto& all = *new Names;  // devices may run while the process ends
  return all;
}

std::atomic<bool>& printing() {
  static std::atomic<bool> allowed = false;
  return allowed;
}

}  // namespace

int32_t kernel_number(const std::string& name) { return names().number(name, ""); }
int32_t printed_kernel_number(const std::string& name, std::string source) {
  return names().number(name, std::move(source));
}
int32_t library_kernel_number(const std::string& name) { return names().number(name, "", true); }
int32_t foreign_kernel_number(const std::string& name, ForeignKernel kernel) {
  return names().foreign_number(name, std::move(kernel));
}
const ForeignKernel* foreign_kernel(int32_t number) { return names().of(number).foreign.get(); }
bool is_library_kernel(int32_t number) { return names().of(number).library; }
const std::string& kernel_name(int32_t number) { return names().of(number).name; }
const std::string* printed_source(int32_t number) {
  const Named& kernel = names().of(number);
  return kernel.source.empty() ? nullptr : &kernel.source;
}

void allow_printed_kernels(bool allow) { printing() = allow; }
bool printed_kernels_allowed() { return printing(); }

Launch make_launch(int32_t kernel, const Geometry& geometry, const void* params, std::size_t params_bytes, int operands,
                   double bytes, double flops) {
  const std::string& name = kernel_name(kernel);
  if (params_bytes > kMostParamsBytes || operands > kMostOperands) {
    throw KernelError(text("[cuda ", name, "] ", operands, " operands and ", params_bytes,
                           " bytes of parameters; expected at most ", kMostOperands, " and ", kMostParamsBytes,
                           "; make several launches of it"));
  }
  LaunchDesc desc{};
  desc.kernel = kernel;
  desc.operands = operands;
  desc.params_bytes = static_cast<int32_t>(params_bytes);
  const auto& [grid, block, shared_bytes] = geometry;
  desc.grid[0] = grid.x, desc.grid[1] = grid.y, desc.grid[2] = grid.z;
  desc.block[0] = block.x, desc.block[1] = block.y, desc.block[2] = block.z;
  desc.shared_bytes = shared_bytes;
  std::vector<char> all(sizeof(desc) + params_bytes);
  std::memcpy(all.data(), &desc, sizeof(desc));
  std::memcpy(all.data() + sizeof(desc), params, params_bytes);
  Launch launch;
  launch.kernel = name;
  launch.desc = Descriptor::from_bytes(all.data(), all.size());
  launch.chunks = int64_t{desc.grid[0]} * desc.grid[1] * desc.grid[2];
  launch.bytes = bytes;
  launch.flops = flops;
  return launch;
}

Launch library_launch(const std::string& kernel, LibraryLaunch params, const Launch& own, int operands) {
  std::vector<char> all(sizeof(params) + own.desc.size());
  std::memcpy(all.data(), &params, sizeof(params));
  std::memcpy(all.data() + sizeof(params), own.desc.data(), own.desc.size());
  return make_launch(library_kernel_number(kernel), {}, all.data(), all.size(), operands, own.bytes, own.flops);
}

}  // namespace pt::cuda
