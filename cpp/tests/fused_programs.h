// Random fused programs with memory for their operands, for the tests of every machine that runs them.
#pragma once
#include <algorithm>
#include <cstring>
#include <random>
#include <sstream>

#include "tests/fused_reference.h"

namespace pt::check {

inline std::mt19937 rng(20240611);
inline int pick(int n) { return int(rng() % unsigned(n)); }

struct OperandMemory {
  std::vector<uint64_t> words;
  int64_t offset = 0;  // bytes to element 0
  char* at() { return reinterpret_cast<char*>(words.data()) + offset; }
};

inline double random_number() {
  switch (pick(12)) {
    case 0:
      return 0;
    case 1:
      return -0.0;
    case 2:
      return std::numeric_limits<double>::quiet_NaN();
    case 3:
      return std::numeric_limits<double>::infinity();
    default:
      return (double(rng()) / 4294967296.0 - 0.5) * 8;
  }
}

// OperandMemory that holds every element of an operand, with a margin on both sides whose bytes are part of the
// comparison.
inline OperandMemory make_memory(const FusedOperand& operand, const Shape& extents, bool random) {
  int64_t low = 0, high = 0;
  for (int axis = 0; axis < extents.size(); ++axis) {
    const int64_t reach = (std::max<int64_t>(extents[axis], 1) - 1) * operand.strides[axis];
    (reach < 0 ? low : high) += reach;
  }
  const int64_t bytes = int64_t(size_of(operand.dtype));
  const int64_t elements = high - low + 1 + 64;
  OperandMemory memory;
  memory.words.assign(std::size_t(elements * bytes / 8 + 2), 0x7ff4dead7fa4deadu);
  memory.offset = (32 - low) * bytes;
  if (!random) return memory;
  for (int64_t i = 0; i < elements; ++i) {
    char* p = reinterpret_cast<char*>(memory.words.data()) + i * bytes;
    const bool real = is_float(operand.dtype);
    const double number = random_number();
    const DType stored = register_dtype(operand.dtype);
    Value v{stored, real ? number : 0, real ? 0 : int64_t(rng()) - (1ll << 31)};
    if (operand.dtype == DType::Bool) v.integer &= 1;
    store(operand.dtype, p, v);
  }
  return memory;
}

inline Strides random_strides(const Shape& extents, bool may_broadcast) {
  const int n = extents.size();
  std::vector<int> order(n);
  for (int i = 0; i < n; ++i) order[i] = n - 1 - i;
  if (pick(4) == 0) std::shuffle(order.begin(), order.end(), rng);
  Strides strides;
  for (int i = 0; i < n; ++i) strides.push_back(0);
  int64_t stride = pick(8) == 0 ? 2 : 1;
  for (int axis : order) {
    strides[axis] = pick(16) == 0 ? -stride : stride;
    stride *= std::max<int64_t>(extents[axis], 1) + (pick(10) == 0);
  }
  for (int axis = 0; axis < n && may_broadcast; ++axis) {
    if (pick(4) == 0) strides[axis] = 0;
  }
  return strides;
}

class RandomProgram {
 public:
  explicit RandomProgram(bool with_reductions, bool with_columns = false) {
    const int axes = with_columns ? 2 : 1 + pick(4);
    for (int i = 0; i + 1 < axes; ++i) p_.extents.push_back(1 + pick(axes > 2 ? 5 : 40));
    static const int sizes[] = {1, 3, 10, 15, 16, 17, 31, 33, 100, 300, 512, 1000, 1024, 1025, 2100, 5000};
    p_.extents.push_back(with_reductions && pick(30) == 0 ? 0 : sizes[pick(axes > 1 ? 13 : 16)]);
    static const DType dtypes[] = {DType::F32, DType::F32,  DType::F32, DType::F64, DType::I32,
                                   DType::I64, DType::Bool, DType::U8,  DType::BF16};
    if (with_columns) {
      p_.extents = columns_extents();
      keeps_first_ = p_.extents.size() == 3 && p_.extents[1] > 1 && pick(2) == 0;
    }
    p_.inputs = 1 + pick(4);
    for (int i = 0; i < p_.inputs; ++i) {
      p_.operands.push_back({dtypes[pick(9)], random_strides(p_.extents, true)});
      steps({.kind = StepKind::Load, .op = "", .dtype = register_dtype(p_.operands[i].dtype), .operand = i});
    }
    steps({.kind = StepKind::Constant, .op = "", .dtype = DType::F32, .value = 1.5});
    const int count = 2 + pick(12);
    for (int i = 0; i < count; ++i) add_step(with_reductions);
    // Store the last values, and sometimes one in the middle.
    const int n = int(p_.steps.size());
    for (int value : {n - 1, n - 2, pick(n)}) add_store(value, with_reductions);
    for (int i = with_columns ? 1 + pick(3) : 0; i > 0; --i) add_column_sum(pick(n));
  }
  FusedProgram take() { return p_; }

 private:
  void steps(FusedStep step, bool row = false) {
    p_.steps.push_back(step);
    row_.push_back(row);
  }
  // About the blocks and groups of rows that are added up.
  static Shape columns_extents() {
    static const int rows[] = {1, 7, 255, 256, 257, 600, 1000, 4097, 9000},
                     cols[] = {1, 10, 16, 33, 64, 300, 1025, 2100};
    const int n = rows[pick(9)];
    if (n > 4097) return {n, cols[pick(4)]};
    if (n > 1000) return pick(2) ? Shape{n, cols[pick(4)]} : Shape{2, n, cols[pick(3)]};
    return pick(3) ? Shape{n, cols[pick(8)]} : Shape{pick(2) ? 3 : 40, n, cols[pick(n > 256 ? 2 : 4)]};
  }
  void add_column_sum(int value) {
    const DType cls = p_.steps[value].dtype == DType::F64 ? DType::F64 : DType::F32;
    const int number = class_cast(value, cls);
    steps({.kind = StepKind::ColumnSum, .op = "", .dtype = cls, .args = {number, -1, -1, -1}});
    Strides one_row(p_.extents);
    for (int axis = 0; axis < one_row.size(); ++axis) one_row[axis] = axis + 1 == one_row.size();
    if (keeps_first_) one_row[0] = p_.extents.back();
    p_.operands.push_back({cls == DType::F32 && pick(3) == 0 ? DType::BF16 : cls, one_row});
    steps({.kind = StepKind::Store,
           .op = "",
           .dtype = cls,
           .args = {int(p_.steps.size()) - 1, -1, -1, -1},
           .operand = int(p_.operands.size()) - 1});
  }
  int random_value() { return pick(int(p_.steps.size())); }
  int with_dtype(int value, DType dtype) {
    if (p_.steps[value].dtype == dtype) return value;
    steps({.kind = StepKind::Cast, .op = "", .dtype = dtype, .args = {value, -1, -1, -1}}, row_[value]);
    return int(p_.steps.size()) - 1;
  }
  void add_step(bool with_reductions) {
    const int value = random_value();
    const DType dtype = p_.steps[value].dtype;
    if (with_reductions && pick(4) == 0) {
      const StepKind kinds[] = {StepKind::RowSum, StepKind::RowProd, StepKind::RowMax, StepKind::RowMin};
      steps({.kind = kinds[pick(4)],
             .op = "",
             .dtype = dtype == DType::Bool ? DType::I64 : register_dtype(dtype),
             .args = {value, -1, -1, -1}},
            true);
      return;
    }
    if (pick(6) == 0) {
      const DType to[] = {DType::F32, DType::F64, DType::I32, DType::I64, DType::BF16, DType::U8, DType::Bool};
      const DType storage = to[pick(7)];
      steps({.kind = StepKind::Cast, .op = "", .dtype = storage, .args = {value, -1, -1, -1}}, row_[value]);
      return;
    }
    static const char* ops[] = {"add",   "subtract",    "multiply", "maximum", "negative", "abs",  "less",
                                "equal", "logical_not", "where",    "sqrt",    "divide",   "floor"};
    const std::string op = ops[pick(13)];
    const DType cls = register_dtype(dtype);
    if (op == "where") {
      const int condition = with_dtype(random_value(), DType::Bool), other = class_cast(random_value(), cls);
      steps({.kind = StepKind::Math, .op = op, .dtype = cls, .args = {condition, value, other, -1}},
            row_[condition] && row_[value] && row_[other]);
      return;
    }
    if (!math_takes(op, cls)) return;
    const int other = math_arity(op) == 2 ? class_cast(random_value(), cls) : -1;
    steps({.kind = StepKind::Math, .op = op, .dtype = math_result(op, cls), .args = {value, other, -1, -1}},
          row_[value] && (other < 0 || row_[other]));
  }
  int class_cast(int value, DType cls) {
    return register_dtype(p_.steps[value].dtype) == cls ? value : with_dtype(value, cls);
  }
  void add_store(int value, bool with_reductions) {
    static const DType outputs[] = {DType::F32, DType::F64, DType::I32, DType::I64, DType::U8, DType::BF16};
    DType dtype = pick(3) ? p_.steps[value].dtype : outputs[pick(6)];
    if (p_.steps[value].kind == StepKind::Store) return;
    Strides strides = pick(3) ? row_major(p_.extents) : random_strides(p_.extents, false);
    if (with_reductions && row_[value]) {
      strides = Strides();
      int64_t stride = 1 + (pick(4) == 0);
      std::vector<int64_t> reversed{0};
      for (int axis = p_.extents.size() - 2; axis >= 0; --axis) {
        reversed.push_back(stride);
        stride *= p_.extents[axis] + (pick(4) == 0);
      }
      for (std::size_t i = reversed.size(); i-- > 0;) strides.push_back(reversed[i]);
    }
    p_.operands.push_back({dtype, strides});
    steps({.kind = StepKind::Store,
           .op = "",
           .dtype = dtype,
           .args = {value, -1, -1, -1},
           .operand = int(p_.operands.size()) - 1});
  }
  FusedProgram p_;
  std::vector<bool> row_;
  bool keeps_first_ = false;  // sums of columns are one for each entry of the first axis
};

inline std::string describe(const FusedProgram& p) {
  std::ostringstream out;
  out << "extents " << p.extents << "\n";
  for (std::size_t i = 0; i < p.operands.size(); ++i) {
    out << "  operand " << i << " " << info(p.operands[i].dtype).brief << " strides " << p.operands[i].strides << "\n";
  }
  static const char* kinds[] = {"load",   "constant", "math",    "cast",  "rowsum",   "rowprod",
                                "rowmax", "rowmin",   "uniform", "store", "columnsum"};
  for (std::size_t i = 0; i < p.steps.size(); ++i) {
    const FusedStep& s = p.steps[i];
    out << "  " << i << " = " << kinds[int(s.kind)] << " " << s.op << " " << info(s.dtype).brief << " (" << s.args[0]
        << ", " << s.args[1] << ", " << s.args[2] << ") operand " << s.operand << "\n";
  }
  return out.str();
}

// NaNs are compared as NaNs: which of two payloads survives an operation, C++ does not say.
inline bool same(DType dtype, const char* a, const char* b, int64_t bytes) {
  if (std::memcmp(a, b, std::size_t(bytes)) == 0) return true;
  if (!is_float(dtype)) return false;
  const int64_t size = int64_t(size_of(dtype));
  for (int64_t i = 0; i + size <= bytes; i += size) {
    if (std::memcmp(a + i, b + i, std::size_t(size)) == 0) continue;
    if (!std::isnan(load(dtype, a + i).real) || !std::isnan(load(dtype, b + i).real)) return false;
  }
  return true;
}

// Outputs that could be an input's memory; -1 for those that get their own. An input is given away once.
inline std::vector<int> share_memory(const FusedProgram& p) {
  std::vector<int> shared(p.operands.size(), -1);
  std::vector<bool> taken(p.operands.size(), false);
  for (std::size_t out = std::size_t(p.inputs); out < p.operands.size(); ++out) {
    for (int in = 0; in < p.inputs && shared[out] < 0; ++in) {
      const FusedOperand &a = p.operands[out], &b = p.operands[std::size_t(in)];
      bool covers = true;  // an input with broadcast axes has fewer elements than the output
      for (int axis = 0; axis < p.extents.size(); ++axis) covers &= b.strides[axis] != 0 || p.extents[axis] == 1;
      if (taken[in] || !covers || size_of(a.dtype) != size_of(b.dtype) || !(a.strides == b.strides)) continue;
      shared[out] = in;
      taken[in] = true;
    }
  }
  return shared;
}

inline bool same_elements(const FusedProgram& p, std::size_t operand, const char* a, const char* b) {
  const FusedOperand& o = p.operands[operand];
  const int64_t size = int64_t(size_of(o.dtype));
  for (int64_t i = 0; i < count(p.extents); ++i) {
    int64_t offset = 0, rest = i;
    for (int axis = p.extents.size() - 1; axis >= 0; --axis) {
      offset += rest % p.extents[axis] * o.strides[axis];
      rest /= p.extents[axis];
    }
    if (!same(o.dtype, a + offset * size, b + offset * size, size)) return false;
  }
  return true;
}

}  // namespace pt::check
