// From a FusedProgram to nodes: checks, classes, levels, phases, and the collapsed iteration space.
#include <algorithm>
#include <bit>
#include <cmath>

#include "core/error.h"
#include "ops/fused/lower.h"

namespace pt::fused {

FusedClass class_of(DType dtype) {
  switch (dtype) {
    case DType::Bool:
      return FusedClass::Bool;
    case DType::I64:
    case DType::U32:
      return FusedClass::I64;
    case DType::U64:
      return FusedClass::U64;
    case DType::U8:
    case DType::U16:
    case DType::I8:
    case DType::I16:
    case DType::I32:
      return FusedClass::I32;
    case DType::F64:
      return FusedClass::F64;
    default:
      return FusedClass::F32;
  }
}

DType natural_dtype(FusedClass cls) {
  constexpr DType dtypes[] = {DType::F32, DType::F64, DType::I32, DType::I64, DType::Bool, DType::U64};
  return dtypes[int(cls)];
}

int class_bytes(FusedClass cls) { return int(size_of(natural_dtype(cls))); }

const MathFact* find_fact(std::string_view op, int* index) {
  const MathFacts& all = kMathFacts;
  const MathFact* end = all.facts + all.count;
  const MathFact* found =
      std::lower_bound(all.facts, end, op, [](const MathFact& f, std::string_view name) { return f.name < name; });
  if (found == end || found->name != op) return nullptr;
  if (index) *index = int(found - all.facts);
  return found;
}

namespace {

FusedStorage storage_of(DType dtype) { return static_cast<FusedStorage>(dtype); }

// Merges neighbouring axes that every operand walks through as if they were one. The row stays apart when the program
// reduces it.
Space collapse_space(const FusedProgram& program, const std::vector<bool>& ignored, bool keep_row, bool collapse) {
  struct Axis {
    int64_t extent;
    std::vector<int64_t> strides;
  };
  std::vector<Axis> axes;
  const int last = program.extents.size() - 1;
  for (int axis = 0; axis <= last; ++axis) {
    Axis a{program.extents[axis], {}};
    for (std::size_t i = 0; i < program.operands.size(); ++i) {
      a.strides.push_back(ignored[i] ? 0 : program.operands[i].strides[axis]);
    }
    const bool is_row = axis == last && keep_row;
    if (collapse && a.extent == 1 && !is_row) continue;
    bool merges = collapse && !axes.empty() && !is_row;
    for (std::size_t i = 0; merges && i < a.strides.size(); ++i) {
      merges = ignored[i] || axes.back().strides[i] == a.strides[i] * a.extent;
    }
    if (merges) {
      axes.back().extent *= a.extent;
      axes.back().strides = a.strides;
    } else {
      axes.push_back(a);
    }
  }
  if (axes.empty()) axes.push_back({1, std::vector<int64_t>(program.operands.size(), 0)});
  Space space;
  space.cols = axes.back().extent;
  for (std::size_t axis = 0; axis + 1 < axes.size(); ++axis) {
    space.outer.push_back(axes[axis].extent);
    space.rows *= axes[axis].extent;
  }
  for (std::size_t i = 0; i < program.operands.size(); ++i) {
    FusedOperandDesc operand{};
    operand.inner = axes.back().strides[i];
    for (std::size_t axis = 0; axis + 1 < axes.size(); ++axis) operand.outer[axis] = axes[axis].strides[i];
    operand.storage = storage_of(program.operands[i].dtype);
    operand.bytes = uint8_t(size_of(program.operands[i].dtype));
    space.operands.push_back(operand);
  }
  return space;
}

bool is_scalar(const FusedOperandDesc& operand, const Space& space) {
  for (std::size_t axis = 0; axis < space.outer.size(); ++axis) {
    if (operand.outer[axis] != 0 && space.outer[axis] != 1) return false;
  }
  return operand.inner == 0 || space.cols == 1;
}

class Analysis {
 public:
  Analysis(const FusedProgram& program, bool collapse) : program_(program) {
    check_space();
    std::vector<bool> ignored(program.operands.size(), false);
    for (const FusedStep& step : program.steps) {
      ir_.has_reduction |= reduces_row(step.kind);
      ir_.has_column_sum |= step.kind == StepKind::ColumnSum;
      if (step.kind == StepKind::Uniform && in_range(step.operand)) ignored[step.operand] = true;
    }
    ir_.inputs = program.inputs;
    ir_.space = collapse_space(program, ignored, ir_.keeps_row(), collapse);
    for (std::size_t i = 0; i < program.steps.size(); ++i) add_step(int(i));
    leave_rounding_to_stores();
    mark_live();
    set_levels();
    set_phases();
    defer_stores(ir_);
    count_bytes();
  }
  Ir take() { return std::move(ir_); }

 private:
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw Error(text("[fused] ", parts...));
  }
  bool in_range(int operand) const { return operand >= 0 && operand < int(program_.operands.size()); }

  void check_space() const {
    const FusedProgram& p = program_;
    if (p.extents.empty()) fail("no extents; expected at least one axis; give a scalar the extents [1]");
    for (std::size_t i = 0; i < p.operands.size(); ++i) {
      if (p.operands[i].strides.size() != p.extents.size()) {
        fail("operand ", i, " has ", p.operands[i].strides.size(), " strides; expected one per axis of ", p.extents,
             "; use 0 for a broadcast axis");
      }
    }
  }

  int add_node(Node node) {
    ir_.nodes.push_back(std::move(node));
    return int(ir_.nodes.size()) - 1;
  }
  int as_class(int node, FusedClass cls) {
    FusedClass from = ir_.nodes[node].to;
    if (from == cls) return node;
    return add_node(
        {.kind = StepKind::Cast, .from = from, .to = cls, .storage = storage_of(natural_dtype(cls)), .args = {node}});
  }
  int argument(int step, int i) const {
    int arg = program_.steps[step].args[i];
    const bool made = arg >= 0 && arg < step && program_.steps[arg].kind != StepKind::Store;
    const bool for_store = made && program_.steps[arg].kind == StepKind::ColumnSum;
    if (!made || (for_store && program_.steps[step].kind != StepKind::Store)) {
      fail("step ", step, " has argument ", arg, "; expected an earlier step with a result; order the steps");
    }
    return node_of_[arg];
  }
  void check_operand(int step, bool output) const {
    int operand = program_.steps[step].operand;
    if (!in_range(operand) || (operand >= program_.inputs) != output) {
      fail("step ", step, " uses operand ", operand, "; expected ", output ? "an output" : "an input", " among ",
           program_.inputs, " inputs and ", int(program_.operands.size()) - program_.inputs, " outputs");
    }
  }

  void add_step(int index) {
    const FusedStep& step = program_.steps[index];
    node_of_.push_back(-1);
    int& made = node_of_.back();
    const FusedClass cls = class_of(step.dtype);
    switch (step.kind) {
      case StepKind::Load: {
        check_operand(index, false);
        FusedClass natural = class_of(program_.operands[step.operand].dtype);
        made = as_class(
            add_node({.kind = StepKind::Load, .from = natural, .to = natural, .storage = {}, .operand = step.operand}),
            cls);
        return;
      }
      case StepKind::Constant:
        made = add_constant(step, cls);
        return;
      case StepKind::Math:
        made = add_math(index);
        return;
      case StepKind::Cast: {
        int arg = argument(index, 0);
        made = add_node({.kind = StepKind::Cast,
                         .from = ir_.nodes[arg].to,
                         .to = cls,
                         .storage = storage_of(step.dtype),
                         .args = {arg}});
        return;
      }
      case StepKind::RowSum:
      case StepKind::RowProd:
      case StepKind::RowMax:
      case StepKind::RowMin: {
        if (cls == FusedClass::Bool) fail("step ", index, " reduces to bool; expected a number; cast to i64 first");
        int arg = as_class(argument(index, 0), cls);
        made = add_node({.kind = step.kind, .from = cls, .to = cls, .storage = {}, .args = {arg}});
        return;
      }
      case StepKind::Uniform:
        check_operand(index, false);
        if (step.dtype != DType::F32 && step.dtype != DType::F64) {
          fail("step ", index, " draws uniform numbers as ", info(step.dtype).brief,
               "; expected f32 or f64; cast after");
        }
        made = add_node({.kind = StepKind::Uniform,
                         .from = cls,
                         .to = cls,
                         .storage = {},
                         .bits = step.ordinal,
                         .operand = step.operand});
        return;
      case StepKind::ColumnSum: {
        if (!is_float(step.dtype))
          fail("step ", index, " sums columns of ", info(step.dtype).brief, "; expected floats; cast first");
        int arg = as_class(argument(index, 0), cls);
        made = add_node({.kind = step.kind, .from = cls, .to = cls, .storage = {}, .args = {arg}});
        return;
      }
      case StepKind::Store: {
        check_operand(index, true);
        if (ir_.nodes[argument(index, 0)].kind == StepKind::ColumnSum) return store_columns(index);
        int arg = as_class(argument(index, 0), class_of(program_.operands[step.operand].dtype));
        made = add_node({.kind = StepKind::Store,
                         .from = ir_.nodes[arg].to,
                         .to = ir_.nodes[arg].to,
                         .storage = {},
                         .args = {arg},
                         .operand = step.operand});
        return;
      }
    }
  }

  // The sum itself knows where it goes.
  void store_columns(int index) {
    const FusedStep& step = program_.steps[index];
    Node& sum = ir_.nodes[argument(index, 0)];
    const int64_t rows = summed_rows(ir_.space.operands[step.operand]);
    const bool alike = ir_.space.summed_rows == 0 || ir_.space.summed_rows == rows;
    if (rows == 0 || !alike || class_of(program_.operands[step.operand].dtype) != sum.to || sum.operand >= 0) {
      fail("step ", index, " stores sums of columns to operand ", step.operand,
           "; expected one row of its own, of the class of the sums, for all rows or for as many as other sums have; "
           "give it the strides of one row");
    }
    sum.operand = step.operand;
    ir_.space.summed_rows = rows;
  }

  // How many rows each sum has that is stored there: those of the last axes, along which the operand does not move. Its
  // rows, one for each entry of the other axes, must follow each other; 0 where they do not.
  int64_t summed_rows(const FusedOperandDesc& operand) const {
    if (operand.inner != 1 && ir_.space.cols != 1) return 0;
    const int64_t rows = rows_at_rest(operand, ir_.space);
    int64_t left = ir_.space.rows / std::max<int64_t>(rows, 1), stride = ir_.space.cols;
    auto axis = int(ir_.space.outer.size()) - 1;
    while (axis >= 0 && operand.outer[axis] == 0) --axis;
    for (; axis >= 0 && operand.outer[axis] == stride; --axis) {
      stride *= ir_.space.outer[std::size_t(axis)];
      left /= ir_.space.outer[std::size_t(axis)];
    }
    return left == 1 && (rows > 1 || ir_.space.rows == 1) ? rows : 0;
  }

  int add_constant(const FusedStep& step, FusedClass cls) {
    int64_t bits = 0;
    switch (cls) {
      case FusedClass::F32:
        bits = std::bit_cast<int32_t>(float(step.value));
        break;
      case FusedClass::F64:
        bits = std::bit_cast<int64_t>(step.value);
        break;
      case FusedClass::I32:
        bits = int32_t(int64_t(step.value) + step.ordinal);
        break;
      case FusedClass::I64:
      case FusedClass::U64:
        bits = int64_t(step.value) + step.ordinal;
        break;
      case FusedClass::Bool:
        bits = step.value != 0;
        break;
    }
    return add_node({.kind = StepKind::Constant, .from = cls, .to = cls, .storage = {}, .bits = bits});
  }

  int add_external(int index) {
    const FusedStep& step = program_.steps[index];
    const FusedClass cls = class_of(step.dtype);
    Node node{.kind = StepKind::Math, .from = cls, .to = cls, .storage = {}, .external = step.external};
    for (int i = 0; i < step.external->arity; ++i) node.args.push_back(as_class(argument(index, i), cls));
    return add_node(std::move(node));
  }

  int add_math(int index) {
    const FusedStep& step = program_.steps[index];
    if (step.external) return add_external(index);
    int op;
    const MathFact* fact = find_fact(step.op, &op);
    if (!fact) fail("step ", index, " is ", step.op, "; expected a formula; add ops/", step.op, "/math.h");
    Node node{.kind = StepKind::Math, .from = {}, .to = {}, .storage = {}, .op = op};
    for (int i = 0; i < fact->arity; ++i) node.args.push_back(argument(index, i));
    const int first = fact->mask_first ? 1 : 0;
    node.from = ir_.nodes[node.args[first]].to;
    if (!((fact->takes >> int(node.from)) & 1)) {
      fail("step ", index, " applies ", step.op, " to ", info(natural_dtype(node.from)).brief,
           "; expected a dtype that the formula takes; cast first");
    }
    for (int i = 0; i < fact->arity; ++i) {
      FusedClass want = i < first ? FusedClass::Bool : node.from;
      if (ir_.nodes[node.args[i]].to != want) {
        fail("step ", index, " (", step.op, ") has argument ", i, " of ",
             info(natural_dtype(ir_.nodes[node.args[i]].to)).brief, "; expected ", info(natural_dtype(want)).brief,
             "; cast it first");
      }
    }
    node.to = (fact->to_mask >> int(node.from)) & 1 ? FusedClass::Bool : node.from;
    return add_node(std::move(node));
  }

  // A store rounds by itself: what it stores need not be rounded to the same storage first.
  void leave_rounding_to_stores() {
    for (Node& store : ir_.nodes) {
      if (store.kind != StepKind::Store) continue;
      const Node& value = ir_.nodes[store.args[0]];
      const bool same = value.kind == StepKind::Cast && value.from == value.to &&
                        value.storage == ir_.space.operands[store.operand].storage;
      if (same) store.args[0] = value.args[0];
    }
  }

  static bool is_sink(const Node& node) {
    return node.kind == StepKind::Store || (node.kind == StepKind::ColumnSum && node.operand >= 0);
  }

  void mark_live() {
    for (int i = int(ir_.nodes.size()) - 1; i >= 0; --i) {
      Node& node = ir_.nodes[i];
      if (is_sink(node)) node.live = true;
      if (!node.live) continue;
      for (int arg : node.args) ir_.nodes[arg].live = true;
    }
  }

  void set_levels() {
    for (Node& node : ir_.nodes) {
      if (!node.live) continue;
      if (node.kind == StepKind::Load) {
        const FusedOperandDesc& operand = ir_.space.operands[node.operand];
        node.level = is_scalar(operand, ir_.space) ? Level::Constant : operand.inner == 0 ? Level::Row : Level::Vector;
      } else if (node.kind == StepKind::Uniform) {
        node.level = Level::Vector;
      } else if (reduces_row(node.kind)) {
        node.level = Level::Row;
      } else if (node.kind != StepKind::Constant) {
        for (int arg : node.args) node.level = std::max(node.level, ir_.nodes[arg].level);
      }
      if (node.kind == StepKind::Store) set_store_level(node);
      if (node.kind == StepKind::ColumnSum) node.level = Level::Vector;
    }
  }

  // A row's value goes to an operand that does not move along the row, and the other way round.
  void set_store_level(Node& node) {
    const FusedOperandDesc& operand = ir_.space.operands[node.operand];
    const bool per_row = operand.inner == 0 && ir_.space.cols != 1;
    if (per_row && node.level == Level::Vector) {
      fail("a value per element is stored to operand ", node.operand, ", whose stride along the row is 0; expected a ",
           "value per row; reduce it first");
    }
    const bool reduces = ir_.has_reduction && operand.inner == 0 && node.level != Level::Vector;
    node.level = per_row || reduces ? Level::Row : Level::Vector;
  }

  void set_phases() {
    for (Node& node : ir_.nodes) {
      if (!node.live) continue;
      for (int arg : node.args) node.phase = std::max(node.phase, ir_.nodes[arg].phase);
      if (reduces_row(node.kind)) ++node.phase;
      if (node.level == Level::Vector && node.phase > 0) ir_.reductions_terminal = false;
      ir_.phases = std::max(ir_.phases, node.phase + 1);
    }
    // A vector is computed in the first phase that needs it, so that few have to outlive a phase.
    std::vector<int> needed(ir_.nodes.size(), ir_.phases - 1);
    for (int i = int(ir_.nodes.size()) - 1; i >= 0; --i) {
      Node& node = ir_.nodes[i];
      if (!node.live) continue;
      if (node.level == Level::Vector && !is_sink(node)) node.phase = std::max(node.phase, needed[i]);
      int use = reduces_row(node.kind) ? node.phase - 1 : node.phase;
      for (int arg : node.args) needed[arg] = std::min(needed[arg], use);
    }
  }

  void count_bytes() {
    for (const Node& node : ir_.nodes) {
      if (!node.live || node.level != Level::Vector) continue;
      if (node.external) ir_.external_flops += node.external->flops;
      if (node.kind == StepKind::Load || node.kind == StepKind::Store)
        ir_.element_bytes += ir_.space.operands[node.operand].bytes;
    }
  }

  const FusedProgram& program_;
  std::vector<int> node_of_;
  Ir ir_;
};

}  // namespace

int64_t rows_at_rest(const FusedOperandDesc& operand, const Space& space) {
  int64_t rows = 1;
  for (auto axis = int(space.outer.size()) - 1; axis >= 0 && operand.outer[axis] == 0; --axis)
    rows *= space.outer[std::size_t(axis)];
  return rows;
}

int64_t rows_of_turn(const Ir& ir) {
  constexpr int64_t kLeastElements = 4096;
  int64_t turn = 0;
  for (const Node& node : ir.nodes) {
    if (!node.live || node.kind != StepKind::Load || node.level != Level::Vector) continue;
    const int64_t rows = rows_at_rest(ir.space.operands[std::size_t(node.operand)], ir.space);
    if (rows == 1 || rows == ir.space.rows || rows * ir.space.cols < kLeastElements) continue;
    turn = turn == 0 ? rows : std::min(turn, rows);
  }
  return turn;
}

void defer_stores(Ir& ir) {
  for (Node& store : ir.nodes) {
    if (!store.live || store.kind != StepKind::Store) continue;
    const FusedOperandDesc& output = ir.space.operands[store.operand];
    if (store.level == Level::Vector) store.phase = std::max(store.phase, ir.nodes[store.args[0]].phase);
    for (const Node& user : ir.nodes) {
      if (!user.live) continue;
      for (int arg : user.args) {
        const Node& load = ir.nodes[arg];
        if (load.kind != StepKind::Load || !may_share(ir.space.operands[load.operand], output)) continue;
        store.phase = std::max(store.phase, used_in(user));
      }
    }
  }
}

Ir analyse(const FusedProgram& program, bool collapse) { return Analysis(program, collapse).take(); }

}  // namespace pt::fused
