// What a fused program means, one element at a time: the oracle of fused_test.cpp. Knows the formulas that plain C++
// computes exactly, and the canonical order of row sums.
#pragma once
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/shape.h"
#include "ops/fused/machine.h"

namespace pt::check {

struct Value {
  DType dtype = DType::F32;
  double real = 0;      // F32 and F64
  int64_t integer = 0;  // I32, I64 and Bool
};

inline Value as(DType dtype, const Value& v) {
  const bool from_float = v.dtype == DType::F32 || v.dtype == DType::F64;
  const double real = from_float ? v.real : 0;
  switch (dtype) {
    case DType::F32:
      return {dtype, from_float ? double(float(v.real)) : double(float(v.integer)), 0};
    case DType::F64:
      return {dtype, from_float ? v.real : double(v.integer), 0};
    case DType::Bool:
      return {dtype, 0, from_float ? v.real != 0 : v.integer != 0};
    case DType::I64:
      return {dtype, 0, from_float ? (std::abs(real) < 0x1p63 ? int64_t(real) : INT64_MIN) : v.integer};
    default:
      return {DType::I32, 0, from_float ? (std::abs(real) < 0x1p31 ? int32_t(real) : INT32_MIN) : int32_t(v.integer)};
  }
}

inline Value apply(const std::string& op, const Value& a, const Value& b, const Value& c) {
  const bool real = a.dtype == DType::F32 || a.dtype == DType::F64;
  auto number = [&](double r, int64_t i) {
    if (a.dtype == DType::F32) return Value{a.dtype, double(float(r)), 0};
    if (a.dtype == DType::F64) return Value{a.dtype, r, 0};
    return Value{a.dtype, 0, a.dtype == DType::I32 ? int64_t(int32_t(i)) : i};
  };
  auto flag = [](bool x) { return Value{DType::Bool, 0, x}; };
  auto wrap = [](auto f, int64_t x, int64_t y) { return int64_t(f(uint64_t(x), uint64_t(y))); };
  // Sums and products of two floats round correctly from double.
  if (op == "add") return number(a.real + b.real, wrap(std::plus<>(), a.integer, b.integer));
  if (op == "subtract") return number(a.real - b.real, wrap(std::minus<>(), a.integer, b.integer));
  if (op == "multiply") return number(a.real * b.real, wrap(std::multiplies<>(), a.integer, b.integer));
  if (op == "divide") return number(a.real / b.real, 0);
  if (op == "sqrt") return number(std::sqrt(a.real), 0);
  if (op == "abs") return number(std::fabs(a.real), wrap(std::minus<>(), 0, a.integer) > 0 ? -a.integer : a.integer);
  if (op == "negative") return number(-a.real, wrap(std::minus<>(), 0, a.integer));
  if (op == "floor") return number(std::floor(a.real), a.integer);
  if (op == "maximum") {
    return number(std::isnan(a.real) ? a.real : a.real > b.real ? a.real : b.real, std::max(a.integer, b.integer));
  }
  if (op == "less") return flag(real ? a.real < b.real : a.integer < b.integer);
  if (op == "equal") return flag(real ? a.real == b.real : a.integer == b.integer);
  if (op == "logical_not") return flag(real ? a.real == 0 : a.integer == 0);
  if (op == "where") return a.integer ? b : c;
  throw std::logic_error("the reference lacks " + op);
}

// Blocks of 1,024, 64 lanes, a tree over lanes, pairwise over blocks. The order tells in a maximum too, of zeros of
// both signs.
template <class T, class Op>
T canonical(const std::vector<T>& row, T identity, Op op) {
  std::vector<T> blocks;
  for (std::size_t begin = 0; begin < row.size(); begin += 1024) {
    std::vector<T> lanes(64, identity);
    for (std::size_t i = begin; i < std::min(row.size(), begin + 1024); ++i) lanes[i % 64] = op(lanes[i % 64], row[i]);
    for (std::size_t half = 32; half > 0; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) lanes[i] = op(lanes[i], lanes[i + half]);
    }
    blocks.push_back(lanes[0]);
  }
  std::function<T(std::size_t, std::size_t)> pairwise = [&](std::size_t begin, std::size_t end) {
    if (end - begin == 1) return blocks[begin];
    std::size_t half = std::bit_floor(end - begin - 1);
    T left = pairwise(begin, begin + half);
    return T(op(left, pairwise(begin + half, end)));
  };
  return blocks.empty() ? identity : pairwise(0, blocks.size());
}

template <class T>
T canonical_sum(const std::vector<T>& row) {
  return canonical(row, T(0), [](T a, T b) { return T(a + b); });
}

template <class T>
T canonical_product(const std::vector<T>& row) {
  return canonical(row, T(1), [](T a, T b) { return T(a * b); });
}

inline Value reduce(StepKind kind, DType dtype, const std::vector<Value>& row) {
  Value result{dtype};
  if (kind == StepKind::RowSum || kind == StepKind::RowProd) {
    const bool product = kind == StepKind::RowProd;
    if (dtype == DType::F32) {
      std::vector<float> floats;
      for (const Value& v : row) floats.push_back(float(v.real));
      result.real = product ? canonical_product(floats) : canonical_sum(floats);
    } else if (dtype == DType::F64) {
      std::vector<double> doubles;
      for (const Value& v : row) doubles.push_back(v.real);
      result.real = product ? canonical_product(doubles) : canonical_sum(doubles);
    } else {
      uint64_t total = product;
      for (const Value& v : row) total = product ? total * uint64_t(v.integer) : total + uint64_t(v.integer);
      result.integer = int64_t(total);
      if (dtype == DType::I32) result.integer = int32_t(result.integer);
    }
    return result;
  }
  const bool maximum = kind == StepKind::RowMax;
  const double edge = maximum ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  const int64_t lowest = dtype == DType::I32 ? INT32_MIN : INT64_MIN;
  std::vector<double> reals;
  result.integer = maximum ? lowest : ~lowest;
  for (const Value& v : row) {
    reals.push_back(v.real);
    result.integer = maximum ? std::max(result.integer, v.integer) : std::min(result.integer, v.integer);
  }
  result.real = canonical(reals, edge,
                          [maximum](double a, double b) { return std::isnan(a) || (maximum ? a > b : a < b) ? a : b; });
  return result;
}

inline Value load(DType dtype, const char* p) {
  auto read = [&](auto zero) {
    std::memcpy(&zero, p, sizeof(zero));
    return zero;
  };
  switch (dtype) {
    case DType::F32:
      return {dtype, read(float()), 0};
    case DType::F64:
      return {dtype, read(double()), 0};
    case DType::I64:
      return {dtype, 0, read(int64_t())};
    case DType::Bool:
      return {dtype, 0, read(uint8_t())};
    case DType::U8:
      return {DType::I32, 0, read(uint8_t())};
    case DType::I8:
      return {DType::I32, 0, read(int8_t())};
    case DType::I16:
      return {DType::I32, 0, read(int16_t())};
    case DType::BF16:
      return {DType::F32, std::bit_cast<float>(uint32_t(read(uint16_t())) << 16), 0};
    default:
      return {DType::I32, 0, read(int32_t())};
  }
}

inline uint16_t bf16_bits(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if (std::isnan(x)) return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// The nearest bfloat16, even of two. Through a float it is rounded twice, and at most one step off.
inline uint16_t nearest_bf16(double x) {
  const uint16_t guess = bf16_bits(float(x));
  const auto value = [](uint16_t bits) { return double(std::bit_cast<float>(uint32_t(bits) << 16)); };
  if (!std::isfinite(value(guess))) return guess;
  uint16_t best = guess;
  for (const int step : {-1, 1}) {
    const auto next = uint16_t(guess + step);
    const double off = std::fabs(value(next) - x), least = std::fabs(value(best) - x);
    if (std::isfinite(value(next)) && (off < least || (off == least && next % 2 == 0))) best = next;
  }
  return best;
}

inline void store(DType dtype, char* p, const Value& v) {
  auto write = [&](auto x) { std::memcpy(p, &x, sizeof(x)); };
  switch (dtype) {
    case DType::F32:
      return write(float(v.real));
    case DType::F64:
      return write(v.real);
    case DType::I64:
      return write(v.integer);
    case DType::BF16:
      return write(nearest_bf16(v.real));
    case DType::I32:
      return write(int32_t(v.integer));
    case DType::I16:
      return write(int16_t(v.integer));
    default:
      return write(uint8_t(v.integer));
  }
}

inline DType register_dtype(DType dtype) {
  switch (dtype) {
    case DType::U8:
    case DType::I8:
    case DType::I16:
      return DType::I32;
    case DType::F16:
    case DType::BF16:
      return DType::F32;
    default:
      return dtype;
  }
}

// The sums of columns so far, in blocks of 256 rows, of which groups of 16 add up.
struct ColumnSums {
  std::vector<double> chain, group, total;
};
inline void add_to_columns(ColumnSums& sums, DType dtype, const std::vector<Value>& row, int64_t at, bool last) {
  const auto add = [&](double& into, double more) {
    into = dtype == DType::F32 ? double(float(into + more)) : into + more;
  };
  if (at == 0) sums.total.assign(row.size(), 0);
  if (at % 256 == 0) sums.chain.assign(row.size(), 0);
  const bool block_ends = last || at % 256 == 255, group_ends = last || at % 4096 == 4095;
  for (std::size_t i = 0; i < row.size(); ++i) add(sums.chain[i], row[i].real);
  if (!block_ends) return;
  if (at % 4096 < 256) sums.group = sums.chain;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (at % 4096 >= 256) add(sums.group[i], sums.chain[i]);
    if (group_ends) add(sums.total[i], sums.group[i]);
  }
}

// How many rows each sum has that step `sum` makes: those along whose axes nothing moves where it is stored.
inline int64_t rows_of_sum(const FusedProgram& program, int sum) {
  int64_t rows = 1;
  for (const FusedStep& step : program.steps) {
    if (step.kind != StepKind::Store || step.args[0] != sum) continue;
    for (int axis = program.extents.size() - 2; axis >= 0; --axis) {
      if (program.operands[step.operand].strides[axis] == 0) rows *= program.extents[axis];
    }
  }
  return rows;
}

// Runs the program literally. Values of a whole row at a time, because reductions need it.
inline void run_reference(const FusedProgram& program, const std::vector<void*>& data) {
  const int axes = program.extents.size();
  const int64_t cols = program.extents.back();
  int64_t rows = 1;
  for (int axis = 0; axis + 1 < axes; ++axis) rows *= program.extents[axis];
  std::vector<ColumnSums> columns(program.steps.size());
  for (int64_t row = 0; row < rows; ++row) {
    auto address = [&](int operand, int64_t col) {
      const FusedOperand& o = program.operands[operand];
      int64_t offset = col * o.strides[axes - 1], rest = row;
      for (int axis = axes - 2; axis >= 0; --axis) {
        offset += rest % program.extents[axis] * o.strides[axis];
        rest /= program.extents[axis];
      }
      return static_cast<char*>(data[operand]) + offset * int64_t(size_of(o.dtype));
    };
    std::vector<std::vector<Value>> values;
    for (const FusedStep& step : program.steps) {
      auto arg = [&](int i) -> const std::vector<Value>& { return values[step.args[i]]; };
      std::vector<Value> result(std::size_t(std::max<int64_t>(cols, 1)));
      const DType dtype = register_dtype(step.dtype);
      if (reduces_row(step.kind)) {
        std::vector<Value> converted;
        for (int64_t i = 0; i < cols; ++i) converted.push_back(as(dtype, arg(0)[i]));
        result.assign(result.size(), reduce(step.kind, dtype, converted));
      }
      if (step.kind == StepKind::ColumnSum) {
        ColumnSums& sums = columns[values.size()];
        const int64_t of_sum = rows_of_sum(program, int(values.size())), at = row % of_sum;
        add_to_columns(sums, dtype, arg(0), at, at + 1 == of_sum);
        for (std::size_t i = 0; i < result.size(); ++i) result[i] = {dtype, sums.total[i], 0};
      }
      // A row of no elements still has values per row: element 0 stands for them.
      for (int64_t i = 0; i < int64_t(result.size()); ++i) {
        const bool empty = cols == 0;
        switch (step.kind) {
          case StepKind::Load:
            if (!empty || program.operands[step.operand].strides[axes - 1] == 0) {
              result[i] = as(dtype, load(program.operands[step.operand].dtype, address(step.operand, i)));
            }
            break;
          case StepKind::Constant:
            result[i] = as(dtype, {DType::F64, step.value, 0});
            break;
          case StepKind::Math:
            result[i] = apply(step.op, arg(0)[i], step.args[1] < 0 ? Value{} : arg(1)[i],
                              step.args[2] < 0 ? Value{} : arg(2)[i]);
            break;
          case StepKind::Cast: {
            const bool half = step.dtype == DType::F16 || step.dtype == DType::BF16;
            result[i] = as(half ? DType::F64 : dtype, arg(0)[i]);  // to 16 bits it is rounded once
            char narrow[8];
            store(step.dtype, narrow, result[i]);
            result[i] = load(step.dtype, narrow);
            break;
          }
          case StepKind::Store:
            if (!empty || program.operands[step.operand].strides[axes - 1] == 0) {
              const DType stored = program.operands[step.operand].dtype;
              store(stored, address(step.operand, i), as(register_dtype(stored), arg(0)[i]));
            }
            break;
          default:
            break;
        }
      }
      values.push_back(std::move(result));
    }
  }
}

}  // namespace pt::check
