// Entry points: modules, functions and launches.
#include <cstring>

#include "cuda/sim/driver/images.h"
#include "cuda/sim/driver/state.h"
#include "cuda/sim/plain.h"
#include "cuda/sim/simulate.h"

using namespace pt::simdriver;
using pt::cuda::Geometry;
using pt::cuda::sim::Kernel;
using pt::cuda::sim::PlainKernel;

namespace {

constexpr unsigned kMostThreads = 1024, kMostGridY = 65535;
constexpr int kMostParameterBytes = 4096;

// Those of a plain kernel are among its arguments.
size_t operand_bytes(const Kernel& kernel) {
  return pt::cuda::sim::find_plain(&kernel) ? 0 : (size_t(kernel.operands) + 2) * sizeof(uint64_t);
}

Module& module_of(CUmodule handle) { return expect_live(driver().modules, handle, "module"); }

CUmodule load(const void* image) {
  forbid_in_capture();
  expect(image, CUDA_ERROR_INVALID_VALUE, "the image is null");
  const void* library = load_image(image);
  if (!library) refuse(CUDA_ERROR_INVALID_IMAGE);
  auto module = std::make_unique<Module>();
  module->context = &current();
  module->library = library;
  return reinterpret_cast<CUmodule>(add_live(driver().modules, std::move(module)));
}

// What a card refuses.
void expect_geometry(const Function& function, const Geometry& geometry) {
  const Kernel& kernel = *function.kernel;
  const unsigned grid[] = {geometry.grid.x, geometry.grid.y, geometry.grid.z};
  const unsigned block[] = {geometry.block.x, geometry.block.y, geometry.block.z};
  for (int axis = 0; axis < 3; ++axis) {
    const unsigned most_blocks = axis ? kMostGridY : 0x7FFFFFFF, most_threads = axis == 2 ? 64 : kMostThreads;
    if (grid[axis] < 1 || grid[axis] > most_blocks)
      misuse(CUDA_ERROR_INVALID_VALUE, "%s: %u blocks along axis %d; expected 1 to %u", kernel.name, grid[axis], axis,
             most_blocks);
    if (block[axis] < 1 || block[axis] > most_threads)
      misuse(CUDA_ERROR_INVALID_VALUE, "%s: %u threads along axis %d; expected 1 to %u", kernel.name, block[axis], axis,
             most_threads);
  }
  const uint64_t threads = uint64_t(block[0]) * block[1] * block[2];
  if (threads > kMostThreads)
    misuse(CUDA_ERROR_INVALID_VALUE, "%s: a block of %llu threads; expected at most %u", kernel.name,
           static_cast<unsigned long long>(threads), kMostThreads);
  if (threads > uint64_t(kernel.most_threads))
    misuse(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "%s: a block of %llu threads; its launch bounds are %d", kernel.name,
           static_cast<unsigned long long>(threads), kernel.most_threads);
  if (geometry.shared_bytes > unsigned(function.most_shared))
    misuse(CUDA_ERROR_INVALID_VALUE,
           "%s: %u bytes of dynamic shared memory; expected at most %d, or cuFuncSetAttribute before", kernel.name,
           geometry.shared_bytes, function.most_shared);
  if (operand_bytes(kernel) + size_t(kernel.params_bytes) > kMostParameterBytes)
    misuse(CUDA_ERROR_INVALID_VALUE, "%s: %zu bytes of parameters; expected at most %d", kernel.name,
           operand_bytes(kernel) + size_t(kernel.params_bytes), kMostParameterBytes);
}

// Why an address is nothing that a kernel may use, or an empty text.
std::string problem_of(const Context& context, uint64_t address) {
  Space& space = driver().space;
  if (!address || space.find_pinned(reinterpret_cast<const void*>(address))) return "";
  const Block* block = space.is_device(address) ? space.find(address) : nullptr;
  if (!block) return space.describe(address);
  Context* owner = driver().contexts[size_t(block->device)].get();
  return owner == &context || context.peers.count(owner) ? "" : space.describe(address);
}

std::string operand_name(const Kernel& kernel, size_t at) {
  if (at < size_t(kernel.operands)) return "operand " + std::to_string(at);
  return at == size_t(kernel.operands) ? "the status" : "the halted word";
}

// The addresses among the arguments of a plain kernel.
template <class F>
void for_each_address(const Kernel& kernel, std::vector<char>& block, F f) {
  const PlainKernel* plain = pt::cuda::sim::find_plain(&kernel);
  for (int at = 0; plain && at < plain->count; ++at) {
    if (!plain->arguments[at].address) continue;
    char* place = &block[size_t(plain->arguments[at].at)];
    uint64_t address;
    std::memcpy(&address, place, sizeof address);
    f(at, address);
    std::memcpy(place, &address, sizeof address);
  }
}

struct Launch {
  const Kernel* kernel;
  Geometry geometry;
  std::vector<uint64_t> operands;  // then the status, then the halted word
  std::vector<char> params;
};

void run(const Launch& launch, Context& context) {
  Driver& all = driver();
  const uint64_t number = ++all.counters.kernels_run;
  if (number == all.settings.lose_device_at_launch) throw Fault{CUDA_ERROR_LAUNCH_FAILED};
  std::vector<uint64_t> operands = launch.operands;
  for (size_t at = 0; at < operands.size(); ++at) {
    const std::string problem = problem_of(context, operands[at]);
    if (!problem.empty()) {
      note_misuse("%s, carried out now: %s is %s; expected memory that is kept until the work is done",
                  launch.kernel->name, operand_name(*launch.kernel, at).c_str(), problem.c_str());
      throw Fault{CUDA_ERROR_ILLEGAL_ADDRESS};
    }
    if (all.space.is_device(operands[at])) operands[at] = reinterpret_cast<uint64_t>(all.space.shadow(operands[at]));
  }
  std::vector<char> params = launch.params;
  for_each_address(*launch.kernel, params, [&](int at, uint64_t& address) {
    const std::string problem = problem_of(context, address);
    if (!problem.empty()) {
      note_misuse("%s, carried out now: argument %d is %s; expected memory that is kept until the work is done",
                  launch.kernel->name, at, problem.c_str());
      throw Fault{CUDA_ERROR_ILLEGAL_ADDRESS};
    }
    if (all.space.is_device(address)) address = reinterpret_cast<uint64_t>(all.space.shadow(address));
  });
  pt::cuda::sim::Failure failure;
  const pt::cuda::sim::Checks checks{.order = uint32_t(all.pick(UINT32_MAX))};
  if (pt::cuda::sim::simulate(*launch.kernel, launch.geometry, operands.data(), params.data(), &failure, checks))
    return;
  note_misuse("%s", failure.text.c_str());
  throw Fault{CUDA_ERROR_LAUNCH_FAILED};
}

void launch_plain(Stream& stream, const PlainKernel& plain, Launch launch, void** parameters) {
  const Kernel& kernel = *launch.kernel;
  launch.params.resize(size_t(kernel.params_bytes));
  for (int at = 0; at < plain.count; ++at) {
    expect(parameters && parameters[at], CUDA_ERROR_INVALID_VALUE, "an argument of the kernel is null");
    std::memcpy(&launch.params[size_t(plain.arguments[at].at)], parameters[at], size_t(plain.arguments[at].bytes));
  }
  for_each_address(kernel, launch.params, [&](int at, uint64_t& address) {
    const std::string problem = problem_of(*stream.context, address);
    if (!problem.empty())
      misuse(CUDA_ERROR_INVALID_VALUE, "%s: argument %d is %s; expected allocated memory of device %d, or null",
             kernel.name, at, problem.c_str(), stream.context->device);
  });
  ++driver().counters.launches;
  enqueue(stream, CU_GRAPH_NODE_TYPE_KERNEL, kernel.name,
          [launch = std::move(launch)](Context& context) { run(launch, context); });
}

}  // namespace

CUresult CUDAAPI cuModuleLoadData(CUmodule* module, const void* image) {
  return answer(__func__, Needs::kContext, [&] { out(module, "module") = load(image); });
}

// The options are for a compiler that is not needed here.
CUresult CUDAAPI cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned int, CUjit_option*, void**) {
  return answer(__func__, Needs::kContext, [&] { out(module, "module") = load(image); });
}

CUresult CUDAAPI cuModuleUnload(CUmodule handle) {
  return answer(__func__, Needs::kContext, [&] {
    forbid_in_capture();
    driver().modules.erase(&module_of(handle));
  });
}

CUresult CUDAAPI cuModuleGetLoadingMode(CUmoduleLoadingMode* mode) {
  return answer(__func__, Needs::kInit, [&] { out(mode, "mode") = CU_MODULE_EAGER_LOADING; });
}

CUresult CUDAAPI cuModuleGetFunction(CUfunction* handle, CUmodule module_handle, const char* name) {
  return answer(__func__, Needs::kContext, [&] {
    Module& module = module_of(module_handle);
    expect(name, CUDA_ERROR_INVALID_VALUE, "the name is null");
    const Kernel* kernel = pt::cuda::sim::find_kernel(name);
    while (kernel && library_of(reinterpret_cast<const void*>(kernel->run)) != module.library)
      kernel = pt::cuda::sim::find_kernel(name, kernel);
    if (!kernel) refuse(CUDA_ERROR_NOT_FOUND);
    for (auto& known : module.functions)
      if (known->kernel == kernel) {
        out(handle, "function") = reinterpret_cast<CUfunction>(known.get());
        return;
      }
    auto function = std::make_unique<Function>();
    function->kernel = kernel;
    function->module = &module;
    out(handle, "function") = reinterpret_cast<CUfunction>(function.get());
    module.functions.push_back(std::move(function));
  });
}

CUresult CUDAAPI cuFuncGetAttribute(int* value, CUfunction_attribute attribute, CUfunction handle) {
  return answer(__func__, Needs::kContext, [&] {
    const Function& function = function_of(handle);
    switch (attribute) {
      case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
        out(value, "value") = function.kernel->most_threads;
        return;
      case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
        out(value, "value") = function.most_shared;
        return;
      default:
        refuse(CUDA_ERROR_NOT_SUPPORTED);  // what only a compiler for GPUs knows
    }
  });
}

CUresult CUDAAPI cuFuncSetAttribute(CUfunction handle, CUfunction_attribute attribute, int value) {
  return answer(__func__, Needs::kContext, [&] {
    Function& function = function_of(handle);
    if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) return;
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) refuse(CUDA_ERROR_NOT_SUPPORTED);
    const int most = most_shared_bytes(driver().settings);
    if (value < 0 || value > most)
      misuse(CUDA_ERROR_INVALID_VALUE, "%s: %d bytes of shared memory; the device has %d", function.kernel->name, value,
             most);
    function.most_shared = value;
  });
}

CUresult CUDAAPI cuFuncGetParamInfo(CUfunction handle, size_t index, size_t* offset, size_t* bytes) {
  return answer(__func__, Needs::kContext, [&] {
    const Kernel& kernel = *function_of(handle).kernel;
    if (const PlainKernel* plain = pt::cuda::sim::find_plain(&kernel)) {
      if (index >= size_t(plain->count)) refuse(CUDA_ERROR_INVALID_VALUE);
      out(offset, "offset") = size_t(plain->arguments[index].at);
      if (bytes) *bytes = size_t(plain->arguments[index].bytes);
      return;
    }
    if (index > 1) refuse(CUDA_ERROR_INVALID_VALUE);
    out(offset, "offset") = index ? operand_bytes(kernel) : 0;
    if (bytes) *bytes = index ? size_t(kernel.params_bytes) : operand_bytes(kernel);
  });
}

CUresult CUDAAPI cuLaunchKernel(CUfunction handle, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z,
                                unsigned int block_x, unsigned int block_y, unsigned int block_z,
                                unsigned int shared_bytes, CUstream stream_handle, void** parameters, void** extra) {
  return answer(__func__, Needs::kContext, [&] {
    const Function& function = function_of(handle);
    const Kernel& kernel = *function.kernel;
    Stream& stream = stream_of(stream_handle);
    if (function.module->context != stream.context)
      misuse(CUDA_ERROR_INVALID_HANDLE, "%s was loaded for device %d; the stream is of device %d", kernel.name,
             function.module->context->device, stream.context->device);
    if (extra) refuse(CUDA_ERROR_NOT_SUPPORTED);
    Launch launch{&kernel, {{grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared_bytes}, {}, {}};
    expect_geometry(function, launch.geometry);
    if (const PlainKernel* plain = pt::cuda::sim::find_plain(&kernel)) {
      launch_plain(stream, *plain, std::move(launch), parameters);
      return;
    }
    expect(parameters && parameters[0] && parameters[1], CUDA_ERROR_INVALID_VALUE,
           "a kernel has two parameters: its operands and its struct");
    launch.operands.resize(operand_bytes(kernel) / sizeof(uint64_t));
    std::memcpy(launch.operands.data(), parameters[0], operand_bytes(kernel));
    const char* params = static_cast<const char*>(parameters[1]);
    launch.params.assign(params, params + kernel.params_bytes);
    for (size_t at = 0; at < launch.operands.size(); ++at) {
      const std::string problem = problem_of(*stream.context, launch.operands[at]);
      if (!problem.empty())
        misuse(CUDA_ERROR_INVALID_VALUE, "%s: %s is %s; expected allocated memory of device %d, or null", kernel.name,
               operand_name(kernel, at).c_str(), problem.c_str(), stream.context->device);
    }
    expect(launch.operands[size_t(kernel.operands)] != 0, CUDA_ERROR_INVALID_VALUE, "the status is null");
    ++driver().counters.launches;
    enqueue(stream, CU_GRAPH_NODE_TYPE_KERNEL, kernel.name,
            [launch = std::move(launch)](Context& context) { run(launch, context); });
  });
}
