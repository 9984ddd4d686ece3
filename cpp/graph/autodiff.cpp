#include "graph/autodiff.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "graph/region.h"
#include "ops/autocast.h"
#include "ops/composition.h"
#include "ops/functional.h"
#include "ops/recorder.h"
#include "ops/tape.h"

namespace pt {
namespace {

using NodeRef = std::shared_ptr<Node>;

// Whether a walk ends at what is wanted, or goes on to what that depends on.
enum class Ends { AtWanted, Nowhere };

class Backward {
 public:
  Backward(const Tensors& outputs, const Tensors& wrt, Ends ends) : ends_(ends) {
    for (const Tensor& t : wrt) wanted_.insert(t.id());
    collect(outputs);
  }

  void seed(const Tensor& output, const Tensor& cotangent) { accumulate(output.id(), cotangent); }

  void run() {
    for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) {
      if (depends_.count(it->get())) visit(*it);
    }
  }

  Tensor gradient(const Tensor& t) {
    auto found = gradients_.find(t.id());
    return found == gradients_.end() ? Tensor() : found->second;
  }

 private:
  void collect(const Tensors& outputs) {
    std::unordered_set<const Node*> seen;
    std::vector<NodeRef> stack;
    auto push = [&](const Tensor& t) {
      if (!t.defined() || !t.node() || (ends_ == Ends::AtWanted && wanted_.count(t.id()))) return;
      if (seen.insert(t.node().get()).second) stack.push_back(t.node());
    };
    for (const Tensor& t : outputs) push(t);
    while (!stack.empty()) {
      NodeRef node = stack.back();
      stack.pop_back();
      for (const Tensor& t : inputs_of(*node)) push(t);
      if (node->region) ++unseen_[node->region.get()].count;
      nodes_.push_back(std::move(node));
    }
    std::sort(nodes_.begin(), nodes_.end(), [](const NodeRef& a, const NodeRef& b) { return a->order < b->order; });
    for (const NodeRef& node : nodes_) {
      if (std::any_of(inputs_of(*node).begin(), inputs_of(*node).end(), [&](const Tensor& t) { return needed(t); })) {
        depends_.insert(node.get());
      }
    }
  }

  static const Tensors& inputs_of(const Node& node) { return node.region ? node.region->inputs : node.inputs; }

  bool needed(const Tensor& t) const {
    if (!t.defined() || !is_continuous(t.dtype())) return false;
    return wanted_.count(t.id()) || (t.node() && depends_.count(t.node().get()));
  }

  void accumulate(uint64_t id, const Tensor& gradient) {
    Tensor& sum = gradients_[id];
    sum = sum.defined() ? fn::add(sum, gradient) : gradient;
  }

  // The outputs of a region follow each other, so that all have their gradients when the first of them is reached.
  void visit_output(const NodeRef& node) {
    const Region& region = *node->region;
    RegionVisit& visit = unseen_[&region];
    visit.cotangents.resize(region.outputs.size());
    auto found = gradients_.find(node->output_ids[0]);
    if (found != gradients_.end()) {
      visit.cotangents[static_cast<std::size_t>(node->region_output)] = found->second;
      visit.any = true;
      if (!wanted_.count(node->output_ids[0])) gradients_.erase(found);
    }
    if (--visit.count > 0 || !visit.any) return;
    const Tensors result = go_back(region, visit.cotangents);
    for (std::size_t i = 0; i < result.size(); ++i) {
      if (needed(region.inputs[i])) accumulate(region.inputs[i].id(), result[i]);
    }
  }

  void visit(const NodeRef& node) {
    const LocationScope here(node->location);
    if (node->region) return visit_output(node);
    const Op& op = *node->op;
    Tensors grads;
    bool any = false;
    for (uint64_t id : node->output_ids) {
      auto found = gradients_.find(id);
      grads.push_back(found == gradients_.end() ? Tensor() : found->second);
      any = any || grads.back().defined();
    }
    if (!any || op.no_gradient) return;
    std::vector<char> needs;
    for (const Tensor& t : node->inputs) needs.push_back(needed(t));
    const std::span<const bool> mask(reinterpret_cast<const bool*>(needs.data()), needs.size());
    const Tensors result = op.vjp ? by_rule(node, grads, mask) : by_definition(node, grads, mask);
    for (std::size_t i = 0; i < result.size() && i < needs.size(); ++i) {
      if (needs[i] && result[i].defined()) accumulate(node->inputs[i].id(), result[i]);
    }
    // The gradients of this node's own outputs are not read again, unless they were asked for.
    for (uint64_t id : node->output_ids) {
      if (!wanted_.count(id)) gradients_.erase(id);
    }
  }

  static Tensors by_rule(const NodeRef& node, const Tensors& grads, std::span<const bool> needs) {
    Tensors in = node->inputs, out;
    Types in_types;
    for (Tensor& t : in) {
      in_types.push_back(t.defined() ? t.type() : TensorType{DType::Bool, {}});
      if (t.defined() && !t.symbolic() && !t.concrete()) t = Tensor();
    }
    const bool symbolic = node->saved_outputs.empty();
    for (std::size_t i = 0; i < node->types.size(); ++i) {
      out.push_back(symbolic ? symbolic_output(node, i) : saved_output(node, i));
    }
    const Op& op = *node->op;
    if (!op.compose && !is_large(grads)) return op.vjp({in, out, grads, needs, in_types, node->types, node->attrs});
    Tensors all = in;
    all.insert(all.end(), out.begin(), out.end());
    for (const Tensor& g : grads) all.push_back(without_repeats(g));
    const auto rule = [&](const Tensors& t) {
      const std::span<const Tensor> values(t);
      const Tensors full = repeated(values.last(grads.size()), node->types);
      return op.vjp({values.first(in.size()), values.subspan(in.size(), out.size()), full, needs, in_types, node->types,
                     node->attrs});
    };
    return run_composition({op, true, all, node->attrs, needs, rule, in_types});
  }

  // A definition is differentiated by running it again under the tape and going backwards through what it did.
  static Tensors by_definition(const NodeRef& node, const Tensors& grads, std::span<const bool> needs) {
    const Op& op = *node->op;
    if (!op.compose) {
      throw Error(text("[", op.name, "] has no gradient, and a gradient through it is wanted",
                       node->location ? " (" + to_string(*node->location) + ")" : "",
                       "; expected a differentiable op; use stop_gradient, or give the op a vjp"));
    }
    const std::size_t n = node->inputs.size();
    const auto rule = [&](const Tensors& t) {
      const Tensors in(t.begin(), t.begin() + static_cast<std::ptrdiff_t>(n));
      Tensors by, reached, cotangents;
      for (std::size_t i = 0; i < n; ++i) {
        if (needs[i]) by.push_back(in[i]);
      }
      TapeScope on;
      WatchScope watch(by);
      const Tensors outputs = op.compose(in, node->attrs);
      const Tensors full = repeated(std::span<const Tensor>(t).subspan(n), node->types);
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (!full[i].defined()) continue;
        reached.push_back(outputs[i]);
        cotangents.push_back(full[i]);
      }
      const Tensors found = gradients(reached, cotangents, by);
      Tensors result;
      std::size_t next = 0;
      for (std::size_t i = 0; i < n; ++i) result.push_back(needs[i] ? found[next++] : Tensor());
      return result;
    };
    Tensors all = node->inputs;
    for (const Tensor& g : grads) all.push_back(without_repeats(g));
    return run_composition({op, true, all, node->attrs, needs, rule});
  }

  // A cotangent is often one number for many elements: a program reads it once, and repeats it on the way.
  static Tensor without_repeats(const Tensor& t) {
    if (!t.defined() || !t.concrete() || tape_depth() > 0) return t;
    Shape shape = t.shape();
    for (int i = 0; i < t.ndim(); ++i) {
      if (t.strides()[i] == 0 && shape[i] > 1) shape[i] = 1;
    }
    return shape == t.shape() ? t : Tensor::view(t.impl().buffer, {t.dtype(), shape}, t.strides(), t.impl().offset);
  }
  static Tensors repeated(std::span<const Tensor> given, const Types& types) {
    Tensors full;
    for (std::size_t i = 0; i < given.size(); ++i) {
      const bool as_it_is = !given[i].defined() || given[i].shape() == types[i].shape;
      full.push_back(as_it_is ? given[i] : fn::broadcast_to(given[i], types[i].shape));
    }
    return full;
  }

  static Tensor saved_output(const NodeRef& node, std::size_t i) {
    const Tensor& saved = node->saved_outputs[i];
    return saved.defined() ? saved.with_node(node, static_cast<int>(i)) : Tensor();
  }

  static Tensor symbolic_output(const NodeRef& node, std::size_t i) {
    auto impl = std::make_shared<TensorImpl>();
    impl->type = node->types[i];
    impl->strides = row_major(node->types[i].shape);
    impl->node = node;
    impl->output = static_cast<int>(i);
    impl->id = node->output_ids[i];
    impl->trace = node->trace;
    return Tensor(std::move(impl));
  }

  struct RegionVisit {
    int count = 0;  // outputs that are still to come
    bool any = false;
    Tensors cotangents;
  };

  const Ends ends_;
  std::unordered_set<uint64_t> wanted_;
  std::unordered_map<const Region*, RegionVisit> unseen_;
  std::vector<NodeRef> nodes_;
  std::unordered_set<const Node*> depends_;
  std::unordered_map<uint64_t, Tensor> gradients_;
};

Tensors walked(const Tensors& outputs, const Tensors& cotangents, const Tensors& wrt, Ends ends) {
  const AutocastScope decided;
  Backward backward(outputs, wrt, ends);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (cotangents[i].shape() != outputs[i].shape()) {
      throw ShapeError(text("[gradients] the cotangent is ", cotangents[i].type(), ", the output ", outputs[i].type(),
                            "; both must have one shape; reshape the cotangent"));
    }
    backward.seed(outputs[i], cotangents[i]);
  }
  backward.run();
  Tensors result;
  for (const Tensor& t : wrt) {
    result.push_back(backward.gradient(t));
    Tensor& gradient = result.back();
    // Back over a move to a device: a gradient lies beside what it is of.
    if (gradient.defined() && gradient.concrete() && t.concrete()) {
      gradient = moved(gradient, t.impl().buffer->memory());
    }
  }
  return result;
}

Tensors with_zeros(Tensors result, const Tensors& wrt) {
  for (std::size_t i = 0; i < wrt.size(); ++i) {
    if (!result[i].defined()) result[i] = zeros_beside(wrt[i]);
  }
  return result;
}

}  // namespace

Tensors gradients_reached(const Tensors& outputs, const Tensors& cotangents, const Tensors& wrt) {
  return walked(outputs, cotangents, wrt, Ends::AtWanted);
}

Tensors gradients(const Tensors& outputs, const Tensors& cotangents, const Tensors& wrt) {
  return with_zeros(gradients_reached(outputs, cotangents, wrt), wrt);
}

Tensors gradients_along(const Tensors& outputs, const Tensors& cotangents, const Tensors& wrt) {
  return with_zeros(walked(outputs, cotangents, wrt, Ends::Nowhere), wrt);
}

}  // namespace pt
