// What loops and branches share: parts recorded as graphs, and ops that are made of them.
#pragma once
#include <map>
#include <mutex>

#include "core/lock.h"
#include "graph/region.h"
#include "program/loops.h"

namespace pt {

class Trace;

// A function of tensors as a graph. What it reads from around it comes first among its inputs.
struct Part {
  Graph graph;
  Tensors captured;
};

Types types_of(const Tensors& tensors);
Tensors symbols(Trace& trace, const Types& types);
// Throws naming `where` if the graph is no plain function: guards are not.
Part finished_part(Trace& trace, const Tensors& results, const char* where);
// What depends on nothing but what was captured is computed around the loop, once; `own` are the types of the other
// inputs. Eagerly and in a trace alike, since gradients add up in another order elsewhere.
Part hoisted(const Part& part, const Types& own, const char* where);
// Under autocast a state goes back to the dtype that it had.
void keep_dtypes(Tensors& made, const Types& given);
// A step must give the state that it takes; throws naming `where`.
void check_state(const char* where, const Types& given, const Types& made);
Types input_types(const Graph& graph);
Types result_types(const Graph& graph);
bool same_graph(const Graph& a, const Graph& b);

// An op whose instruction runs programs made of parts. Beside the registry and never destroyed, since graphs point to
// it; the same parts give the same op, so that a call in a loop makes it once.
struct ControlOp {
  std::string kind;
  std::vector<Graph> parts;
  Ints layout;  // what the kind of op says of its inputs and outputs
  Op op;

  int64_t number(std::size_t place) const { return layout[place]; }
  // Of a part; made when it is first planned so.
  Program& program(std::size_t part, const PlanContext& context) const;
  // The op of the gradient, by what is wanted of it, and what its parts captured; made when it is first asked for.
  using Gradient = std::pair<const ControlOp*, Tensors>;
  const Gradient& gradient(const Ints& wanted, const std::function<Gradient()>& make) const;

 private:
  friend const ControlOp& control_op(std::string, std::vector<Graph>, Ints, void (*)(ControlOp&));
  mutable std::map<std::pair<std::size_t, PlanContext>, std::unique_ptr<Program>> programs_;
  mutable std::map<Ints, Gradient> gradients_;
  mutable Lock busy_;
};

// `complete` says what the op does: shapes, launches, gradient.
const ControlOp& control_op(std::string kind, std::vector<Graph> parts, Ints layout, void (*complete)(ControlOp&));

// The op on inputs of decided dtypes.
Tensors call(const ControlOp& control, Tensors inputs, const Attrs& attrs = {});

// For calls for each row: the types of inputs of which some are batched.
Types batched_types(const Types& types, const std::vector<char>& batched, int64_t rows);
// A part for all rows.
Part batched_part(const Graph& graph, const std::vector<char>& batched, int64_t rows, const char* where);

// Room for tensors behind each other, and where each begins.
struct Room {
  std::vector<int64_t> bytes, offset;
  int64_t total = 0;
};
Room room_for(const Types& types);

}  // namespace pt
