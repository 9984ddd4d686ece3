// A compiled step: a flat list of instructions over one arena and a table of bases. Running it decides nothing and
// allocates nothing.
#pragma once
#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/lock.h"
#include "graph/graph.h"
#include "graph/passes/options.h"
#include "program/layout.h"
#include "program/sharing.h"

namespace pt {

// The arena that the programs of one function share, since only one of them runs at a time.
struct Arena {
  BufferRef buffer;
  Lock busy;  // held by the run; what a program changes while it runs belongs to it too
  char* reserve(Device& device, int64_t bytes);
};

// The leases of all slots that a program reads or writes: each base slot once, in the order of addresses, so that two
// runs never wait for each other.
class SlotLeases {
 public:
  // Waits for other runs; afterwards no value is elsewhere and every slot is whole.
  void acquire(const std::vector<SlotRef>& slots, const std::vector<bool>& written);
  void release();
  ~SlotLeases() { release(); }

  struct Home {
    SlotRef slot;  // a base slot
    bool written;
  };
  const std::vector<Home>& homes() const { return homes_; }
  std::vector<SlotRef> written() const;

 private:
  void find_homes(const std::vector<SlotRef>& slots, const std::vector<bool>& written);
  bool acquire_once();
  std::vector<Home> homes_;
  uint64_t homes_version_ = 0;
  std::size_t held_ = 0;  // of homes_
  uint32_t process_ = 0;
};

class Program {
 public:
  // `source` is the graph as it was traced; it is kept to explain a failure.
  Program(Graph source, const PassOptions& options, std::shared_ptr<Arena> arena, const PlanContext& context);

  // Inputs are row-major. Throws for a tripped guard that does not skip its phase, after naming what went wrong.
  Tensors run(const Tensors& inputs, RunReport* report = nullptr);
  // The same, with the results in memory of the caller's: one of the program's device for each, and apart from the
  // inputs. After an error it holds anything.
  Tensors run_into(const std::vector<BufferRef>& results, const Tensors& inputs, RunReport* report = nullptr);
  // So many runs, one for each entry along the first axis of the inputs; the results come with such an axis too. What
  // throws in one of them leaves what those before it did.
  Tensors run_each(const Tensors& inputs, int64_t calls, RunReport* report = nullptr);
  // Within the run of a program around it, at the caller's addresses: a program of inputs and results alone, without
  // phases. Whoever calls holds the program and has begun a run of the device, and lends workspace_bytes.
  void run_at(Run& run, std::span<char* const> inputs, std::span<char* const> results, char* workspace);
  std::unique_lock<Lock> hold() { return std::unique_lock(arena_->busy); }
  int64_t workspace_bytes() const { return std::max<int64_t>(layout_.arena_bytes, 64); }
  bool any_parallel() const { return any_parallel_; }
  bool reads_flags() const { return reads_flags_; }
  const PlanContext& context() const { return context_; }
  // What is done around each instruction, which it carries out by calling what it is given.
  using Around = std::function<void(const Instruction&, const std::function<void()>& carry_out)>;
  // One run without an end: on another device, or seen instruction by instruction.
  void replay(const Tensors& inputs, Device& device, const Around& around = nullptr);

  std::string describe() const;
  // What takes most memory, for an error: "slot weight 4 MB, matmul at model.py:12 2 MB".
  std::string largest_parts() const;
  // Why a launch is as it is, as far as its planner and the passes say; may be empty.
  std::string note(int launch) const;
  const Graph& source() const { return source_; }
  const Graph& graph() const { return graph_; }
  const Layout& layout() const { return layout_; }
  const std::vector<Instruction>& instructions() const { return instructions_; }
  double total_flops() const { return total_flops_; }
  // Seconds that each instruction took in one run.
  std::vector<double> profile(const Tensors& inputs);
  // Of one run: for each instruction that threads shared, on which processor each of its chunks ran.
  std::vector<std::vector<int32_t>> places(const Tensors& inputs);

 private:
  struct OperandRef {
    int base;
    int64_t offset;
  };
  void build_instructions();
  std::size_t bytes_of(int value) const;
  TensorType stacked(int value, int64_t calls) const;
  BufferRef result_buffer(int result);
  std::vector<BufferRef> result_buffers(int64_t calls);
  char* where_it_runs(const Tensor& input);
  void bind(const Tensors& inputs, const std::vector<BufferRef>& results);
  void move_on();
  void check_place(const Slot& slot) const;
  void bind_slots(std::size_t first_base);
  void place_operands();
  int64_t play_others(int64_t calls, RunReport& ran);
  Tensors run_calls(const Tensors& inputs, int64_t calls, bool each, RunReport* report,
                    const std::vector<BufferRef>* into = nullptr);
  [[noreturn]] void fail(const Tensors& inputs, const RunReport& ran, const std::string& behind = "");
  void carry_out_all(Run& run, const Around& around);
  RunReport execute(Device& device, bool shares, const Around& around = nullptr);
  RunReport execute_timed();
  RunReport play();

  Graph source_, graph_;
  PlanContext context_;
  Layout layout_;
  Device& device_;
  std::shared_ptr<Arena> arena_;
  SlotLeases leases_;
  std::vector<Instruction> instructions_;
  std::vector<OperandRef> operands_;
  std::vector<char*> bases_, data_;
  std::vector<std::vector<BufferRef>> spare_results_;  // per result: buffers that callers may have let go of
  Tensors moved_inputs_;                               // of the last run: copies of what was in another memory
  double total_micros_ = 0, total_flops_ = 0;
  bool any_parallel_ = false;
  Sharing sharing_;
  bool open_ended_ = false;
  bool reads_flags_ = false;

  // What the device keeps of a run, by all the addresses that it was given. Made when these come for the second time.
  struct Kept {
    std::vector<char*> data;
    std::unique_ptr<Recording> recording;
  };
  std::deque<Kept> kept_;  // the last used one first
};

// Runs the traced graph again, op by op, and tells which one made a non-finite number out of finite ones. `slots` are
// the values of the graph's slots after the run.
std::string explain_trip(const Graph& source, const Tensors& inputs, const Tensors& slots, const RunReport& ran);
// For the end of an error's text.
std::string what_was_committed(const Graph& source, const RunReport& ran);

}  // namespace pt
