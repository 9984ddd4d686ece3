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
#include "program/control.h"
#include "program/program.h"

namespace pt {
namespace {

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
Step traced(Loss loss, const Tensors& inputs, const std::vector<Shape>& shapes) {
  Step step;
  Trace trace;
  TraceScope scope(&trace);
  Tensors symbols, parameters;
  for (const Tensor& t : inputs) symbols.push_back(trace.input(t.type()));
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    step.slots.push_back(Slot::make(numbers(shapes[i], static_cast<int>(i)), text("p", i), true));
    step.slots.push_back(Slot::make(Tensor::full({DType::F32, shapes[i]}, 0), text("m", i), false));
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
    const Tensor value = program.run(inputs, OnTrip::Error)[0];
    CHECK(&value.impl().buffer->memory() == &target.memory());
    all.push_back(bits(value));
  }
  for (const SlotRef& slot : step.slots) all.push_back(bits(slot->current()));
  return all;
}

void same_bits_on_a_device(Loss loss, const Tensors& inputs, const std::vector<Shape>& shapes) {
  const int before = check::fake_device().launches;
  const std::vector<std::string> here = trained(cpu_target(), loss, inputs, shapes);
  CHECK_EQ(check::fake_device().launches, before);
  CHECK(here[0] != here[2]);
  CHECK(here == trained(fake_target(), loss, inputs, shapes));
  CHECK(check::fake_device().launches > before + 10);
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
    for (const Tensor& t : program.run({numbers({3}, 8), numbers({5, 3}, 9)}, OnTrip::Error)) all += bits(t);
    return all;
  };
  const int before = check::fake_device().launches;
  CHECK(run(cpu_target()) == run(fake_target()));
  CHECK(check::fake_device().launches > before);
}

void eager_calls_on_a_device() {
  const Tensor x = numbers({7, 5}, 1), w = numbers({5, 3}, 2);
  const auto call = [&] { return fn::call("softmax", {fn::matmul(x, w) * 0.5}); };
  const Tensor here = call();
  const TargetScope scope(fake_target());
  const Tensor there = call();
  CHECK(&there.impl().buffer->memory() == &fake_target().memory());
  CHECK_EQ(bits(there) == bits(here), true);
  CHECK_EQ(fn::sum(there, Ints{0, 1}, false).item() > 0, true);
}

void device_memory_is_closed() {
  const Tensor there = numbers({2, 3}, 1).in(fake_target().memory());
  CHECK_THROWS(there.host(), Error,
               "[memory] 24 bytes lie in fake memory and are read from the host; expected host memory; copy the tensor "
               "to the host first");
  CHECK_THROWS(
      fn::call("exp", {there}), Error,
      "[exp] received f32[2, 3] in fake memory, for target cpu; expected host memory or the target's own; copy "
      "the tensor first");
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
void a_trip_is_explained() {
  const TargetScope scope(fake_target());
  const Tensors inputs{Tensor::full({DType::F32, {4, 40}}, 3e38), labels(4, 2)};
  const Tensors rows{evaluate(find_op("copy"), {inputs[0]}, {}, {inputs[0].type()})[0], inputs[1]};
  const Step step = traced(mlp, rows, {{40, 8}, {8}, {8, 2}, {2}});
  Program program(step.graph, {}, std::make_shared<Arena>(), current_plan_context());
  const std::string before = bits(step.slots[0]->current());
  std::string message;
  try {
    program.run(rows, OnTrip::Error);
  } catch (const GuardError& error) {
    message = error.what();
  }
  CHECK(message.find("not finite") != std::string::npos);
  CHECK(before == bits(step.slots[0]->current()));
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
    return program.run({q}, OnTrip::Error)[0].in(host_memory());
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
      "add cpp/ops/cumulative_sum/plan_small.cpp, or .compose(...) to its spec";
  Trace trace;
  Graph graph;
  {
    TraceScope scope(&trace);
    graph = trace.finish({fn::call("cumulative_sum", {trace.input({DType::F32, {4}})})});
  }
  CHECK_THROWS(Program(graph, {}, std::make_shared<Arena>(), small_target().context()), KernelError, message);
  const TargetScope scope(small_target());
  CHECK_THROWS(fn::call("cumulative_sum", {numbers({4}, 1)}), KernelError, message);
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
  run_passes(graph, {}, fake_target());
  CHECK_EQ(runs, 1);
}

}  // namespace
}  // namespace pt

int main() {
  pt::every_plan_has_an_op();
  pt::device_memory_is_closed();
  pt::eager_calls_on_a_device();
  pt::steps_on_a_device();
  pt::loops_on_a_device();
  pt::a_trip_is_explained();
  pt::definitions_where_there_is_no_plan();
  pt::neither_plan_nor_definition();
  pt::a_target_adds_a_pass();
  return pt::check::finish();
}
