// The function is recorded once, for one row, with its gradients in it; then every recorded call is made for all rows
// at once by the rule of its op.
#include "graph/vmap.h"

#include <algorithm>

#include "graph/passes/passes.h"
#include "graph/trace.h"
#include "ops/autocast.h"
#include "ops/batching.h"
#include "ops/functional.h"

namespace pt {
namespace {

struct Many {
  Tensor tensor;
  bool batched = false;
};

Many whole(const Many& value, int64_t rows) { return {with_rows(value.tensor, value.batched, rows), true}; }

std::vector<Many> run(const Graph& graph, const std::vector<Many>& inputs, int64_t rows);

// The gradient of a region for all rows: what it gives for each, summed where the input is shared by all.
std::shared_ptr<const Region> batched_region(const GraphRegion& given, const std::vector<Many>& value, int64_t rows) {
  auto region = std::make_shared<Region>(*given.region);
  Trace trace({.nested = true, .where = "vmap"});
  TraceScope scope(&trace);
  std::vector<Many> inputs;
  for (std::size_t i = 0; i < given.captured.size(); ++i) {
    const Many& captured = value[given.captured[i]];
    region->captured[i] = captured.tensor;
    inputs.push_back({trace.input(captured.tensor.type()), captured.batched});
  }
  for (TensorType& type : region->outputs) {
    type.shape = in_rows(rows, type.shape);
    inputs.push_back({trace.input(type), true});
  }
  const std::vector<Many> found = run(simplify(*region->back, false, true), inputs, rows);
  Tensors gradients;
  for (std::size_t i = 0; i < given.inputs.size(); ++i) {
    const Many& input = value[given.inputs[i]];
    const Tensor all = whole(found[i], rows).tensor;
    gradients.push_back(input.batched ? all : fn::sum(all, {0}, false));
    region->inputs[i] = input.tensor;
  }
  region->back = std::make_shared<const Graph>(trace.finish(gradients));
  return region;
}

bool any_batched(const std::vector<int>& values, const std::vector<Many>& value) {
  return std::any_of(values.begin(), values.end(), [&](int v) { return v >= 0 && value[v].batched; });
}

bool any_batched(const GraphNode& node, const std::vector<Many>& value) {
  if (any_batched(node.inputs, value)) return true;
  return node.region && (any_batched(node.region->inputs, value) || any_batched(node.region->captured, value));
}

std::vector<Many> call(const Graph& graph, const GraphNode& node, const std::vector<Many>& value, int64_t rows) {
  Tensors in;
  std::vector<char> flags;
  for (int input : node.inputs) {
    in.push_back(input < 0 ? Tensor() : value[input].tensor);
    flags.push_back(input >= 0 && value[input].batched);
  }
  const bool many = any_batched(node.inputs, value);
  Tensors outputs;
  if (many) {
    Types types;
    for (int output : node.outputs) types.push_back(graph.values[output].type);
    const std::span<const bool> mask(reinterpret_cast<const bool*>(flags.data()), flags.size());
    outputs = batched({*node.op, in, mask, rows, types, node.attrs});
  } else {
    outputs = apply(*node.op, in, node.attrs);
  }
  std::vector<Many> result;
  for (const Tensor& t : outputs) result.push_back({t, many});
  return result;
}

std::vector<Many> run(const Graph& graph, const std::vector<Many>& inputs, int64_t rows) {
  std::vector<Many> value(graph.values.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) value[graph.inputs[i]] = inputs[i];
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    if (graph.values[v].origin == Origin::Constant) value[v].tensor = graph.constants[graph.values[v].index];
  }
  std::unordered_map<const GraphRegion*, std::shared_ptr<const Region>> regions;
  const AutocastScope decided;
  for (const GraphNode& node : graph.nodes) {
    if (!node.region) {
      const std::vector<Many> outputs = call(graph, node, value, rows);
      for (std::size_t i = 0; i < node.outputs.size(); ++i) value[node.outputs[i]] = outputs[i];
      continue;
    }
    const bool many = any_batched(node, value);
    auto& region = regions[node.region.get()];
    if (!region) {
      region = many ? batched_region(*node.region, value, rows)
                    : moved_region(*node.region, [&](int number) { return value[number].tensor; });
    }
    const Many inside = many ? whole(value[node.inputs[0]], rows) : value[node.inputs[0]];
    value[node.outputs[0]] = {with_region(inside.tensor, region, node.region_output), many};
  }
  std::vector<Many> results;
  for (int result : graph.results) results.push_back(value[result]);
  return results;
}

}  // namespace

Tensors batched_results(const Graph& graph, const Tensors& inputs, const std::vector<char>& batched, int64_t rows) {
  std::vector<Many> given;
  for (std::size_t i = 0; i < inputs.size(); ++i) given.push_back({inputs[i], batched[i] != 0});
  Tensors outputs;
  for (const Many& result : run(simplify(graph, false, true), given, rows)) {
    outputs.push_back(whole(result, rows).tensor);
  }
  return outputs;
}

Tensors vectorized(const Function& function, const Tensors& inputs, const std::vector<char>& batched, int64_t rows) {
  Trace trace({.nested = true, .where = "vmap", .draws = false});
  Graph graph;
  std::vector<Many> given;
  {
    TraceScope scope(&trace);
    Tensors seen;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!batched[i]) {
        seen.push_back(inputs[i]);
        continue;
      }
      TensorType row = inputs[i].type();
      row.shape.erase(0);
      seen.push_back(trace.input(row));
      given.push_back({inputs[i], true});
    }
    const Tensors results = function(seen);
    if (!trace.assigned().empty()) {
      throw TraceError(text("[vmap] the function assigns ", trace.assigned()[0].first->name,
                            "; expected a function that does not; return the value, and assign it outside"));
    }
    graph = trace.finish(results);
  }
  Tensors rows_of;
  for (const Many& input : given) rows_of.push_back(input.tensor);
  return batched_results(graph, rows_of, std::vector<char>(given.size(), 1), rows);
}

}  // namespace pt
