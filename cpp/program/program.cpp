#include "program/program.h"

#include <chrono>

#include "core/control_flow.h"
#include "core/interpreter.h"
#include "graph/passes/passes.h"
#include "ops/check_true/status.h"
#include "ops/recorder.h"
#include "parallel/pool.h"

namespace pt {
namespace {

constexpr std::size_t kSpareResults = 4;
constexpr std::size_t kRecordings = 8;

class ReleaseAtEnd {
 public:
  explicit ReleaseAtEnd(SlotLeases& leases) : leases_(leases) {}
  ~ReleaseAtEnd() { leases_.release(); }
  ReleaseAtEnd(const ReleaseAtEnd&) = delete;
  ReleaseAtEnd& operator=(const ReleaseAtEnd&) = delete;

 private:
  SlotLeases& leases_;
};

}  // namespace

char* Arena::reserve(Device& device, int64_t bytes) {
  const bool here = buffer && &buffer->memory() == &device.memory();
  if (!here || static_cast<int64_t>(buffer->bytes()) < bytes)
    buffer = Buffer::allocate(static_cast<std::size_t>(bytes), device.memory());
  return buffer->address();
}

Program::Program(Graph source, const PassOptions& options, std::shared_ptr<Arena> arena, const PlanContext& context)
    : source_(std::move(source)),
      graph_(run_passes(source_, options, *context.target)),
      context_(context),
      layout_(lower(graph_, context_)),
      device_(context.target->device()),
      arena_(std::move(arena)) {
  for (Tensor& constant : graph_.constants) constant = constant.in(device_.memory());
  build_instructions();
  spare_results_.resize(graph_.results.size());
}

void Program::build_instructions() {
  // Bases: the arena, then constants, slots, inputs, results.
  const auto constants = static_cast<int>(graph_.constants.size());
  const auto slots = static_cast<int>(graph_.slots.size());
  const auto inputs = static_cast<int>(graph_.inputs.size());
  auto base_of = [&](const Storage& storage) {
    switch (storage.home) {
      case Home::Arena:
        return 0;
      case Home::Constant:
        return 1 + storage.index;
      case Home::Slot:
        return 1 + constants + storage.index;
      case Home::Input:
        return 1 + constants + slots + storage.index;
      case Home::Result:
        return 1 + constants + slots + inputs + storage.index;
    }
    return 0;
  };
  bases_.resize(1 + constants + slots + inputs + graph_.results.size());
  for (std::size_t i = 0; i < layout_.launches.size(); ++i) {
    const PlannedLaunch& planned = layout_.launches[i];
    Instruction instruction = context_.target->bind(planned.launch, context_);
    instruction.operand_begin = static_cast<int32_t>(operands_.size());
    instruction.operand_count = static_cast<int16_t>(planned.operands.size());
    instruction.phase = planned.phase;
    instruction.commits = planned.commits;
    instruction.launch = static_cast<int32_t>(i);
    for (const PlacedOperand& operand : planned.operands) {
      if (operand.storage < 0) {
        operands_.push_back({-1, 0});
        continue;
      }
      const Storage& storage = layout_.storages[operand.storage];
      int64_t offset = operand.byte_offset;
      if (storage.home == Home::Arena) offset += storage.arena_offset;
      if (storage.home != Home::Arena && storage.parent >= 0) offset += storage.parent_offset;
      operands_.push_back({base_of(storage), offset});
    }
    any_parallel_ = any_parallel_ || pt::any_parallel(instruction);
    open_ended_ = open_ended_ || instruction.control;
    reads_flags_ = reads_flags_ || pt::reads_flags(instruction);
    total_micros_ += instruction.micros;
    total_flops_ += planned.launch.flops;
    instructions_.push_back(instruction);
  }
  data_.resize(operands_.size());
}

// The buffers of the results of so many calls, one behind the other.
std::vector<BufferRef> Program::result_buffers(int64_t calls) {
  std::vector<BufferRef> results;
  results.reserve(graph_.results.size());
  for (std::size_t r = 0; r < graph_.results.size(); ++r) {
    results.push_back(calls == 1 ? result_buffer(static_cast<int>(r))
                                 : Buffer::allocate(bytes_of(graph_.results[r]) * calls, device_.memory()));
  }
  return results;
}

std::size_t Program::bytes_of(int value) const {
  const TensorType& type = graph_.values[value].type;
  return static_cast<std::size_t>(count(type.shape)) * size_of(type.dtype);
}

BufferRef Program::result_buffer(int result) {
  auto& spare = spare_results_[result];
  for (BufferRef& buffer : spare) {
    if (buffer.use_count() == 1) return buffer;
  }
  BufferRef fresh = Buffer::allocate(bytes_of(graph_.results[result]), device_.memory());
  if (spare.size() < kSpareResults) spare.push_back(fresh);
  return fresh;
}

// The address of an input, or of its copy if it is in another memory.
char* Program::where_it_runs(const Tensor& input) {
  if (&input.impl().buffer->memory() == &device_.memory()) return input.address();
  return moved_inputs_.emplace_back(moved(input, device_.memory())).address();
}

// Points every operand at this run's memory.
void Program::bind(const Tensors& inputs, const std::vector<BufferRef>& results) {
  std::size_t b = 0;
  bases_[b++] = arena_->reserve(device_, layout_.arena_bytes);
  for (const Tensor& constant : graph_.constants) bases_[b++] = constant.address();
  bind_slots(b);
  b += graph_.slots.size();
  moved_inputs_.clear();
  for (const Tensor& input : inputs) bases_[b++] = where_it_runs(input);
  for (const BufferRef& result : results) bases_[b++] = result->address();
  place_operands();
}

// From one call to the next, whose inputs and results lie behind those of this one.
void Program::move_on() {
  std::size_t b = 1 + graph_.constants.size() + graph_.slots.size();
  for (const int input : graph_.inputs) bases_[b++] += bytes_of(input);
  for (const int result : graph_.results) bases_[b++] += bytes_of(result);
  place_operands();
}

// A model lies where its user put it; a step takes no part of it elsewhere.
void Program::check_place(const Slot& slot) const {
  if (slot.travels || &slot.memory() == &device_.memory()) return;
  throw Error(text("[", slot.label(), "] lies on ", slot.memory().computes_here->name(), ", and the step runs on ",
                   context_.target->name(), "; expected both on one device; move the slot, or what the step is given"));
}

// Nobody can read what is written here before the leases are released, so that the slots count as changed already.
void Program::bind_slots(std::size_t first_base) {
  Memory& memory = device_.memory();
  for (const SlotRef& slot : graph_.slots) check_place(*slot);
  for (const SlotLeases::Home& home : leases_.homes())
    home.written ? home.slot->writable(memory) : home.slot->readable(memory);
  for (std::size_t s = 0; s < graph_.slots.size(); ++s) {
    Slot& slot = *graph_.slots[s];
    Slot& home = slot.base() ? *slot.base() : slot;
    bases_[first_base + s] = home.address() + slot.offset() * static_cast<int64_t>(size_of(slot.type().dtype));
  }
}

void Program::place_operands() {
  for (std::size_t i = 0; i < operands_.size(); ++i) {
    data_[i] = operands_[i].base < 0 ? nullptr : bases_[operands_[i].base] + operands_[i].offset;
  }
}

void Program::run_at(Run& run, std::span<char* const> inputs, std::span<char* const> results, char* workspace) {
  std::size_t b = 0;
  bases_[b++] = workspace;
  for (const Tensor& constant : graph_.constants) bases_[b++] = constant.address();
  for (char* input : inputs) bases_[b++] = input;
  for (char* result : results) bases_[b++] = result;
  place_operands();
  for (const Instruction& instruction : instructions_) {
    carry_out(run, instruction, data_.data() + instruction.operand_begin);
  }
}

void Program::carry_out_all(Run& run, const Around& around) {
  const auto carry_out_some = [&](int begin, int end, bool commits) {
    for (int i = begin; i < end; ++i) {
      const Instruction& instruction = instructions_[i];
      if (instruction.commits && !commits) continue;
      char* const* data = data_.data() + instruction.operand_begin;
      if (around) {
        around(instruction, [&] { carry_out(run, instruction, data); });
      } else {
        carry_out(run, instruction, data);
      }
    }
  };
  for (std::size_t p = 0; p < layout_.phases.size(); ++p) {
    const PlannedPhase& phase = layout_.phases[p];
    carry_out_some(phase.begin, phase.guard, true);
    const Guard guard = run.guard(static_cast<int>(p), phase.skips);
    if (guard == Guard::Tripped) break;
    // What the phase computes is read later, also where what it writes is left out.
    carry_out_some(phase.guard, phase.end, guard == Guard::Passed);
    if (guard == Guard::Passed) run.commit(phase.writes);
  }
}

RunReport Program::execute(Device& device, bool shares, const Around& around) {
  const DeviceRun run(device, shares);
  carry_out_all(*run, around);
  return run->finish();
}

RunReport Program::execute_timed() {
  if (!any_parallel_ || context_.threads == 1) return execute(device_, any_parallel_);
  const auto start = std::chrono::steady_clock::now();
  const RunReport report = execute(device_, sharing_.shares());
  sharing_.took(std::chrono::steady_clock::now() - start);
  return report;
}

// By the recording of a run at these addresses, where the device keeps such.
RunReport Program::play() {
  if (!device_.records()) return execute_timed();
  if (reads_flags_) return execute(device_, any_parallel_);
  const auto known = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.data == data_; });
  if (known == kept_.end()) {
    kept_.push_front({data_, nullptr});
    if (kept_.size() > kRecordings) kept_.pop_back();
    return execute(device_, any_parallel_);
  }
  std::rotate(kept_.begin(), known, known + 1);
  Kept& kept = kept_.front();
  if (!kept.recording) kept.recording = device_.record([&](Run& run) { carry_out_all(run, nullptr); });
  return kept.recording->play();
}

// In this order: the arena, the slots, then the interpreter's lock is let go of for a run that is worth it.
Tensors Program::run(const Tensors& inputs, RunReport* report) { return run_calls(inputs, 1, false, report); }

Tensors Program::run_into(const std::vector<BufferRef>& results, const Tensors& inputs, RunReport* report) {
  return run_calls(inputs, 1, false, report, &results);
}

Tensors Program::run_each(const Tensors& inputs, int64_t calls, RunReport* report) {
  if (!device_.records()) return run_calls(inputs, calls, true, report);
  // A recording is one of its addresses, so that every call reads and writes at the same ones.
  Memory& memory = device_.memory();
  Tensors here, outputs;
  for (const int input : graph_.inputs) here.push_back(Tensor::empty(graph_.values[input].type, memory));
  for (const int result : graph_.results) outputs.push_back(Tensor::empty(stacked(result, calls), memory));
  for (int64_t call = 0; call < calls; ++call) {
    for (std::size_t i = 0; i < here.size(); ++i) {
      const std::size_t bytes = bytes_of(graph_.inputs[i]);
      copy_bytes(memory, here[i].address(), inputs[i].impl().buffer->memory(), inputs[i].address() + call * bytes,
                 bytes);
    }
    const Tensors results = run(here, report);
    for (std::size_t r = 0; r < results.size(); ++r) {
      const std::size_t bytes = bytes_of(graph_.results[r]);
      memory.copy(outputs[r].address() + call * bytes, results[r].address(), bytes);
    }
  }
  return outputs;
}

TensorType Program::stacked(int value, int64_t calls) const {
  TensorType type = graph_.values[value].type;
  type.shape.insert(0, calls);
  return type;
}

// The calls behind the first one, as long as none fails; how many are done with it, and in `ran` how the last one went.
int64_t Program::play_others(int64_t calls, RunReport& ran) {
  StopWanted stop;
  int64_t done = 1;
  for (; done < calls && ran.status == 0; ++done) {
    move_on();
    if (stop.now()) {
      ran.status |= kStatusInterrupted;
    } else {
      ran = play();
    }
  }
  return done;
}

Tensors Program::run_calls(const Tensors& inputs, int64_t calls, bool each, RunReport* report,
                           const std::vector<BufferRef>* into) try {
  if (open_ended_) InsideRun::check_may_wait();
  const std::lock_guard arena(arena_->busy);
  const ReleaseAtEnd release(leases_);
  leases_.acquire(graph_.slots, layout_.slot_written);
  const std::vector<BufferRef> results = into ? *into : result_buffers(calls);
  bind(inputs, results);
  RunReport ran;
  int64_t done = 0;
  {
    const bool worth_it = total_micros_ * static_cast<double>(calls) >= kOutsideFromMicros;
    const OutsideInterpreter outside(open_ended_ || worth_it, !graph_.writes.empty());
    ran = play();
    done = calls == 1 ? 1 : play_others(calls, ran);
    if (ran.status == 0) leases_.release();
  }
  if (report) *report = ran;
  if (!graph_.writes.empty() && writes_are_noted()) keep_written(leases_.written());
  if (ran.status != 0) {
    if (!each) fail(inputs, ran);
    Tensors own;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const TensorType& type = graph_.values[graph_.inputs[i]].type;
      own.push_back(Tensor::view(inputs[i].impl().buffer, type, row_major(type.shape),
                                 inputs[i].impl().offset + (done - 1) * count(type.shape)));
    }
    fail(own, ran, text("; this was call ", done, " of ", calls, ", and what those before it did stays"));
  }
  Tensors outputs;
  for (std::size_t r = 0; r < results.size(); ++r) {
    const int value = graph_.results[r];
    const TensorType type = each ? stacked(value, calls) : graph_.values[value].type;
    outputs.push_back(Tensor::view(results[r], type, row_major(type.shape), 0));
  }
  return outputs;
} catch (const OutOfMemoryError& error) {
  throw OutOfMemoryError(text(error.what(), "; largest in this step: ", largest_parts()));
}

void Program::fail(const Tensors& inputs, const RunReport& ran, const std::string& behind) {
  if (ran.status & kStatusInterrupted) throw Interrupted("");
  if (ran.status & kStatusNoMemory) {
    throw OutOfMemoryError(
        "[memory] a loop or branch of the step asked for more than the system has free; expected room for what it "
        "computes; use a smaller batch or model; " +
        what_was_committed(source_, ran) + behind);
  }
  Tensors values;
  for (const SlotRef& slot : source_.slots) values.push_back(slot->current_held());
  // Where the step ran, op by op: numbers of another device could be others.
  Tensors given;
  for (const Tensor& input : inputs) given.push_back(moved(input, device_.memory()));
  leases_.release();  // these tensors keep their numbers, and shape rules of plugins are Python code
  const TargetScope scope(*context_.target);
  const std::string message = explain_trip(source_, given, values, ran) + behind;
  if (ran.status & kStatusNonFinite) throw GuardError(message);
  if (ran.status & kStatusPluginError) throw KernelError(message);
  if (ran.status & kStatusRefused) throw ShapeError(message);
  throw IndexError(message);
}

void Program::replay(const Tensors& inputs, Device& device, const Around& around) {
  if (open_ended_) InsideRun::check_may_wait();
  const std::lock_guard arena(arena_->busy);
  const ReleaseAtEnd release(leases_);
  leases_.acquire(graph_.slots, layout_.slot_written);
  const std::vector<BufferRef> results = result_buffers(1);
  bind(inputs, results);
  execute(device, any_parallel_, around);
}

std::vector<double> Program::profile(const Tensors& inputs) {
  std::vector<double> seconds(instructions_.size(), 0);
  replay(inputs, device_, [&](const Instruction& instruction, const std::function<void()>& carry_out) {
    const auto start = std::chrono::steady_clock::now();
    carry_out();
    device_.wait();
    seconds[instruction.launch] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  });
  return seconds;
}

std::vector<std::vector<int32_t>> Program::places(const Tensors& inputs) {
  static constexpr int32_t kNowhere = -1;
  std::vector<std::vector<int32_t>> places(instructions_.size());
  replay(inputs, device_, [&](const Instruction& instruction, const std::function<void()>& carry_out) {
    if (instruction.control) return carry_out();  // its programs' instructions are not this one's
    std::vector<int32_t>& of_chunks = places[instruction.launch];
    of_chunks.assign(static_cast<std::size_t>(instruction.chunks), kNowhere);
    {
      const PlacesNoted noted(of_chunks.data());
      carry_out();
    }
    if (!of_chunks.empty() && of_chunks[0] == kNowhere) of_chunks.clear();  // an instruction may have no chunks
  });
  return places;
}

}  // namespace pt
