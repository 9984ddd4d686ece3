// A compiled step: a flat list of instructions over one arena and a table of bases. Running it decides nothing and
// allocates nothing.
#pragma once
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "core/device.h"
#include "graph/graph.h"
#include "graph/passes/passes.h"
#include "program/layout.h"

namespace pt {

// The arena that the programs of one function share, since only one of them runs at a time.
struct Arena {
  BufferRef buffer;
  std::mutex busy;
  char* reserve(Device& device, int64_t bytes);
};

enum class OnTrip { Error, Skip };

struct RunReport {
  int tripped_phase = -1;  // the phase whose guard tripped
  uint32_t status = 0;
};

class Program {
 public:
  // `source` is the graph as it was traced; it is kept to explain a failure.
  Program(Graph source, const PassOptions& options, Device& device, std::shared_ptr<Arena> arena,
          const PlanContext& context);

  // Inputs are row-major. Throws for a tripped guard under OnTrip::Error, after naming what went wrong.
  Tensors run(const Tensors& inputs, OnTrip on_trip, RunReport* report = nullptr);
  // Within the run of a program around it, at the caller's addresses: a program of inputs and results alone, without
  // phases. Whoever calls holds the program and the device.
  void run_at(std::span<char* const> inputs, std::span<char* const> results, uint32_t* status);
  std::unique_lock<std::mutex> hold() { return std::unique_lock(arena_->busy); }
  bool any_parallel() const { return any_parallel_; }
  // The same instruction list on another device; for tests.
  void replay(const Tensors& inputs, Device& device);

  std::string describe() const;
  const Graph& source() const { return source_; }
  const Graph& graph() const { return graph_; }
  const Layout& layout() const { return layout_; }
  const std::vector<Instruction>& instructions() const { return instructions_; }
  double total_micros() const { return total_micros_; }
  double total_flops() const { return total_flops_; }
  // Seconds that each instruction took in one run.
  std::vector<double> profile(const Tensors& inputs);

 private:
  struct OperandRef {
    int base;
    int64_t offset;
  };
  void build_instructions();
  BufferRef result_buffer(int result);
  std::vector<BufferRef> bind(const Tensors& inputs);
  void place_operands();
  void mark_written();
  int execute(Device& device, uint32_t* status, OnTrip on_trip);

  Graph source_, graph_;
  PlanContext context_;
  Layout layout_;
  Device& device_;
  std::shared_ptr<Arena> arena_;
  std::vector<Instruction> instructions_;
  std::vector<OperandRef> operands_;
  std::vector<char*> bases_, data_;
  std::vector<std::vector<BufferRef>> spare_results_;  // per result: buffers that callers may have let go of
  double total_micros_ = 0, total_flops_ = 0;
  bool any_parallel_ = false;
};

// Runs the traced graph again, op by op, and tells which one made a non-finite number out of finite ones.
std::string explain_trip(const Graph& source, const Tensors& inputs, uint32_t status);

}  // namespace pt
