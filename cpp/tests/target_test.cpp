// Targets: what they do not plan is expanded or refused; a step runs where its target says, with the CPU's bits.
#include "ops/target.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "check.h"
#include "fake_device.h"
#include "graph/autodiff.h"
#include "graph/passes/passes.h"
#include "graph/trace.h"
#include "ops/functional.h"
#include "ops/recorder.h"
#include "ops/tape.h"
#include "program/control.h"
#include "program/program.h"

namespace pt {
namespace {

using check::deferred_target;
using check::fake_target;

Tensor numbers(const Shape& shape, int seed) {
  Tensor t = Tensor::empty({DType::F32, shape});
  auto* x = reinterpret_cast<float*>(t.host());
  uint32_t state = static_cast<uint32_t>(seed) * 2654435761u + 1;
  for (int64_t i = 0; i < t.size(); ++i) {
    state = state * 1664525u + 1013904223u;
    x[i] = static_cast<float>(static_cast<int32_t>(state) >> 8) / (1 << 23);
  }
  return t;
}

Tensor labels(int64_t rows, int64_t classes) {
  Tensor t = Tensor::empty({DType::I64, {rows}});
  for (int64_t i = 0; i < rows; ++i) reinterpret_cast<int64_t*>(t.host())[i] = (7 * i + 3) % classes;
  return t;
}

std::string bits(const Tensor& tensor) {
  const Tensor here = tensor.in(host_memory());
  return {here.host(), static_cast<std::size_t>(here.size()) * size_of(here.dtype())};
}

using Loss = Tensor (*)(const Tensors& inputs, const Tensors& parameters);

Tensor mlp(const Tensors& in, const Tensors& p) {
  const Tensor hidden = fn::call("gelu", {fn::matmul(in[0], p[0]) + p[1]});
  return fn::call("mean", {fn::call("cross_entropy", {fn::matmul(hidden, p[2]) + p[3], in[1]})});
}

Tensor convnet(const Tensors& in, const Tensors& p) {
  const Tensor image = fn::call("relu", {fn::call("conv2d", {in[0], p[0], p[1]}, {{"padding", Ints{1, 1}}})});
  const Tensor pooled = fn::call("max_pool2d", {image}, {{"kernel_size", Ints{2, 2}}});
  const Shape& s = pooled.shape();
  const Tensor rows = fn::reshape(pooled, {s[0], s[1] * s[2] * s[3]});
  return fn::call("mean", {fn::call("cross_entropy", {fn::matmul(rows, p[2]) + p[3], in[1]})});
}

struct Step {
  std::vector<SlotRef> slots;
  Graph graph;
};

// A step of gradient descent with a guard and a momentum for each parameter.
Step traced(Loss loss, const Tensors& inputs, const std::vector<Shape>& shapes, bool skips = false) {
  Step step;
  Trace trace({.skips = skips});
  TraceScope scope(&trace);
  Tensors symbols, parameters;
  for (const Tensor& t : inputs) symbols.push_back(trace.input(t.type()));
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    step.slots.push_back(Slot::make(numbers(shapes[i], static_cast<int>(i)), text("p", i), true));
    step.slots.push_back(Slot::make(Tensor::full({DType::F32, shapes[i]}, 0), text("m", i), false));
    for (const SlotRef& slot : {step.slots[2 * i], step.slots[2 * i + 1]}) slot->move_to(current_target().memory());
    parameters.push_back(trace.read(step.slots[2 * i]));
  }
  const Tensor value = loss(symbols, parameters);
  const Tensors grads = gradients({value}, {Tensor::full(value.type(), 1)}, parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Tensor guarded = fn::call("guard", {grads[i]});
    const Tensor moment = 0.9 * trace.read(step.slots[2 * i + 1]) + guarded;
    trace.write(step.slots[2 * i + 1], moment);
    trace.write(step.slots[2 * i], parameters[i] - 0.1 * moment);
  }
  trace.end_phase();
  step.graph = trace.finish({value});
  return step;
}

// The losses of some steps, and the slots after them.
std::vector<std::string> trained(const Target& target, Loss loss, const Tensors& inputs,
                                 const std::vector<Shape>& shapes) {
  const TargetScope scope(target);
  const Step step = traced(loss, inputs, shapes);
  Program program(step.graph, {}, std::make_shared<Arena>(), current_plan_context());
  std::vector<std::string> all;
  for (int i = 0; i < 3; ++i) {
    const Tensor value = program.run(inputs)[0];
    CHECK(&value.impl().buffer->memory() == &target.memory());
    all.push_back(bits(value));
  }
  for (const SlotRef& slot : step.slots) all.push_back(bits(slot->current()));
  return all;
}

void same_bits_on_a_device(Loss loss, const Tensors& inputs, const std::vector<Shape>& shapes) {
  const int before = check::fake_device().runs;
  const std::vector<std::string> here = trained(cpu_target(), loss, inputs, shapes);
  CHECK_EQ(check::fake_device().runs, before);
  CHECK(here[0] != here[2]);
  CHECK(here == trained(fake_target(), loss, inputs, shapes));
  CHECK_EQ(check::fake_device().runs, before + 3);
  CHECK(here == trained(deferred_target(), loss, inputs, shapes));
}

// Steps with inputs of their own, in one call or one by one.
std::string trained_in_a_row(const Target& target, bool each) {
  const TargetScope scope(target);
  const Tensors first = {numbers({33, 20}, 11), labels(33, 10)};
  const Step step = traced(mlp, first, {{20, 47}, {47}, {47, 10}, {10}});
  Program program(step.graph, {}, std::make_shared<Arena>(), current_plan_context());
  constexpr int kCalls = 5;
  const Tensors stacked = {numbers({kCalls, 33, 20}, 11), Tensor::empty({DType::I64, {kCalls, 33}})};
  for (int call = 0; call < kCalls; ++call)
    std::memcpy(stacked[1].host() + call * 33 * 8, labels(33, 10 - call).host(), 33 * 8);
  std::string all;
  if (each) {
    const Tensor values = program.run_each(stacked, kCalls)[0];
    CHECK(values.shape() == Shape({kCalls}));
    all = bits(values);
  } else {
    for (int call = 0; call < kCalls; ++call) {
      Tensors one;
      for (std::size_t i = 0; i < stacked.size(); ++i) {
        const TensorType& type = first[i].type();
        one.push_back(Tensor::view(stacked[i].impl().buffer, type, row_major(type.shape), call * count(type.shape)));
      }
      all += bits(program.run(one)[0]);
    }
  }
  for (const SlotRef& slot : step.slots) all += bits(slot->current());
  return all;
}

void calls_in_a_row_on_a_device() {
  const std::string here = trained_in_a_row(cpu_target(), false);
  const int recordings = check::fake_device().recordings;
  const Target* targets[] = {&cpu_target(), &fake_target(), &deferred_target()};
  for (const Target* target : targets) CHECK(here == trained_in_a_row(*target, true));
  CHECK_EQ(check::fake_device().recordings, recordings);  // the other one records
}

void steps_on_a_device() {
  same_bits_on_a_device(mlp, {numbers({33, 20}, 11), labels(33, 10)}, {{20, 47}, {47}, {47, 10}, {10}});
  same_bits_on_a_device(convnet, {numbers({5, 9, 9, 3}, 12), labels(5, 4)},
                        {{3, 3, 3, 16}, {16}, {4 * 4 * 16, 4}, {4}});
}

// A scan, and a loop that asks after each round whether it goes on.
Graph loops() {
  Trace trace;
  TraceScope scope(&trace);
  const Tensor x = trace.input({DType::F32, {3}}), rows = trace.input({DType::F32, {5, 3}});
  const Tensors summed = scan(
      [](const Tensors& in) -> Tensors {
        const Tensor state = in[0] * 0.5 + in[1];
        return {state, fn::square(state)};
      },
      {x}, {rows}, 5, false);
  const Tensors halved = while_loop(
      [](const Tensors& in) -> Tensors {
        return {fn::call("greater", {fn::sum(in[0], Ints{0}, false), in[1]})};
      },
      [](const Tensors& in) -> Tensors {
        return {in[0] * 0.5, in[1]};
      },
      {fn::square(x) + 40.0, Tensor::scalar(1, DType::F32)});
  return trace.finish({summed[0], summed[1], halved[0]});
}

void loops_on_a_device() {
  const Graph graph = loops();
  const auto run = [&](const Target& target) {
    const TargetScope scope(target);
    Program program(graph, {}, std::make_shared<Arena>(), target.context());
    std::string all;
    for (const Tensor& t : program.run({numbers({3}, 8), numbers({5, 3}, 9)})) all += bits(t);
    return all;
  };
  CHECK(run(cpu_target()) == run(fake_target()));
  CHECK(run(cpu_target()) == run(deferred_target()));
}

// A call runs where its inputs are; what is drawn and made of nothing follows the current target.
void eager_calls_on_a_device(const Target& target) {
  const Tensor x = numbers({7, 5}, 1), w = numbers({5, 3}, 2);
  const auto call = [](const Tensor& a, const Tensor& b) { return fn::call("softmax", {fn::matmul(a, b) * 0.5}); };
  const auto lies_there = [&](const Tensor& t) { return &t.impl().buffer->memory() == &target.memory(); };
  const Tensor here = call(x, w);
  const Tensor x_there = moved(x, target.memory()), w_there = moved(w, target.memory());
  for (int i = 0; i < 3; ++i) {  // the third by what is kept of the second
    const Tensor there = call(x_there, w_there);
    CHECK(lies_there(there));
    CHECK(bits(there) == bits(here));
  }
  CHECK(lies_there(fn::call("permute_dims", {x_there}, {{"axes", Ints{1, 0}}})));
  CHECK_EQ(fn::sum(x_there, Ints{0, 1}, false).item(), fn::sum(x, Ints{0, 1}, false).item());
  CHECK(lies_there(fn::call("take", {x_there, labels(3, 5)}, {{"axis", int64_t{1}}})));
  Tensor bad = labels(3, 5);
  reinterpret_cast<int64_t*>(bad.host())[1] = 5;
  CHECK_THROWS(fn::call("take", {x_there, bad}, {{"axis", int64_t{1}}}), IndexError,
               "[take] received an index out of range; expected every index within the axis that it reads; check the "
               "labels or token ids against the size");
  const SlotRef generator = Slot::make(Tensor::empty({DType::I64, {3}}), "generator", false);
  for (int i = 0; i < 3; ++i) reinterpret_cast<int64_t*>(generator->current().host())[i] = i;
  const auto drawn = [&] { return draw("random_uniform", generator, {{"shape", Ints{4}}, {"dtype", DType::F32}}); };
  CHECK(!lies_there(drawn()));
  const TargetScope scope(target);
  CHECK(!lies_there(call(x, w)));
  CHECK(lies_there(drawn()));
}

// What the tape remembers lies where it was computed, and a gradient beside what it is of.
void gradients_on_a_device() {
  const Tensor x = numbers({4, 3}, 5);
  const auto slope = [](const Tensor& at) {
    const WatchScope watch({at});
    const TapeScope on(true);
    const Tensor y = fn::sum(fn::call("gelu", {at * 2.0}), Ints{0, 1}, false);
    return gradients({y}, {Tensor::full(y.type(), 1)}, {at})[0];
  };
  const Tensor there = moved(x, deferred_target().memory());
  const Tensor found = slope(there);
  CHECK(&found.impl().buffer->memory() == &deferred_target().memory());
  CHECK(bits(found) == bits(slope(x)));
}

void two_devices_are_refused() {
  const Tensor here = moved(numbers({2}, 1), fake_target().memory());
  const Tensor there = moved(numbers({2}, 1), deferred_target().memory());
  CHECK_THROWS(here + there, Error,
               "[add] received f32[2] on deferred beside tensors on fake; expected all on one device; move it there "
               "with .to('fake')");
}

void slots_stay_where_they_are() {
  const SlotRef slot = Slot::make(numbers({3}, 1), "w", true);
  slot->move_to(fake_target().memory());
  write_slot(slot, numbers({3}, 2));
  CHECK(&slot->memory() == &fake_target().memory());
  CHECK(bits(slot->current()) == bits(numbers({3}, 2)));
  Graph graph;
  {
    Trace trace;
    TraceScope scope(&trace);
    trace.write(slot, trace.read(slot) * 2.0);
    graph = trace.finish({});
  }
  Program program(graph, {}, std::make_shared<Arena>(), cpu_target().context());
  CHECK_THROWS(program.run({}), Error,
               "[slot w] lies on fake, and the step runs on cpu; expected both on one device; move the slot, or what "
               "the step is given");
}

void device_memory_is_closed() {
  const Tensor there = numbers({2, 3}, 1).in(fake_target().memory());
  CHECK_THROWS(there.host(), Error,
               "[memory] 24 bytes lie in fake memory and are read from the host; expected host memory; copy the tensor "
               "to the host first");
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);
    _exit(*there.address() == 0 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

// A phase that trips is explained by calls on the device.
void a_trip_is_explained(const Target& target) {
  const TargetScope scope(target);
  const Tensors inputs{Tensor::full({DType::F32, {4, 40}}, 3e38), labels(4, 2)};
  const Tensors rows{copied(inputs[0]), inputs[1]};
  const std::vector<Shape> shapes{{40, 8}, {8}, {8, 2}, {2}};
  const Step step = traced(mlp, rows, shapes), skipping = traced(mlp, rows, shapes, true);
  Program program(step.graph, {}, std::make_shared<Arena>(), current_plan_context());
  const std::string before = bits(step.slots[0]->current());
  for (int i = 0; i < 4; ++i) {  // where it is recorded, too
    std::string message;
    RunReport report;
    try {
      program.run(rows, &report);
    } catch (const GuardError& error) {
      message = error.what();
    }
    CHECK(message.find("[matmul] made a number that is not finite out of finite ones") != std::string::npos);
    CHECK_EQ(report.tripped_phase, 0);
    CHECK_EQ(report.committed_phases, 0);
    CHECK(before == bits(step.slots[0]->current()));
  }
  Program left_out(skipping.graph, {}, std::make_shared<Arena>(), current_plan_context());
  for (int i = 0; i < 3; ++i) {
    RunReport report;
    left_out.run(rows, &report);
    CHECK_EQ(report.status, 0u);
    CHECK_EQ(report.tripped_phase, 0);
    CHECK(before == bits(skipping.slots[0]->current()));
  }
}

// Runs at the same addresses are played; a step that reads a flag in between never is.
void runs_are_recorded() {
  check::FakeDevice& device = check::deferred_device();
  const TargetScope scope(deferred_target());
  const Tensors inputs{moved(numbers({33, 20}, 11), deferred_target().memory()),
                       moved(labels(33, 10), deferred_target().memory())};
  const auto losses = [&](const Target& target) {
    const TargetScope scope(target);
    const Step step = traced(mlp, inputs, {{20, 47}, {47}, {47, 10}, {10}});
    Program program(step.graph, {}, std::make_shared<Arena>(), current_plan_context());
    std::vector<std::string> all;
    Tensors given;
    for (const Tensor& t : inputs) given.push_back(moved(t, target.memory()));
    for (int i = 0; i < 7; ++i) all.push_back(bits(program.run(given)[0]));
    return all;
  };
  const int recordings = device.recordings, plays = device.plays, runs = device.runs;
  const std::vector<std::string> there = losses(deferred_target());
  CHECK_EQ(device.recordings, recordings + 1);
  CHECK_EQ(device.plays, plays + 6);
  CHECK_EQ(device.runs, runs + 1);
  Tensors here;
  for (const Tensor& t : inputs) here.push_back(t.in(host_memory()));
  const TargetScope on_host(cpu_target());
  const Step step = traced(mlp, here, {{20, 47}, {47}, {47, 10}, {10}});
  Program program(step.graph, {}, std::make_shared<Arena>(), current_plan_context());
  for (const std::string& loss : there) CHECK(bits(program.run(here)[0]) == loss);
  const int before = device.recordings;
  loops_on_a_device();
  CHECK_EQ(device.recordings, before);
}

// A target with plans of its own: of products and copies alone.
const Target& small_target() {
  static auto& target = *[] {
    auto* made = new check::FakeTarget("small", check::fake_device());
    for (const char* op : {"copy", "matmul", "sum", "max"}) made->add(op, *cpu_target().find(find_op(op)));
    return made;
  }();
  return target;
}

int calls_of(const Graph& graph, const char* op) {
  int calls = 0;
  for (const GraphNode& node : graph.nodes) calls += node.op && node.op->name == op;
  return calls;
}

Graph attention_graph() {
  Trace trace;
  TraceScope scope(&trace);
  const Tensor q = trace.input({DType::F32, {2, 6, 2, 4}});
  return trace.finish({apply(find_op("attention"), {q, q, q})[0]});
}

void definitions_where_there_is_no_plan() {
  const Graph graph = attention_graph();
  CHECK_EQ(calls_of(graph, "attention"), 1);
  CHECK_EQ(calls_of(run_passes(graph, {}, cpu_target()), "attention"), 1);
  CHECK_EQ(calls_of(run_passes(graph, {}, small_target()), "attention"), 0);
  const Tensor q = numbers({2, 6, 2, 4}, 5);
  const auto run = [&](const Target& target) {
    Program program(graph, {}, std::make_shared<Arena>(), target.context());
    return program.run({q})[0].in(host_memory());
  };
  const Tensor whole = run(cpu_target()), parts = run(small_target());
  for (int64_t i = 0; i < whole.size(); ++i) {
    const float a = reinterpret_cast<const float*>(whole.host())[i],
                b = reinterpret_cast<const float*>(parts.host())[i];
    CHECK(std::abs(a - b) <= 1e-5f);
  }
}

void neither_plan_nor_definition() {
  const char* message =
      "[cumulative_sum] target small has no plan for it, and it has no definition in other ops; expected one of them; "
      "compute it on the CPU, or add cpp/ops/cumulative_sum/plan_small.cpp, or .compose(...) to its spec";
  Trace trace;
  Graph graph;
  {
    TraceScope scope(&trace);
    graph = trace.finish({fn::call("cumulative_sum", {trace.input({DType::F32, {4}})})});
  }
  CHECK_THROWS(Program(graph, {}, std::make_shared<Arena>(), small_target().context()), KernelError, message);
  const TargetScope scope(small_target());
  CHECK_THROWS(fn::call("cumulative_sum", {moved(numbers({4}, 1), small_target().memory())}), KernelError, message);
}

void every_plan_has_an_op() {
  int planned = 0;
  for (const Op* op : all_ops()) planned += cpu_target().find(*op) != nullptr;
  CHECK_EQ(static_cast<int>(cpu_target().plan_count()), planned);
  CHECK(planned > 40);
}

void a_target_adds_a_pass() {
  static int runs = 0;
  static const auto& target = *new check::FakeTarget("with a pass", check::fake_device(), cpu_target());
  extend_passes(target, {"count", "fuse", [](const Graph& graph, const Target&) { return ++runs, graph; }});
  const Graph graph = attention_graph();
  run_passes(graph, {}, target);
  CHECK_EQ(runs, 1);
  run_passes(graph, {{"fuse"}}, target);
  run_passes(graph, {{"count"}}, target);
  run_passes(graph, {}, fake_target());
  CHECK_EQ(runs, 1);
}

}  // namespace
}  // namespace pt

int main() {
  pt::every_plan_has_an_op();
  pt::device_memory_is_closed();
  pt::eager_calls_on_a_device(pt::fake_target());
  pt::eager_calls_on_a_device(pt::deferred_target());
  pt::gradients_on_a_device();
  pt::two_devices_are_refused();
  pt::slots_stay_where_they_are();
  pt::steps_on_a_device();
  pt::calls_in_a_row_on_a_device();
  pt::loops_on_a_device();
  pt::runs_are_recorded();
  pt::a_trip_is_explained(pt::fake_target());
  pt::a_trip_is_explained(pt::deferred_target());
  pt::definitions_where_there_is_no_plan();
  pt::neither_plan_nor_definition();
  pt::a_target_adds_a_pass();
  return pt::check::finish();
}
