// Reductions of any axes against literal sums in their canonical orders.
#include <algorithm>
#include <cstring>
#include <random>

#include "check.h"
#include "core/error.h"
#include "fused_reference.h"
#include "ops/reduce/plan.h"
#include "run_plan.h"

namespace pt::check {
namespace {

std::mt19937 rng(99);
int pick(int n) { return int(rng() % unsigned(n)); }

// Chains of 256, groups of 16 chains, groups ascending.
template <class T, class Op>
T column_order(const std::vector<T>& x, T identity, Op op) {
  T total = identity;
  for (std::size_t group = 0; group < x.size(); group += 4096) {
    T sum = identity;
    for (std::size_t block = group; block < std::min(x.size(), group + 4096); block += 256) {
      T chain = identity;
      for (std::size_t i = block; i < std::min({x.size(), group + 4096, block + 256}); ++i) chain = op(chain, x[i]);
      sum = block == group ? chain : op(sum, chain);
    }
    total = op(total, sum);
  }
  return total;
}

struct Array {
  Shape shape;
  std::vector<Value> values;  // row-major
};

DType accumulator(ReduceKind kind, DType in) {
  if (kind == ReduceKind::Any || kind == ReduceKind::All) return DType::I32;
  const DType natural = register_dtype(in);
  if (is_float(natural)) return natural;
  if (kind == ReduceKind::Sum || kind == ReduceKind::Prod) return DType::I64;
  return natural == DType::Bool ? DType::I32 : natural;
}

Value combine(ReduceKind kind, DType dtype, std::vector<Value> row, bool trailing) {
  if (kind == ReduceKind::ArgMax || kind == ReduceKind::ArgMin) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < row.size(); ++i) {
      const Value &x = row[i], &b = row[best];
      if (std::isnan(b.real)) break;
      const bool above = x.real > b.real || x.integer > b.integer, below = x.real < b.real || x.integer < b.integer;
      if (std::isnan(x.real) || (kind == ReduceKind::ArgMax ? above : below)) best = i;
    }
    return {DType::I64, 0, int64_t(best)};
  }
  const bool truth = kind == ReduceKind::Any || kind == ReduceKind::All;
  for (Value& v : row) v = as(dtype, truth ? as(DType::Bool, v) : v);
  if ((kind == ReduceKind::Prod || kind == ReduceKind::Sum) && !trailing) {
    const bool product = kind == ReduceKind::Prod;
    Value result{dtype};
    auto real = [&](auto zero) {
      using T = decltype(zero);
      std::vector<T> x;
      for (const Value& v : row) x.push_back(T(v.real));
      result.real = column_order<T>(x, T(product), [&](T a, T b) { return product ? T(a * b) : T(a + b); });
    };
    if (dtype == DType::F32) real(float());
    if (dtype == DType::F64) real(double());
    std::vector<uint64_t> x;
    for (const Value& v : row) x.push_back(uint64_t(v.integer));
    result.integer =
        int64_t(column_order<uint64_t>(x, product, [&](uint64_t a, uint64_t b) { return product ? a * b : a + b; }));
    return result;
  }
  const bool maximum = kind == ReduceKind::Max || kind == ReduceKind::Any;
  if (truth && row.empty()) return {dtype, 0, kind == ReduceKind::All};
  return reduce(kind == ReduceKind::Sum    ? StepKind::RowSum
                : kind == ReduceKind::Prod ? StepKind::RowProd
                : maximum                  ? StepKind::RowMax
                                           : StepKind::RowMin,
                dtype, row);
}

// The last group of neighbouring axes first, as often as there are groups. An axis of one element separates nothing.
Array reduce_literally(ReduceKind kind, DType dtype, Array x, std::vector<bool> reduced) {
  for (int axis = x.shape.size() - 1; axis >= 0; --axis) {
    if (x.shape[axis] != 1 || reduced[axis]) continue;
    x.shape.erase(axis);
    reduced.erase(reduced.begin() + axis);
  }
  while (true) {
    int end = x.shape.size();
    while (end > 0 && !reduced[end - 1]) --end;
    if (end == 0) return x;
    int begin = end;
    while (begin > 0 && reduced[begin - 1]) --begin;
    int64_t outer = 1, k = 1, inner = 1;
    Array y;
    std::vector<bool> rest;
    for (int axis = 0; axis < x.shape.size(); ++axis) {
      (axis < begin ? outer : axis < end ? k : inner) *= x.shape[axis];
      if (axis >= begin && axis < end) continue;
      y.shape.push_back(x.shape[axis]);
      rest.push_back(reduced[axis]);
    }
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = 0; i < inner; ++i) {
        std::vector<Value> row;
        for (int64_t j = 0; j < k; ++j) row.push_back(x.values[std::size_t((o * k + j) * inner + i)]);
        y.values.push_back(combine(kind, dtype, row, end == x.shape.size()));
      }
    }
    x = y;
    reduced = rest;
  }
}

void check_case(const Shape& shape, const std::vector<int>& axes, ReduceKind kind, DType in_dtype,
                const std::vector<std::string_view>& isas) {
  // A permuted, gapped layout: results must not depend on it.
  std::vector<int> order;
  for (int i = shape.size() - 1; i >= 0; --i) order.push_back(i);
  if (pick(2)) std::shuffle(order.begin(), order.end(), rng);
  Operand in{in_dtype, shape, row_major(shape)};
  int64_t stride = pick(4) == 0 ? 2 : 1;
  for (int axis : order) {
    in.strides[axis] = stride;
    stride *= std::max<int64_t>(shape[axis], 1) + (pick(6) == 0);
  }
  std::vector<bool> reduced(std::size_t(shape.size()), false);
  for (int axis : axes) reduced[std::size_t(axis)] = true;
  const int64_t bytes = int64_t(size_of(in_dtype));
  std::vector<char> memory(std::size_t((stride + 1) * bytes), char(0xff));
  Array x{shape, {}};
  for (int64_t i = 0; i < count(shape); ++i) {
    int64_t offset = 0, rest = i;
    for (int axis = shape.size() - 1; axis >= 0; --axis) {
      offset += rest % shape[axis] * in.strides[axis];
      rest /= shape[axis];
    }
    double number = pick(50) == 0              ? std::nan("")
                    : kind == ReduceKind::Prod ? 1 + (pick(201) - 100) * 1e-3
                                               : pick(2001) * 0.01 - 10;
    if (pick(3) == 0 && kind != ReduceKind::Prod) number = pick(3);  // ties
    Value v{register_dtype(in_dtype), is_float(in_dtype) ? number : 0, is_float(in_dtype) ? 0 : pick(256)};
    if (in_dtype == DType::Bool) v.integer &= 1;
    store(in_dtype, memory.data() + offset * bytes, v);
    x.values.push_back(load(in_dtype, memory.data() + offset * bytes));
  }
  const bool position = kind == ReduceKind::ArgMax || kind == ReduceKind::ArgMin;
  const bool truth = kind == ReduceKind::Any || kind == ReduceKind::All;
  const bool total = kind == ReduceKind::Sum || kind == ReduceKind::Prod;
  const Array y = reduce_literally(kind, accumulator(kind, in_dtype), x, reduced);
  const DType out_dtype = position                       ? DType::I64
                          : truth                        ? DType::Bool
                          : total && !is_float(in_dtype) ? DType::I64
                                                         : in_dtype;
  const Operand out{out_dtype, y.shape, row_major(y.shape)};
  const int64_t out_bytes = int64_t(size_of(out_dtype));
  const LaunchPlan plan = plan_reduce(kind, in, axes, out, check::varied_context());
  for (std::string_view isa : isas) {
    set_isa(isa);
    std::vector<char> got(y.values.size() * std::size_t(out_bytes) + 64, char(0x5a));
    run_plan(plan, {memory.data(), got.data()});
    bool equal = true;
    for (std::size_t i = 0; i < y.values.size(); ++i) {
      char want[8];
      store(out_dtype, want, as(register_dtype(out_dtype), y.values[i]));
      const char* at = got.data() + i * std::size_t(out_bytes);
      const bool nan =
          is_float(out_dtype) && std::isnan(load(out_dtype, at).real) && std::isnan(load(out_dtype, want).real);
      equal &= nan || std::memcmp(at, want, std::size_t(out_bytes)) == 0;
    }
    for (std::size_t i = y.values.size() * std::size_t(out_bytes); i < got.size(); ++i) equal &= got[i] == 0x5a;
    std::string where;
    for (int axis : axes) where += std::to_string(axis) + " ";
    report(
        equal, __FILE__, __LINE__,
        text(isa, ": kind ", int(kind), " of ", info(in_dtype).brief, shape, " strides ", in.strides, " axes ", where));
  }
}

void test_random(const std::vector<std::string_view>& isas) {
  const DType dtypes[] = {DType::F32, DType::F32,  DType::F64, DType::I32,
                          DType::I64, DType::Bool, DType::U8,  DType::BF16};
  for (int i = 0; i < 1500; ++i) {
    Shape shape;
    const int n = 1 + pick(4);
    for (int axis = 0; axis < n; ++axis)
      shape.push_back(pick(20) == 0 ? 0 : 1 + pick(n == 1 ? 3000 : n == 2 ? 60 : 12));
    const auto kind = static_cast<ReduceKind>(pick(8));
    std::vector<int> axes;
    for (int axis = 0; axis < n; ++axis) {
      if (pick(2)) axes.push_back(axis);
    }
    const bool position = kind == ReduceKind::ArgMax || kind == ReduceKind::ArgMin;
    if (position) axes.assign(1, pick(n));
    const bool needs_elements = position || kind == ReduceKind::Max || kind == ReduceKind::Min;
    if (needs_elements && count(shape) == 0) continue;
    check_case(shape, axes, kind, dtypes[pick(8)], isas);
  }
}

}  // namespace
}  // namespace pt::check

int main() {
  using namespace pt::check;
  const auto isas = usable_isas();
  test_random(isas);
  for (const auto kind : {pt::ReduceKind::Sum, pt::ReduceKind::Max, pt::ReduceKind::Prod}) {
    check_case({9000, 33}, {0}, kind, pt::DType::F32, isas);
    check_case({2, 4097, 1}, {1}, kind, pt::DType::F32, isas);
    check_case({20000}, {0}, kind, pt::DType::F64, isas);
    check_case({3, 200000}, {1}, kind, pt::DType::F32, isas);
    check_case({3, 5000, 20}, {0, 1}, kind, pt::DType::BF16, isas);
    check_case({100, 1500}, {0}, kind, pt::DType::F32, isas);
  }
  return finish();
}
