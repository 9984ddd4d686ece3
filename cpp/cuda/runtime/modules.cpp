#include "cuda/runtime/modules.h"

#include <cstdio>
#include <mutex>

#include "cuda/products.h"
#include "cuda/runtime/images.h"
#include "cuda/runtime/printed.h"

namespace pt::cuda {

Function& Modules::function(int32_t kernel) {
  const auto number = static_cast<std::size_t>(kernel);
  {
    const std::shared_lock lock(busy_);
    if (number < by_number_.size() && by_number_[number]) return *by_number_[number];
  }
  const std::unique_lock lock(busy_);
  return find_or_add(kernel);
}

bool Modules::compile(const LaunchPlan& plan) {
  for (const Launch& launch : plan.launches) {
    const int32_t kernel = static_cast<const LaunchDesc*>(launch.desc.data())->kernel;
    if (!printed_source(kernel)) continue;
    const std::unique_lock lock(busy_);
    if (refused_.contains(kernel)) return false;
    try {
      find_or_add(kernel);
    } catch (const KernelError& error) {
      if (refused_.empty()) {
        std::fprintf(stderr, "[%s] a step computes by the interpreter, which is slower than its own kernels: %s\n",
                     context_.name.c_str(), error.what());
      }
      refused_.insert(kernel);
      return false;
    }
  }
  return true;
}

Function& Modules::find_or_add(int32_t kernel) {
  const auto number = static_cast<std::size_t>(kernel);
  if (number < by_number_.size() && by_number_[number]) return *by_number_[number];
  const std::string& name = kernel_name(kernel);
  const CUfunction handle = find(kernel);
  Function& function = functions_.emplace_back();
  function.name = &name;
  function.handle = handle;
  function.foreign = foreign_kernel(kernel) != nullptr;
  function.library = is_library_kernel(kernel);
  if (by_number_.size() <= number) by_number_.resize(number + 1);
  return *(by_number_[number] = &function);
}

CUfunction Modules::find(int32_t kernel) {
  const std::string& name = kernel_name(kernel);
  if (is_library_kernel(kernel)) return nullptr;
  if (const ForeignKernel* foreign = foreign_kernel(kernel)) return find_foreign(*foreign, name);
  const std::string* source = printed_source(kernel);
  if (!source) return find_in_library(name);
  CUfunction function = nullptr;
  const std::string image = printed_image(*source, name, context_.capability);
  const CUmodule module = load(image.data(), name + ", compiled by NVRTC");
  context_.check(context_.driver.cuModuleGetFunction(&function, module, name.c_str()), "looking for a printed kernel");
  return function;
}

// A plugin's, compiled as its options say and not as ours; or what another library has loaded already.
CUfunction Modules::find_foreign(const ForeignKernel& kernel, const std::string& name) {
  if (kernel.handle) return reinterpret_cast<CUfunction>(kernel.handle);
  const std::string image = plugin_image(kernel.source, kernel.function, context_.capability, kernel.options);
  const CUmodule module = load(image.data(), text("the kernel ", name, ", compiled by NVRTC"));
  CUfunction function = nullptr;
  const CUresult result = context_.driver.cuModuleGetFunction(&function, module, kernel.function.c_str());
  if (result == CUDA_ERROR_NOT_FOUND) {
    throw KernelError(text("[cuda ", kernel.function,
                           "] compiled, it has no function of that name; expected extern \"C\" "
                           "__global__ void ",
                           kernel.function, "(...); declare it outside of namespaces and of what #if leaves out"));
  }
  if (result != CUDA_SUCCESS) context_.fail(result, "looking for the kernel " + name);
  return function;
}

CUfunction Modules::find_in_library(const std::string& name) {
  static constexpr Image kSimulated[] = {{"the simulator", "PTSIM"}, {nullptr, nullptr}};  // which has its own kernels
  const Image* images = context_.driver.simulated ? kSimulated : kImages;
  if (!images->source) {
    throw Error(text("[", context_.name,
                     "] this build of powertrain-cuda is for the simulator alone; expected kernels "
                     "for GPUs; build it by make cuda, or set POWERTRAIN_CUDA_DRIVER=sim"));
  }
  for (std::size_t i = 0; images[i].source; ++i) {
    if (loaded_.size() == i)
      loaded_.push_back(load(images[i].data, text(images[i].source, ", compiled by CUDA ", version_text(kToolkit))));
    CUfunction function = nullptr;
    const CUresult result = context_.driver.cuModuleGetFunction(&function, loaded_[i], name.c_str());
    if (result == CUDA_SUCCESS) return function;
    if (result != CUDA_ERROR_NOT_FOUND) context_.fail(result, "looking for the kernel " + name);
  }
  throw Error(text("[", context_.name, "] the library holds no kernel ", name,
                   "; expected one for each plan; install "
                   "powertrain-cuda again"));
}

CUmodule Modules::load(const void* image, const std::string& what) {
  CUmodule module = nullptr;
  const CUresult result = context_.driver.cuModuleLoadData(&module, image);
  if (result == CUDA_ERROR_NO_BINARY_FOR_GPU || result == CUDA_ERROR_UNSUPPORTED_PTX_VERSION ||
      result == CUDA_ERROR_INVALID_IMAGE || result == CUDA_ERROR_INVALID_PTX) {
    throw KernelError(text("[", context_.name, "] ", describe(context_.driver, result), " while loading ", what,
                           ", into a driver for CUDA ", version_text(context_.driver.version), " on ",
                           context_.description, "; expected a driver that takes it; update NVIDIA's driver"));
  }
  if (result != CUDA_SUCCESS) context_.fail(result, "loading " + what);
  return module;
}

void Modules::prepare(Function& function, const LaunchDesc& desc) {
  if (desc.shared_bytes <= function.shared_bytes.load(std::memory_order_relaxed)) return;
  const std::unique_lock lock(busy_);
  if (desc.shared_bytes <= function.shared_bytes.load(std::memory_order_relaxed)) return;
  const CUresult result = context_.driver.cuFuncSetAttribute(
      function.handle, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, static_cast<int>(desc.shared_bytes));
  if (result != CUDA_SUCCESS) {
    context_.fail(result, text("giving ", desc.shared_bytes, " bytes of shared memory to the kernel ", *function.name));
  }
  function.shared_bytes.store(desc.shared_bytes, std::memory_order_relaxed);
}

}  // namespace pt::cuda
