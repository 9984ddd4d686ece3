// Rewrite rules: where the order of two calls may be exchanged, bit for bit, and the other order moves less memory. A
// rule is declared in an op's folder (spec_rewrites.cpp); `simplify` asks all of them about each call that it repeats.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ops/op.h"

namespace pt {

// A call in a graph, whose values have numbers.
struct GraphCall {
  const Op* op = nullptr;
  Attrs attrs;
  std::vector<int> inputs;  // -1 for an optional input that was left out
  std::vector<int> outputs;
  int phase = 0;
  std::shared_ptr<const Location> location;
  uint64_t recompute = 0;  // calls of one way back of a checkpoint; 0 for others

  bool is(std::string_view name) const { return op && op->name == name; }
};

// The graph around a call, as a rule sees it.
class GraphAround {
 public:
  virtual ~GraphAround() = default;
  virtual const TensorType& type(int value) const = 0;
  // The call that makes a value; null where none does.
  virtual const GraphCall* maker(int value) const = 0;
  // The same if `reader` alone reads the value, and both belong to the same part of the step; else null.
  virtual const GraphCall* own_maker(int value, const GraphCall& reader) const = 0;
  // Whether calls alone read a value, all of them such ones.
  virtual bool read_only_by(int value, const std::function<bool(const GraphCall&)>& such) const = 0;
  // A value as it was repeated.
  virtual Tensor now(int value) const = 0;
  // Calls that follow are told as made where this one was.
  virtual void stand_for(const GraphCall& call) = 0;
};

// The call's results, made another way by calls of `apply`; nothing where the rule does not fit.
using RewriteFn = std::function<Tensors(const GraphCall& call, GraphAround& around)>;

// A rule by its name, unique as an op's is. Rules are asked in the order of their names.
struct Rewrite {
  Rewrite(const std::string& name, RewriteFn rule);
};

// By the first rule that fits; empty without one.
Tensors rewritten(const GraphCall& call, GraphAround& around);

}  // namespace pt
