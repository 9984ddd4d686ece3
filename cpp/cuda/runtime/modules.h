// Kernels on one device, found by their numbers (cuda/launch.h). Images are loaded when a kernel of them is asked for.
#pragma once
#include <deque>
#include <set>
#include <shared_mutex>
#include <vector>

#include "cuda/foreign.h"
#include "cuda/launch.h"
#include "cuda/runtime/context.h"

namespace pt::cuda {

struct Function {
  const std::string* name;
  CUfunction handle = nullptr;
  bool foreign = false;                          // of foreign.h: takes its arguments one by one
  bool library = false;                          // a product by cuBLASLt: there is no handle
  std::atomic<uint32_t> shared_bytes{48 << 10};  // dynamic, that a launch may ask for
};

class Modules {
 public:
  explicit Modules(Context& context) : context_(context) {}
  // Compiles a printed kernel, too. Not while a stream is captured.
  Function& function(int32_t kernel);
  // Whether all printed kernels of a plan compile and load here. The first reason why not is told on stderr. Not while
  // a stream is captured.
  bool compile(const LaunchPlan& plan);
  // What a launch needs beyond the usual. Not while a stream is captured.
  void prepare(Function& function, const LaunchDesc& desc);

 private:
  Function& find_or_add(int32_t kernel);
  CUfunction find(int32_t kernel);
  CUfunction find_in_library(const std::string& name);
  CUfunction find_foreign(const ForeignKernel& kernel, const std::string& name);
  CUmodule load(const void* image, const std::string& what);

  Context& context_;
  std::shared_mutex busy_;
  std::vector<Function*> by_number_;
  std::deque<Function> functions_;
  std::vector<CUmodule> loaded_;  // of kImages, the first ones
  std::set<int32_t> refused_;     // printed kernels that do not compile or load
};

}  // namespace pt::cuda
