#include "cuda/runtime/table.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "abi/powertrain.h"
#include "cuda/foreign.h"
#include "cuda/launch.h"
#include "cuda/plans.h"
#include "cuda/runtime/border.h"
#include "cuda/runtime/call.h"
#include "cuda/runtime/gpu.h"
#include "cuda/runtime/nvrtc.h"
#include "cuda/runtime/run.h"

namespace pt::cuda {

namespace {

Gpu& gpu_of(void* self) { return *static_cast<Gpu*>(self); }
Run& run_of(void* run) { return *static_cast<Run*>(run); }
CUdeviceptr device_address(const char* address) { return reinterpret_cast<CUdeviceptr>(address); }

// With the device's context, in a process that may use it.
template <class Body>
bool on(Gpu& gpu, PtdFailure* failure, Body body) noexcept {
  return answer(failure, [&] {
    gpu.context.check_usable();
    const Current current(gpu.context);
    body();
  });
}

// What has no way to fail does nothing in a forked child, or once the device is lost.
template <class Body>
void quietly_on(Gpu& gpu, Body body) noexcept {
  PtdFailure ignored;
  if (gpu.context.usable()) on(gpu, &ignored, body);
}

bool allocate(void* self, size_t bytes, char** address, PtdFailure* failure) {
  return on(gpu_of(self), failure, [&] { *address = gpu_of(self).memory.allocate(bytes); });
}

void free_memory(void* self, char* address, size_t) {
  Gpu& gpu = gpu_of(self);
  if (!gpu.context.usable()) return;
  if (gpu.uploads.memory().holds(address)) {
    quietly_on(gpu, [&] { gpu.uploads.free(address); });
  } else {
    gpu.memory.free(address);
  }
}

bool copy(void* self, char* to, const char* from, size_t bytes, PtdFailure* failure) {
  Context& context = gpu_of(self).context;
  return on(gpu_of(self), failure, [&] {
    if (bytes == 0) return;
    context.check(context.driver.cuMemcpyDtoDAsync(device_address(to), device_address(from), bytes, context.stream),
                  "copying within the device");
  });
}

bool fill(void* self, char* to, int32_t value, size_t bytes, PtdFailure* failure) {
  Context& context = gpu_of(self).context;
  return on(gpu_of(self), failure, [&] {
    if (bytes == 0) return;
    context.check(
        context.driver.cuMemsetD8Async(device_address(to), static_cast<unsigned char>(value), bytes, context.stream),
        "filling memory");
  });
}

bool copy_in(void* self, char* to, const char* host, size_t bytes, PtdFailure* failure) {
  return on(gpu_of(self), failure, [&] { gpu_of(self).staging.copy_in(to, host, bytes); });
}

bool copy_out(void* self, char* host, const char* from, size_t bytes, PtdFailure* failure) {
  return on(gpu_of(self), failure, [&] { gpu_of(self).staging.copy_out(host, from, bytes); });
}

bool send(void* self, const char* const* host, const size_t* bytes, int32_t count, char** addresses, void** sent,
          PtdFailure* failure) {
  Gpu& gpu = gpu_of(self);
  return on(gpu, failure, [&] { *sent = gpu.uploads.send(host, bytes, count, addresses, gpu.memory); });
}

bool receive(void* self, void* sent, PtdFailure* failure) {
  return on(gpu_of(self), failure, [&] { gpu_of(self).uploads.receive(static_cast<CUevent>(sent)); });
}

void usage(void* self, PtdUsage* usage) {
  *usage = {};
  if (!gpu_of(self).context.usable()) return;
  const PtdUsage work = gpu_of(self).memory.usage(), arriving = gpu_of(self).uploads.memory().usage();
  *usage = {work.total, work.used_by_tensors + arriving.used_by_tensors, work.kept_in_cache + arriving.kept_in_cache,
            work.peak + arriving.peak};
}

void trim(void* self) {
  quietly_on(gpu_of(self), [&] {
    gpu_of(self).memory.trim();
    gpu_of(self).uploads.memory().trim();
  });
}

void forget_peak(void* self) {
  gpu_of(self).memory.forget_peak();
  gpu_of(self).uploads.memory().forget_peak();
}

bool wait(void* self, PtdFailure* failure) {
  return on(gpu_of(self), failure, [&] { gpu_of(self).context.wait(); });
}

bool let_follow(void* self, uint64_t stream, PtdFailure* failure) {
  return on(gpu_of(self), failure, [&] { gpu_of(self).others.let_follow(stream); });
}

bool follow(void* self, uint64_t stream, PtdFailure* failure) {
  return on(gpu_of(self), failure, [&] { gpu_of(self).others.follow(stream); });
}

bool wait_for_all(void* self, PtdFailure* failure) {
  return on(gpu_of(self), failure, [&] { gpu_of(self).others.wait_for_all(); });
}

int32_t device_of(void* self, const char* address) {
  int32_t ordinal = -1;
  quietly_on(gpu_of(self), [&] { ordinal = gpu_of(self).others.device_of(address); });
  return ordinal;
}

bool begin(void* self, void** run, PtdFailure* failure) {
  return on(gpu_of(self), failure, [&] { *run = new Run(gpu_of(self), false); });
}

bool record(void* self, void** run, PtdFailure* failure) {
  return on(gpu_of(self), failure, [&] { *run = new Run(gpu_of(self), true); });
}

bool launch(void* run, const void* desc, char* const* data, int32_t n_data, bool commits, PtdFailure* failure) {
  return on(run_of(run).gpu(), failure, [&] { run_of(run).launch(desc, data, n_data, commits); });
}

bool guard(void* run, int32_t phase, bool forgives, PtdFailure* failure) {
  return on(run_of(run).gpu(), failure, [&] { run_of(run).guard(phase, forgives); });
}

bool commit(void* run, bool writes, PtdFailure* failure) {
  return on(run_of(run).gpu(), failure, [&] { run_of(run).commit(writes); });
}

bool flag(void* run, const char* address, bool* value, PtdFailure* failure) {
  return on(run_of(run).gpu(), failure, [&] { *value = run_of(run).flag(address); });
}

// A forked child leaves what is the parent's alone, locks among it.
void abandon(void* run) {
  if (run_of(run).gpu().context.in_its_process()) delete &run_of(run);
}

bool finish(void* run, PtdOutcome* outcome, PtdFailure* failure) {
  const bool done = on(run_of(run).gpu(), failure, [&] { run_of(run).finish(outcome); });
  abandon(run);
  return done;
}

bool keep(void* run, void** recording, PtdFailure* failure) {
  const bool done = on(run_of(run).gpu(), failure, [&] { *recording = run_of(run).keep().release(); });
  abandon(run);
  return done;
}

bool play(void* self, void* recording, PtdOutcome* outcome, PtdFailure* failure) {
  return on(gpu_of(self), failure, [&] { static_cast<Recording*>(recording)->play(outcome); });
}

void forget(void* self, void* recording) {
  quietly_on(gpu_of(self), [&] { delete static_cast<Recording*>(recording); });
}

// Gives what `planned(printed)` makes; without printed kernels where one cannot be compiled.
template <class Planned>
void give_compiled(Gpu& gpu, bool printed, const PtdPlan& plan, const Planned& planned) {
  LaunchPlan launches = planned(printed);
  if (printed && !gpu.modules.compile(launches)) launches = planned(false);
  give_plan(launches, plan);
}

bool plan(void* self, const char* op, const PtdOperand* in, int32_t n_in, const PtdOperand* out, int32_t n_out,
          const PtdAttribute* attributes, int32_t n_attributes, bool printed, const PtdPlan* plan,
          PtdFailure* failure) {
  Gpu& gpu = gpu_of(self);
  return on(gpu, failure, [&] {
    const CudaPlan* planned = cuda_plan(op);
    if (!planned) {
      throw NotPlanned(text("[", op,
                            "] has no plan for CUDA; expected one of the ops that the device lists; use what "
                            "the op is composed of"));
    }
    const std::vector<Operand> inputs = operands_of(in, n_in), outputs = operands_of(out, n_out);
    const Attrs attrs = attrs_of(attributes, n_attributes);
    give_compiled(gpu, printed, *plan, [&](bool by_print) {
      return (*planned)(
          {inputs, outputs, attrs, gpu.context.capability, gpu.context.units, by_print, gpu.products->for_plans()});
    });
  });
}

bool plan_fused_program(void* self, const PtdFused* program, const PtdPlan* plan, PtdFailure* failure) {
  Gpu& gpu = gpu_of(self);
  return on(gpu, failure, [&] {
    const FusedProgram fused = program_of(*program);
    give_compiled(gpu, program->printed, *plan, [&](bool by_print) {
      return plan_fused(fused, gpu.context.capability, gpu.context.units, by_print);
    });
  });
}

const CudaEpilogue& epilogue_of(const char* op) {
  const CudaEpilogue* epilogue = cuda_epilogue(op);
  if (!epilogue) {
    throw NotPlanned(text("[", op, "] is followed by no program on CUDA; expected one of the ops that the device ",
                          "lists for that; run the program by itself"));
  }
  return *epilogue;
}

// No context is needed: what is asked is a question of shapes.
bool takes_epilogue(void*, const char* op, const PtdOperand* in, int32_t n_in, const PtdOperand* result,
                    const PtdAttribute* attributes, int32_t n_attributes, const PtdFused* program,
                    PtdFailure* failure) {
  bool takes = false;
  std::string why;
  const bool answered = answer(failure, [&] {
    const std::vector<Operand> inputs = operands_of(in, n_in), results = operands_of(result, 1);
    const Attrs attrs = attrs_of(attributes, n_attributes);
    const FusedProgram behind = program_of(*program);
    takes = epilogue_of(op).takes({inputs, results[0], behind, attrs}, &why);
    if (!takes) throw Error(why);
  });
  return answered && takes;
}

bool plan_epilogue(void* self, const char* op, const PtdOperand* in, int32_t n_in, const PtdOperand* result,
                   const PtdAttribute* attributes, int32_t n_attributes, const PtdFused* program, const PtdPlan* plan,
                   PtdFailure* failure) {
  Gpu& gpu = gpu_of(self);
  return on(gpu, failure, [&] {
    const std::vector<Operand> inputs = operands_of(in, n_in), results = operands_of(result, 1);
    const Attrs attrs = attrs_of(attributes, n_attributes);
    const FusedProgram behind = program_of(*program);
    const CudaEpilogue& epilogue = epilogue_of(op);
    give_compiled(gpu, program->printed, *plan, [&](bool by_print) {
      return epilogue.plan({inputs, results[0], behind, attrs, gpu.context.capability, gpu.context.units, by_print,
                            gpu.products->for_plans()});
    });
  });
}

void geometry(const void* desc, PtdGeometry* geometry) {
  const auto& launch = *static_cast<const LaunchDesc*>(desc);
  std::copy_n(launch.grid, 3, geometry->grid);
  std::copy_n(launch.block, 3, geometry->block);
  geometry->shared_bytes = launch.shared_bytes;
}

// It is compiled here, so that what is wrong with it is known before anything runs.
bool plan_kernel(void* self, const PtdKernel* given, const PtdPlan* plan, PtdFailure* failure) {
  return on(gpu_of(self), failure, [&] {
    ForeignKernel kernel{given->function, given->source ? given->source : "", {}, given->handle};
    kernel.options.assign(given->options, given->options + given->n_options);
    if (given->n_parameters >= kMostForeignArguments) {
      throw KernelError(text("[", given->name, "] it has ", given->n_parameters, " parameters; expected fewer than ",
                             kMostForeignArguments, "; compute what can be known before"));
    }
    const int32_t number = foreign_kernel_number(given->name, std::move(kernel));
    gpu_of(self).modules.function(number);
    std::vector<uint64_t> arguments{static_cast<uint64_t>(given->elements)};
    for (int i = 0; i < given->n_parameters; ++i) arguments.push_back(std::bit_cast<uint64_t>(given->parameters[i]));
    const auto threads = static_cast<uint32_t>(given->threads);
    LaunchPlan made;
    made.launches.push_back(make_launch(number,
                                        {.grid = {blocks_for(given->elements, threads, INT32_MAX)}, .block = {threads}},
                                        arguments.data(), 8 * arguments.size(), given->n_operands, 0, 0));
    give_plan(made, *plan);
  });
}

// Names stay where they are.
std::vector<const char*>& kept(std::vector<std::string> names) {
  auto& all = *new std::vector<std::string>(std::move(names));
  auto& addresses = *new std::vector<const char*>;
  for (const std::string& name : all) addresses.push_back(name.c_str());
  return addresses;
}

Gpu& opened(int32_t ordinal) {
  static auto& busy = *new std::mutex;
  static auto& gpus = *new std::map<int32_t, std::unique_ptr<Gpu>>;
  driver();  // first: a forked child ends here, whoever held the lock
  const std::lock_guard lock(busy);
  std::unique_ptr<Gpu>& gpu = gpus[ordinal];
  if (!gpu) gpu = std::make_unique<Gpu>(ordinal);
  return *gpu;
}

}  // namespace

PtdDevice device_table(int32_t ordinal) {
  Gpu& gpu = opened(ordinal);
  allow_printed_kernels(Nvrtc::find() != nullptr);
  PtdDevice table{};
  table.layout = POWERTRAIN_DEVICE_LAYOUT;
  table.bytes = sizeof(PtdDevice);
  table.name = gpu.context.name.c_str();
  table.description = gpu.context.description.c_str();
  table.self = &gpu;
  table.allocate = allocate;
  table.free = free_memory;
  table.copy = copy;
  table.fill = fill;
  table.copy_in = copy_in;
  table.copy_out = copy_out;
  table.send = send;
  table.receive = receive;
  table.usage = usage;
  table.trim = trim;
  table.forget_peak = forget_peak;
  table.begin = begin;
  table.launch = launch;
  table.guard = guard;
  table.commit = commit;
  table.flag = flag;
  table.finish = finish;
  table.wait = wait;
  table.record = record;
  table.keep = keep;
  table.play = play;
  table.forget = forget;
  table.abandon = abandon;
  table.dlpack_type = PT_CUDA;
  table.dlpack_ordinal = ordinal;
  table.stream = reinterpret_cast<uint64_t>(gpu.context.stream);
  table.let_follow = let_follow;
  table.follow = follow;
  table.wait_for_all = wait_for_all;
  table.device_of = device_of;
  static const auto &ops = kept(cuda_ops()), &followed = kept(cuda_followed());
  table.ops = ops.data();
  table.n_ops = static_cast<int32_t>(ops.size());
  table.limits = fused_limits();
  table.plan = plan;
  table.plan_fused = plan_fused_program;
  table.followed = followed.data();
  table.n_followed = static_cast<int32_t>(followed.size());
  table.takes_epilogue = takes_epilogue;
  table.plan_epilogue = plan_epilogue;
  table.geometry = geometry;
  table.plan_kernel = plan_kernel;
  return table;
}

}  // namespace pt::cuda
