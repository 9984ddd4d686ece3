// Divides a reduction into stages, one for each group of neighbouring axes, the last group first. Trailing axes are a
// row program of the fused machine; others are column reductions. What a stage launches its target says.
#pragma once
#include <algorithm>
#include <utility>
#include <vector>

#include "core/integers.h"
#include "ops/fused/desc.h"
#include "ops/fused/machine.h"
#include "ops/reduce/desc.h"
#include "ops/reduce/kind.h"

namespace pt {

inline DType register_of(DType dtype) {
  switch (dtype) {
    case DType::F16:
    case DType::BF16:
      return DType::F32;
    case DType::U8:
    case DType::I8:
    case DType::I16:
    case DType::U16:
      return DType::I32;
    case DType::U32:
      return DType::I64;
    default:
      return dtype;
  }
}

inline bool is_position(ReduceKind kind) { return kind == ReduceKind::ArgMax || kind == ReduceKind::ArgMin; }
inline bool is_truth(ReduceKind kind) { return kind == ReduceKind::Any || kind == ReduceKind::All; }

// What a reduction accumulates in: between stages nothing is rounded to a storage dtype.
inline DType accumulator_of(ReduceKind kind, DType in) {
  if (is_truth(kind)) return DType::I32;
  const DType natural = register_of(in);
  if (is_float(natural)) return natural;
  if (kind == ReduceKind::Sum || kind == ReduceKind::Prod) return is_unsigned(in) ? DType::U64 : DType::I64;
  return natural == DType::Bool ? DType::I32 : natural;
}

// Where a stage reads or writes: an operand of the plan, or an offset into the workspace.
struct Place {
  int operand;  // -1: the workspace
  int64_t offset;
};

class ReduceStages {
 public:
  ReduceStages(ReduceKind kind, const Operand& in, const std::vector<int>& axes, const Operand& out)
      : kind_(kind), in_(in), out_(out), reduced_(std::size_t(in.shape.size()), false) {
    for (int axis : axes) reduced_[std::size_t(axis)] = true;
    drop_unit_axes(axes);
  }

  // The same, with an elementwise program behind it: its first operand is the result, the others are operands 1, 2, ...
  // of the plan.
  LaunchPlan plan(const FusedProgram& after) {
    after_ = &after;
    return plan();
  }
  LaunchPlan plan() {
    if (count(out_.shape) == 0) return {};
    Place source{0, 0};
    while (true) {
      const bool last = groups() <= 1;
      if (last) {
        Places targets;
        for (int i = 1; i < (after_ ? int(after_->operands.size()) : 2); ++i) targets.push_back({i, 0});
        stage(source, targets, out_.dtype, after_);
        return std::move(plan_);
      }
      const Place target = reserve(result_count() * int64_t(size_of(stage_dtype())));
      stage(source, {target}, stage_dtype(), nullptr);
      source = target;
    }
  }

 protected:
  virtual ~ReduceStages() = default;
  virtual LaunchPlan plan_rows(const FusedProgram& program) const = 0;
  // Of the stage's input, made row-major.
  virtual LaunchPlan plan_copy(const Operand& in, const Operand& out) const = 0;
  // How the columns are divided is not said yet.
  virtual LaunchPlan plan_columns(ReduceDesc d) const = 0;
  virtual LaunchPlan plan_columns_then(ReduceDesc, const FusedProgram&) const { return {}; }
  virtual LaunchPlan plan_positions(ReduceDesc d) const = 0;
  // Rows that a kernel of the target reduces better than a row program, if it says any launch: those whose neighbours
  // are neighbours in memory, which are the columns of the description, and those of bytes that count as truths.
  virtual LaunchPlan plan_turned(ReduceDesc) const { return {}; }
  virtual LaunchPlan plan_truths(ReduceDesc) const { return {}; }
  const Operand& stage_input() const { return in_; }
  static void add_step(FusedProgram& program, FusedStep step) {
    if (step.kind != StepKind::Load) step.args[0] = int(program.steps.size()) - 1;
    program.steps.push_back(std::move(step));
  }

 private:
  using Places = std::vector<Place>;

  // Axes of one element change no bits; but something must be reduced, so that a sum of one is rounded like any other.
  void drop_unit_axes(const std::vector<int>& axes) {
    const bool all_units = std::all_of(axes.begin(), axes.end(), [&](int axis) { return in_.shape[axis] == 1; });
    const int kept = all_units && !axes.empty() ? axes.back() : -1;
    for (int axis = in_.shape.size() - 1; axis >= 0; --axis) {
      if (in_.shape[axis] == 1 && axis != kept) erase_axis(axis);
    }
    if (axes.empty()) {
      in_.shape.push_back(1);
      in_.strides.push_back(0);
      reduced_.push_back(true);
    }
  }
  void erase_axis(int axis) {
    in_.shape.erase(axis);
    in_.strides.erase(axis);
    reduced_.erase(reduced_.begin() + axis);
  }

  int groups() const {
    int n = 0;
    for (std::size_t i = 0; i < reduced_.size(); ++i) n += reduced_[i] && (i == 0 || !reduced_[i - 1]);
    return n;
  }
  // The last group of reduced axes: [begin_, end_).
  void find_group() {
    end_ = in_.shape.size();
    while (!reduced_[std::size_t(end_ - 1)]) --end_;
    begin_ = end_;
    while (begin_ > 0 && reduced_[std::size_t(begin_ - 1)]) --begin_;
  }
  int64_t result_count() {
    find_group();
    int64_t n = 1;
    for (int axis = 0; axis < in_.shape.size(); ++axis) n *= axis >= begin_ && axis < end_ ? 1 : in_.shape[axis];
    return n;
  }
  DType stage_dtype() const { return is_truth(kind_) ? DType::Bool : accumulator_of(kind_, in_.dtype); }

  Place reserve(int64_t bytes) {
    const int64_t offset = plan_.workspace_bytes;
    plan_.workspace_bytes += ceil_div(bytes, 64) * 64;
    return {-1, offset};
  }

  // Reduces the last group, and makes the result the operand of the next stage.
  void stage(Place source, const Places& targets, DType to, const FusedProgram* after) {
    find_group();
    const bool trailing = end_ == in_.shape.size();
    // A stage without results launches nothing; the next one reduces no elements.
    if (result_count() == 0) {
    } else if (is_position(kind_))
      add(plan_positions(describe(DType::I64, trailing && is_turned())), source, targets);
    else if (trailing)
      rows(source, targets, to, after);
    else
      add(after ? plan_columns_then(describe(to), *after) : plan_columns(describe(to)), source, targets);
    Shape rest;
    std::vector<bool> rest_reduced;
    for (int axis = 0; axis < in_.shape.size(); ++axis) {
      if (axis >= begin_ && axis < end_) continue;
      rest.push_back(in_.shape[axis]);
      rest_reduced.push_back(reduced_[std::size_t(axis)]);
    }
    in_ = {to, rest, row_major(rest)};
    reduced_ = rest_reduced;
  }

  // A launch's operands are counted from the plan's: places instead. Those that it names itself are source, targets and
  // the workspace, -1; else it has all of them.
  void add(LaunchPlan inner, Place source, const Places& targets) {
    Places all = {source};
    all.insert(all.end(), targets.begin(), targets.end());
    if (inner.workspace_bytes > 0) all.push_back(reserve(inner.workspace_bytes));
    for (Launch& launch : inner.launches) {
      Places places = all;
      if (!launch.operands.empty()) places.clear();
      for (int named : launch.operands) places.push_back(named < 0 ? all.back() : all[std::size_t(named)]);
      launch.operands.clear();
      launch.byte_offsets.resize(places.size(), 0);
      for (std::size_t i = 0; i < places.size(); ++i) {
        launch.operands.push_back(places[i].operand);
        launch.byte_offsets[i] += places[i].offset;
      }
      plan_.launches.push_back(std::move(launch));
    }
  }

  bool group_is_one_axis() const {
    for (int axis = begin_; axis + 1 < end_; ++axis) {
      if (in_.strides[axis] != in_.strides[axis + 1] * in_.shape[axis + 1]) return false;
    }
    return true;
  }

  // Rows whose neighbours are neighbours in memory.
  bool is_turned() const {
    constexpr int64_t kLeastRows = 16;
    if (begin_ == 0 || in_.shape[begin_ - 1] < kLeastRows) return false;
    const int64_t along = in_.strides[end_ - 1], across = in_.strides[begin_ - 1];
    return across > 0 && across < along;
  }
  bool are_bytes() const {
    return is_truth(kind_) && size_of(in_.dtype) == 1 && in_.strides[end_ - 1] == 1 && group_is_one_axis();
  }
  bool reduced_by_kernel(Place source, const Places& targets, DType to) {
    LaunchPlan direct;
    if (is_turned())
      direct = plan_turned(describe(to, true));
    else if (are_bytes())
      direct = plan_truths(describe(to));
    const bool planned = !direct.launches.empty();
    if (planned) add(std::move(direct), source, targets);
    return planned;
  }

  // Rows too long for a tile of several, whose neighbours share cache lines: read in place, each row would bring all of
  // its lines again.
  bool is_long_transposed() const {
    int64_t length = 1, rows = 1;
    for (int axis = 0; axis < end_; ++axis) (axis < begin_ ? rows : length) *= in_.shape[axis];
    if (begin_ == 0 || length <= kSumBlock || rows < 16) return false;
    const int64_t along = in_.strides[end_ - 1], across = in_.strides[begin_ - 1];
    return across > 0 && across < along;
  }

  void rows(Place source, const Places& targets, DType to, const FusedProgram* after) {
    if (!after && reduced_by_kernel(source, targets, to)) return;
    if (!group_is_one_axis() || is_long_transposed()) source = copy_to_workspace(source);
    FusedProgram program;
    FusedOperand input{in_.dtype, {}}, output{to, {}};
    for (int axis = 0; axis < begin_; ++axis) {
      program.extents.push_back(in_.shape[axis]);
      input.strides.push_back(in_.strides[axis]);
    }
    output.strides = row_major(program.extents);
    int64_t length = 1;
    for (int axis = begin_; axis < end_; ++axis) length *= in_.shape[axis];
    program.extents.push_back(length);
    input.strides.push_back(in_.strides[end_ - 1]);
    output.strides.push_back(0);
    program.operands = {input, output};
    program.inputs = 1;
    const DType natural = register_of(in_.dtype), sum = accumulator_of(kind_, in_.dtype);
    add_step(program, {.kind = StepKind::Load, .op = {}, .dtype = natural, .operand = 0});
    if (is_truth(kind_)) add_step(program, {.kind = StepKind::Cast, .op = {}, .dtype = DType::Bool});
    if (natural != sum) add_step(program, {.kind = StepKind::Cast, .op = {}, .dtype = sum});
    const StepKind reduce = kind_ == ReduceKind::Sum                               ? StepKind::RowSum
                            : kind_ == ReduceKind::Prod                            ? StepKind::RowProd
                            : kind_ == ReduceKind::Max || kind_ == ReduceKind::Any ? StepKind::RowMax
                                                                                   : StepKind::RowMin;
    add_step(program, {.kind = reduce, .op = {}, .dtype = sum});
    // The maximum of no elements is the lowest number, which is not false.
    if (kind_ == ReduceKind::Any) add_step(program, {.kind = StepKind::Math, .op = "relu", .dtype = sum});
    if (after)
      go_on(program, *after, to);
    else
      add_step(program, {.kind = StepKind::Store, .op = {}, .dtype = register_of(to), .operand = 1});
    add(plan_rows(program), source, targets);
  }
  // What follows a row's result, which is the last step's, is computed once a row.
  static void go_on(FusedProgram& program, const FusedProgram& after, DType result) {
    if (size_of(result) < 4) add_step(program, {.kind = StepKind::Cast, .op = {}, .dtype = result});
    program.operands.resize(1);
    program.inputs = after.inputs;
    for (std::size_t i = 1; i < after.operands.size(); ++i) {
      FusedOperand operand{after.operands[i].dtype, {}};
      for (int axis = 0; axis < after.extents.size(); ++axis) {
        if (after.extents[axis] != 1) operand.strides.push_back(after.operands[i].strides[axis]);
      }
      operand.strides.push_back(0);
      program.operands.push_back(std::move(operand));
    }
    const int value = int(program.steps.size()) - 1;
    std::vector<int> at;  // of the steps of `after`
    for (FusedStep step : after.steps) {
      if (step.kind == StepKind::Load && step.operand == 0) {
        at.push_back(value);
        continue;
      }
      for (int& arg : step.args) {
        if (arg >= 0) arg = at[std::size_t(arg)];
      }
      at.push_back(int(program.steps.size()));
      program.steps.push_back(std::move(step));
    }
  }
  Place copy_to_workspace(Place source) {
    const Place copy = reserve(count(in_.shape) * int64_t(size_of(in_.dtype)));
    const Operand made{in_.dtype, in_.shape, row_major(in_.shape)};
    add(plan_copy(in_, made), source, {copy});
    in_.strides = made.strides;
    return copy;
  }

  ReduceDesc describe(DType to, bool turned = false) const {
    ReduceDesc d{};
    d.combine = kind_ == ReduceKind::Sum    ? ReduceCombine::Sum
                : kind_ == ReduceKind::Prod ? ReduceCombine::Prod
                : kind_ == ReduceKind::Max || kind_ == ReduceKind::Any || kind_ == ReduceKind::ArgMax
                    ? ReduceCombine::Max
                    : ReduceCombine::Min;
    d.from = static_cast<FusedStorage>(in_.dtype);
    d.to = static_cast<FusedStorage>(to);
    d.truth = is_truth(kind_);
    switch (accumulator_of(kind_, in_.dtype)) {
      case DType::F32:
        d.accumulator = FusedClass::F32;
        break;
      case DType::F64:
        d.accumulator = FusedClass::F64;
        break;
      case DType::I64:
        d.accumulator = FusedClass::I64;
        break;
      case DType::U64:
        d.accumulator = FusedClass::U64;
        break;
      default:
        d.accumulator = FusedClass::I32;
    }
    // Axes that follow each other are one.
    auto push = [&](ReduceAxes& axes, int axis) {
      const int64_t extent = in_.shape[axis], stride = in_.strides[axis];
      if (axes.count > 0 && axes.stride[axes.count - 1] == stride * extent) {
        axes.extent[axes.count - 1] *= extent;
        axes.stride[axes.count - 1] = stride;
        return;
      }
      axes.extent[axes.count] = extent;
      axes.stride[axes.count++] = stride;
    };
    // The columns are the inner axes that follow each other, or of turned rows the axis before them; the others are a
    // batch, like the outer ones.
    int columns_from = in_.shape.size();
    d.inner = d.inner_stride = 1;
    if (end_ < in_.shape.size()) {
      columns_from = in_.shape.size() - 1;
      d.inner = in_.shape[columns_from];
      d.inner_stride = in_.strides[columns_from];
      while (columns_from > end_ && in_.strides[columns_from - 1] == d.inner * d.inner_stride) {
        d.inner *= in_.shape[--columns_from];
      }
    }
    if (turned) {
      d.inner = in_.shape[begin_ - 1];
      d.inner_stride = in_.strides[begin_ - 1];
    }
    d.n_outer = d.n_reduced = 1;
    for (int axis = 0; axis < columns_from; ++axis) {
      if (turned && axis == begin_ - 1) continue;
      const bool in_group = axis >= begin_ && axis < end_;
      push(in_group ? d.reduced : d.outer, axis);
      (in_group ? d.n_reduced : d.n_outer) *= in_.shape[axis];
    }
    return d;
  }

  ReduceKind kind_;
  Operand in_, out_;
  const FusedProgram* after_ = nullptr;
  std::vector<bool> reduced_;
  int begin_ = 0, end_ = 0;
  LaunchPlan plan_;
};

}  // namespace pt
