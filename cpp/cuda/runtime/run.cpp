#include "cuda/runtime/run.h"

#include <cstring>

namespace pt::cuda {
namespace {

constexpr std::size_t kMostArguments = kMostOperands + kMostForeignArguments;

CUdeviceptr device_address(const void* address) { return reinterpret_cast<CUdeviceptr>(address); }

void give(Gpu& gpu, CUstream stream, const Work& work, const void* params) {
  Context& context = gpu.context;
  const LaunchDesc& desc = work.desc;
  if (work.function->library)
    return gpu.products->multiply(*static_cast<const LibraryLaunch*>(params), work.operands.data(), stream);
  std::array<void*, kMostArguments> arguments{const_cast<const void**>(work.operands.data()),
                                              const_cast<void*>(params)};
  if (work.function->foreign) {
    std::size_t n = 0;
    for (int i = 0; i < desc.operands; ++i) arguments[n++] = const_cast<const void**>(&work.operands[i]);
    for (int at = 0; at < desc.params_bytes; at += 8)
      arguments[n++] = const_cast<char*>(static_cast<const char*>(params)) + at;
  }
  const CUresult result =
      context.driver.cuLaunchKernel(work.function->handle, desc.grid[0], desc.grid[1], desc.grid[2], desc.block[0],
                                    desc.block[1], desc.block[2], desc.shared_bytes, stream, arguments.data(), nullptr);
  if (result == CUDA_SUCCESS) return;
  context.fail(result, text("launching the kernel ", *work.function->name, " with a grid of ", desc.grid[0], " x ",
                            desc.grid[1], " x ", desc.grid[2], " blocks of ", desc.block[0], " x ", desc.block[1],
                            " x ", desc.block[2], " threads and ", desc.shared_bytes, " bytes of shared memory"));
}

void read_outcome(const char* at, PtdOutcome* outcome) {
  RunStatus run;
  std::memcpy(&run, at, sizeof(run));
  outcome->status = run.stopped ? run.stopped : run.forgiven ? 0 : run.status;
  outcome->tripped_phase = run.tripped - 1;
  outcome->committed_phases = run.committed;
}

}  // namespace

Run::~Run() {
  if (block_) (records_ ? gpu_.kept_blocks : gpu_.run_blocks).give_back(block_);
}

void Run::launch(const void* desc, char* const* data, int n_data, bool commits) {
  Work work;
  std::memcpy(&work.desc, desc, sizeof(work.desc));
  if (n_data > work.desc.operands) {
    throw Error(text("[", gpu_.context.name, "] the kernel ", kernel_name(work.desc.kernel), " was given ", n_data,
                     " operands; expected at most ", work.desc.operands, "; declare it for more, or plan for fewer"));
  }
  for (int i = 0; i < work.desc.operands; ++i) work.operands[i] = i < n_data ? data[i] : nullptr;
  work.function = &gpu_.modules.function(work.desc.kernel);
  if (commits && work.function->foreign) {
    throw Error(text("[", gpu_.context.name, "] the plugin's kernel ", kernel_name(work.desc.kernel),
                     " was to write a slot; expected its result in memory apart, since it knows nothing of guards; "
                     "please report it"));
  }
  const char* params = static_cast<const char*>(desc) + sizeof(LaunchDesc);
  if (work.function->library) {
    const auto& product = *reinterpret_cast<const LibraryLaunch*>(params);
    if (!LibraryProducts::takes(product, work.operands.data(), commits))
      return launch(params + sizeof(LibraryLaunch), data, product.own_operands, commits);
  }
  put(work, params, commits);
}

template <class Params>
void Run::launch_own(int32_t kernel, const Params& params) {
  Work work;
  work.desc = {.kernel = kernel,
               .operands = 1,
               .params_bytes = sizeof(Params),
               .grid = {1, 1, 1},
               .block = {1, 1, 1},
               .shared_bytes = 0};
  work.operands[0] = block_;
  work.function = &gpu_.modules.function(kernel);
  put(work, &params, false);
}

// To the stream, or to what is noted. Status and flag follow the operands.
void Run::put(Work& work, const void* params, bool commits) {
  work.operands[work.desc.operands] = &block_->status;
  work.operands[work.desc.operands + 1] = commits ? &block_->halted : nullptr;
  gpu_.modules.prepare(*work.function, work.desc);
  if (!records_) return give(gpu_, gpu_.context.stream, work, params);
  const auto* bytes = static_cast<const std::byte*>(params);
  noted_.push_back({work, {bytes, bytes + work.desc.params_bytes}});
}

void Run::guard(int32_t phase, bool forgives) {
  static const int32_t kernel = kernel_number("run_guard");
  launch_own(kernel, GuardParams{phase, forgives});
}

void Run::commit(bool writes) {
  static const int32_t kernel = kernel_number("run_commit");
  launch_own(kernel, CommitParams{writes});
}

bool Run::flag(const char* address) {
  Context& context = gpu_.context;
  if (records_) {
    throw Error(text("[", context.name,
                     "] a flag was asked for in a recording; expected nothing there to wait; run "
                     "loops with a condition and branches without one"));
  }
  const HeldSlot slot(gpu_.staging, 1);
  context.check(context.driver.cuMemcpyDtoHAsync(slot->at, device_address(address), 1, context.stream),
                "copying a flag from the device");
  gpu_.staging.mark(*slot);
  gpu_.staging.wait(*slot);
  return *slot->at != 0;
}

void Run::finish(PtdOutcome* outcome) {
  if (!outcome) return;
  Context& context = gpu_.context;
  const HeldSlot slot(gpu_.staging, sizeof(RunStatus));
  context.check(context.driver.cuMemcpyDtoHAsync(slot->at, device_address(block_), sizeof(RunStatus), context.stream),
                "copying the status of a run from the device");
  gpu_.staging.mark(*slot);
  gpu_.staging.wait(*slot);
  read_outcome(slot->at, outcome);
}

// The launches go to a stream of their own, which notes them: nothing runs, and nothing but launches stands there.
std::unique_ptr<Recording> Run::keep() {
  Context& context = gpu_.context;
  const Driver& driver = context.driver;
  HeldSlot outcome(gpu_.staging, sizeof(RunStatus));
  CUgraph graph = nullptr;
  {
    const std::lock_guard lock(gpu_.capture_busy);
    const CUstream stream = gpu_.capturing;
    context.check(driver.cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), "beginning a recording");
    try {
      context.check(driver.cuMemsetD8Async(device_address(block_), 0, sizeof(RunStatus), stream), "recording a fill");
      for (const Noted& noted : noted_) give(gpu_, stream, noted.work, noted.params.data());
      context.check(driver.cuMemcpyDtoHAsync(outcome->at, device_address(block_), sizeof(RunStatus), stream),
                    "recording a copy");
    } catch (...) {
      driver.cuStreamEndCapture(stream, &graph);
      if (graph) driver.cuGraphDestroy(graph);
      throw;
    }
    context.check(driver.cuStreamEndCapture(stream, &graph), "ending a recording");
  }
  CUgraphExec executable = nullptr;
  const CUresult result = driver.cuGraphInstantiateWithFlags(&executable, graph, 0);
  driver.cuGraphDestroy(graph);
  context.check(result, "making a graph of a recording");
  auto recording = std::make_unique<Recording>(gpu_, block_, executable, outcome.keep());
  block_ = nullptr;
  return recording;
}

void Recording::play(PtdOutcome* outcome) {
  Context& context = gpu_.context;
  context.check(context.driver.cuGraphLaunch(graph_, context.stream), "playing a recording");
  gpu_.staging.mark(outcome_);
  if (!outcome) return;
  gpu_.staging.wait(outcome_);
  read_outcome(outcome_.at, outcome);
}

// Once the last play is done.
Recording::~Recording() {
  Context& context = gpu_.context;
  if (context.driver.cuEventSynchronize(outcome_.done) != CUDA_SUCCESS) return;  // all is lost with the device
  context.driver.cuGraphExecDestroy(graph_);
  gpu_.kept_blocks.give_back(block_);
  gpu_.staging.give_back(outcome_);
}

}  // namespace pt::cuda
