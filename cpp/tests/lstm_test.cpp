// The recurrence of an LSTM against its definition, its gradient against differences of the definition, and the same
// bits on every instruction set.
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "core/error.h"
#include "ops/lstm_recurrence/plan.h"
#include "tests/check.h"
#include "tests/run_plan.h"

namespace {

using namespace pt;

using Numbers = std::vector<double>;

struct Case {
  int64_t batch, steps, width;
  bool transposed;  // w_hh lies as [4 H, H]
  Shape states() const { return {batch, steps, width}; }
  Shape state() const { return {batch, width}; }
  Shape gates() const { return {batch, steps, 4 * width}; }
  Strides weight_strides() const { return transposed ? Strides{1, width} : Strides{4 * width, 1}; }
};

struct Inputs {
  Numbers xw, w_hh, h0, c0;
};

double squash(double x) { return 1 / (1 + std::exp(-x)); }

// h, c.
std::pair<Numbers, Numbers> reference(const Case& k, const Inputs& x) {
  const int64_t n = k.width;
  Numbers h(count(k.states())), c(count(k.states()));
  for (int64_t b = 0; b < k.batch; ++b) {
    Numbers hidden(x.h0.begin() + b * n, x.h0.begin() + (b + 1) * n),
        cell(x.c0.begin() + b * n, x.c0.begin() + (b + 1) * n);
    for (int64_t t = 0; t < k.steps; ++t) {
      Numbers sums(4 * n);
      for (int64_t j = 0; j < 4 * n; ++j) {
        sums[j] = x.xw[(b * k.steps + t) * 4 * n + j];
        for (int64_t i = 0; i < n; ++i) {
          sums[j] += hidden[i] * x.w_hh[i * k.weight_strides()[0] + j * k.weight_strides()[1]];
        }
      }
      for (int64_t u = 0; u < n; ++u) {
        cell[u] = squash(sums[n + u]) * cell[u] + squash(sums[u]) * std::tanh(sums[2 * n + u]);
        hidden[u] = squash(sums[3 * n + u]) * std::tanh(cell[u]);
        h[(b * k.steps + t) * n + u] = hidden[u];
        c[(b * k.steps + t) * n + u] = cell[u];
      }
    }
  }
  return {h, c};
}

template <class T>
std::vector<T> to(const Numbers& values) {
  return {values.begin(), values.end()};
}

template <class T>
using Results = std::vector<std::vector<T>>;  // h, c, gates, dgates, dh0, dc0

template <class T>
Results<T> run(DType dtype, const Case& k, const Inputs& x, const Numbers& dh, const Numbers& dc) {
  const T nan = std::numeric_limits<T>::quiet_NaN();
  auto xw = to<T>(x.xw), w_hh = to<T>(x.w_hh), h0 = to<T>(x.h0), c0 = to<T>(x.c0), gh = to<T>(dh), gc = to<T>(dc);
  std::vector<T> h(dh.size() + 1, nan), c = h, gates(xw.size() + 1, nan), dgates = gates, dh0(h0.size() + 1, nan),
                                        dc0 = dh0;
  auto dense = [&](const Shape& shape) { return Operand{dtype, shape, row_major(shape)}; };
  const Operand weights{dtype, {k.width, 4 * k.width}, k.weight_strides()};
  check::run_plan(plan_lstm(dense(k.gates()), weights, dense(k.state()), dense(k.state()), dense(k.states()),
                            dense(k.states()), dense(k.gates()), check::varied_context()),
                  {xw.data(), w_hh.data(), h0.data(), c0.data(), h.data(), c.data(), gates.data()});
  check::run_plan(
      plan_lstm_backward(weights, dense(k.state()), dense(k.states()), dense(k.gates()), dense(k.states()),
                         dense(k.states()), dense(k.gates()), dense(k.state()), dense(k.state()),
                         check::varied_context()),
      {w_hh.data(), c0.data(), c.data(), gates.data(), gh.data(), gc.data(), dgates.data(), dh0.data(), dc0.data()});
  Results<T> all{h, c, gates, dgates, dh0, dc0};
  for (auto& values : all) {
    CHECK(std::isnan(values.back()));
    values.pop_back();
  }
  return all;
}

template <class T>
void check_near(const std::vector<T>& got, const Numbers& want, double size, const std::string& what) {
  double worst = 0;
  bool kept = true;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(got[i] - want[i]);
    kept &= error <= 8 * std::numeric_limits<T>::epsilon() * size;
    worst = std::max(worst, error);
  }
  check::report(kept, __FILE__, __LINE__, text(what, ": error ", worst));
}

double dot(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// The gradient along a random direction of each input, against the difference of the definition.
void check_gradient(const Case& k, const Inputs& x, const Numbers& dh, const Numbers& dc, const Results<double>& got,
                    std::mt19937& random) {
  std::normal_distribution<double> normal;
  const std::vector<std::pair<Numbers Inputs::*, int>> inputs = {{&Inputs::xw, 3}, {&Inputs::h0, 4}, {&Inputs::c0, 5}};
  for (auto [member, result] : inputs) {
    Numbers direction((x.*member).size());
    for (double& value : direction) value = normal(random);
    const double step = 1e-5;
    auto loss = [&](double scale) {
      Inputs moved = x;
      for (std::size_t i = 0; i < direction.size(); ++i) (moved.*member)[i] += scale * direction[i];
      auto [h, c] = reference(k, moved);
      return dot(h, dh) + dot(c, dc);
    };
    const double want = (loss(step) - loss(-step)) / (2 * step), have = dot(got[result], direction);
    const double size = std::sqrt(dot(got[result], got[result]) * dot(direction, direction)) + 1e-3;
    check::report(std::abs(want - have) <= 1e-7 * size, __FILE__, __LINE__,
                  text("gradient ", result, " of ", k.states(), ": got ", have, ", want ", want));
  }
}

void check_case(const Case& k, std::mt19937& random) {
  std::normal_distribution<double> normal;
  auto numbers = [&](int64_t n, double scale) {
    Numbers values(n);
    for (double& value : values) value = static_cast<float>(scale * normal(random));
    return values;
  };
  const double weight = 1 / std::sqrt(static_cast<double>(k.width));
  const Inputs x{numbers(count(k.gates()), 1), numbers(4 * k.width * k.width, weight), numbers(count(k.state()), 1),
                 numbers(count(k.state()), 1)};
  const Numbers dh = numbers(count(k.states()), 1), dc = numbers(count(k.states()), 1);
  Results<float> single;
  Results<double> wide;
  for (std::string_view isa : check::usable_isas()) {
    set_isa(isa);
    const Results<float> s = run<float>(DType::F32, k, x, dh, dc);
    const Results<double> w = run<double>(DType::F64, k, x, dh, dc);
    if (single.empty()) single = s, wide = w;
    for (std::size_t i = 0; i < s.size(); ++i) {
      CHECK(std::memcmp(s[i].data(), single[i].data(), s[i].size() * sizeof(float)) == 0);
      CHECK(std::memcmp(w[i].data(), wide[i].data(), w[i].size() * sizeof(double)) == 0);
    }
  }
  auto [h, c] = reference(k, x);
  const double steps = static_cast<double>(k.steps);
  check_near(wide[0], h, 8 * steps, text("h of ", k.states()));
  check_near(wide[1], c, 8 * steps, text("c of ", k.states()));
  check_near(single[0], h, 8 * steps, text("h of ", k.states()));
  check_near(single[3], wide[3], 32 * steps, text("dgates of ", k.states()));
  check_near(single[4], wide[4], 32 * steps, text("dh0 of ", k.states()));
  check_near(single[5], wide[5], 32 * steps, text("dc0 of ", k.states()));
  check_gradient(k, x, dh, dc, wide, random);
}

}  // namespace

int main() {
  std::mt19937 random(7);
  for (const Case& k : {Case{1, 1, 1, false}, Case{2, 5, 3, false}, Case{7, 4, 16, true}, Case{13, 6, 17, false},
                        Case{50, 3, 33, true}, Case{3, 2, 300, false}}) {
    check_case(k, random);
  }
  const Shape states{1, 1, 1}, gates{1, 1, 4}, state{1, 1};
  auto half = [](const Shape& shape) { return Operand{DType::BF16, shape, row_major(shape)}; };
  CHECK_THROWS(plan_lstm(half(gates), half({1, 4}), half(state), half(state), half(states), half(states), half(gates),
                         check::varied_context()),
               DTypeError,
               "[lstm_recurrence] inputs are bf16; expected f32 or f64; cast them to f32 and the result back");
  return check::finish();
}
