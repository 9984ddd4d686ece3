// Attention against its definition in double, and the same bits on every instruction set and for every layout.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "core/error.h"
#include "ops/attention/plan.h"
#include "tests/check.h"
#include "tests/run_plan.h"

namespace {

using namespace pt;

struct Case {
  int64_t batches, queries, keys, heads, kv_heads, size;
  bool causal;
  Shape q() const { return {batches, queries, heads, size}; }
  Shape k() const { return {batches, keys, kv_heads, size}; }
  Shape lse() const { return {batches, heads, queries}; }
  double scale() const { return 1 / std::sqrt(static_cast<double>(size)); }
  std::string name() const { return text("q ", q(), ", k ", k(), causal ? ", causal" : ""); }
};

struct Values {
  std::vector<double> q, k, v, dout;
  std::vector<double> out, lse, dq, dk, dv;
};

int64_t at(const Shape& s, int64_t b, int64_t t, int64_t h) { return ((b * s[1] + t) * s[2] + h) * s[3]; }

double dot(const double* a, const double* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// One query at a time, with all of its weights.
void reference(const Case& c, Values& x) {
  x.out.assign(count(c.q()), 0), x.lse.assign(count(c.lse()), 0), x.dq.assign(count(c.q()), 0);
  x.dk.assign(count(c.k()), 0), x.dv.assign(count(c.k()), 0);
  for (int64_t b = 0; b < c.batches; ++b)
    for (int64_t h = 0; h < c.heads; ++h)
      for (int64_t i = 0; i < c.queries; ++i) {
        const int64_t kh = h / (c.heads / c.kv_heads), qi = at(c.q(), b, i, h);
        const int64_t visible = c.causal ? std::clamp<int64_t>(i + 1 + c.keys - c.queries, 0, c.keys) : c.keys;
        double highest = -std::numeric_limits<double>::infinity(), sum = 0;
        std::vector<double> weight(visible);
        for (int64_t j = 0; j < visible; ++j) {
          weight[j] = c.scale() * dot(&x.q[qi], &x.k[at(c.k(), b, j, kh)], c.size);
          highest = std::max(highest, weight[j]);
        }
        for (double& w : weight) sum += w = std::exp(w - highest);
        x.lse[(b * c.heads + h) * c.queries + i] = highest + std::log(sum);
        for (int64_t j = 0; j < visible; ++j) {
          weight[j] /= sum;
          for (int64_t e = 0; e < c.size; ++e) x.out[qi + e] += weight[j] * x.v[at(c.k(), b, j, kh) + e];
        }
        const double expected = dot(&x.dout[qi], &x.out[qi], c.size);
        for (int64_t j = 0; j < visible; ++j) {
          const int64_t kj = at(c.k(), b, j, kh);
          const double ds = c.scale() * weight[j] * (dot(&x.dout[qi], &x.v[kj], c.size) - expected);
          for (int64_t e = 0; e < c.size; ++e) {
            x.dv[kj + e] += weight[j] * x.dout[qi + e];
            x.dq[qi + e] += ds * x.k[kj + e];
            x.dk[kj + e] += ds * x.q[qi + e];
          }
        }
      }
}

// A [B, T, H, D] tensor within memory of its own strides.
template <class T>
struct Array {
  Shape shape;
  Strides strides;
  std::vector<T> memory;
  int64_t first = 0;

  Array(const Shape& s, bool strided, T fill) : shape(s), strides(row_major(s)) {
    // As the second of three that share a buffer, and with elements apart.
    if (strided) {
      strides = {s[1] * s[2] * s[3] * 6, s[2] * s[3] * 6, s[3] * 2, 2};
      first = s[2] * s[3] * 2;
    }
    memory.assign(count(s) * (strided ? 6 : 1) + first + 1, fill);
  }
  template <class From>
  void set(const std::vector<From>& values) {
    for (int64_t i = 0; i < count(shape); ++i) memory[offset(i)] = static_cast<T>(values[i]);
  }
  std::vector<T> get() const {
    std::vector<T> values(count(shape));
    for (int64_t i = 0; i < count(shape); ++i) values[i] = memory[offset(i)];
    return values;
  }
  int64_t offset(int64_t linear) const {
    int64_t at = first;
    for (int axis = 3; axis >= 0; --axis) {
      at += linear % shape[axis] * strides[axis];
      linear /= shape[axis];
    }
    return at;
  }
  void* data() { return memory.data() + first; }
  Operand operand(DType dtype) const { return {dtype, shape, strides}; }
};

template <class T>
using Results = std::vector<std::vector<T>>;  // out, lse, dq, dk, dv

template <class T>
Results<T> run(DType dtype, const Case& c, const Values& x, bool strided) {
  const T nan = std::numeric_limits<T>::quiet_NaN();
  Array<T> q(c.q(), strided, nan), k(c.k(), strided, nan), v(c.k(), strided, nan), dout(c.q(), strided, nan);
  Array<T> out(c.q(), false, nan), dq(c.q(), strided, nan), dk(c.k(), strided, nan), dv(c.k(), strided, nan);
  q.set(x.q), k.set(x.k), v.set(x.v), dout.set(x.dout);
  std::vector<T> lse(count(c.lse()) + 1, nan);
  const Operand lse_operand{dtype, c.lse(), row_major(c.lse())};
  check::run_plan(plan_attention(q.operand(dtype), k.operand(dtype), v.operand(dtype), out.operand(dtype), lse_operand,
                                 c.causal, c.scale()),
                  {q.data(), k.data(), v.data(), out.data(), lse.data()});
  check::run_plan(plan_attention_backward(q.operand(dtype), k.operand(dtype), v.operand(dtype), out.operand(dtype),
                                          lse_operand, dout.operand(dtype), dq.operand(dtype), dk.operand(dtype),
                                          dv.operand(dtype), c.causal, c.scale()),
                  {q.data(), k.data(), v.data(), out.data(), lse.data(), dout.data(), dq.data(), dk.data(), dv.data()});
  CHECK(std::isnan(lse.back()) && std::isnan(out.memory.back()));
  lse.pop_back();
  return {out.get(), lse, dq.get(), dk.get(), dv.get()};
}

template <class T>
bool same_bits(const Results<T>& a, const Results<T>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(T))) return false;
  }
  return true;
}

template <class T>
void check_near(const std::vector<T>& got, const std::vector<double>& want, double size, const std::string& what) {
  double worst = 0;
  bool kept = true;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isinf(want[i])) {
      kept &= got[i] == want[i];
      continue;
    }
    const double error = std::abs(got[i] - want[i]);
    kept &= error <= 8 * std::numeric_limits<T>::epsilon() * size;
    worst = std::max(worst, error);
  }
  check::report(kept, __FILE__, __LINE__, text(what, ": error ", worst));
}

Values random_values(const Case& c, std::mt19937& random) {
  std::normal_distribution<double> normal;
  Values x;
  // Rounded to f32, so that every dtype starts from the same numbers.
  auto fill = [&](const Shape& shape) {
    std::vector<double> values(count(shape));
    for (double& value : values) value = static_cast<float>(normal(random));
    return values;
  };
  x.q = fill(c.q()), x.k = fill(c.k()), x.v = fill(c.k()), x.dout = fill(c.q());
  return x;
}

template <class T>
void check_case(DType dtype, const Case& c, const Values& x) {
  Results<T> first;
  for (std::string_view isa : check::usable_isas()) {
    set_isa(isa);
    const Results<T> got = run<T>(dtype, c, x, false);
    if (first.empty()) first = got;
    check::report(same_bits(got, first), __FILE__, __LINE__, text(c.name(), ": other bits with ", isa));
    check::report(same_bits(run<T>(dtype, c, x, true), first), __FILE__, __LINE__,
                  text(c.name(), ": other bits when strided with ", isa));
  }
  // Sums of up to `keys` weighted values: |v| and |k| below 5, weights and their gradients a few.
  const double size = 8, sums = 8 * static_cast<double>(c.queries) * static_cast<double>(c.heads / c.kv_heads);
  check_near(first[0], x.out, size, c.name() + " out");
  check_near(first[1], x.lse, size, c.name() + " lse");
  check_near(first[2], x.dq, 4 * size, c.name() + " dq");
  check_near(first[3], x.dk, sums, c.name() + " dk");
  check_near(first[4], x.dv, sums, c.name() + " dv");
}

// 16 bits: the f32 result of the same rounded inputs, rounded once more.
void test_half() {
  const Case c{1, 70, 70, 2, 2, 19, true};
  std::mt19937 random(6);
  Values x = random_values(c, random);
  auto upper = [](float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  };
  auto widen = [](uint16_t bits) {
    const uint32_t wide = static_cast<uint32_t>(bits) << 16;
    float value;
    std::memcpy(&value, &wide, 4);
    return value;
  };
  std::vector<uint16_t> q, k, v;
  for (auto [from, to] : {std::pair{&x.q, &q}, {&x.k, &k}, {&x.v, &v}}) {
    for (double& value : *from) to->push_back(upper(static_cast<float>(value))), value = widen(to->back());
  }
  std::vector<uint16_t> out(count(c.q()));
  std::vector<float> lse(count(c.lse()));
  const Operand half{DType::BF16, c.q(), row_major(c.q())}, saved{DType::F32, c.lse(), row_major(c.lse())};
  check::run_plan(plan_attention(half, half, half, half, saved, c.causal, c.scale()),
                  {q.data(), k.data(), v.data(), out.data(), lse.data()});
  const Results<float> want = run<float>(DType::F32, c, x, false);
  for (std::size_t i = 0; i < out.size(); ++i) CHECK_EQ(out[i], upper(want[0][i]));
  CHECK(lse == want[1]);
}

}  // namespace

int main() {
  const Case cases[] = {
      {1, 1, 1, 1, 1, 1, false},     {2, 3, 5, 2, 2, 8, false},     {1, 64, 64, 1, 1, 64, true},
      {2, 65, 65, 3, 3, 16, true},   {1, 130, 130, 2, 1, 33, true}, {1, 17, 129, 4, 2, 20, true},
      {1, 129, 17, 1, 1, 7, true},   {1, 63, 200, 2, 2, 64, false}, {1, 40, 40, 1, 1, 300, true},
      {1, 200, 200, 6, 2, 5, false}, {1, 0, 5, 1, 1, 4, false},     {2, 97, 97, 1, 1, 4, true},
  };
  std::mt19937 random(5);
  for (const Case& c : cases) {
    Values x = random_values(c, random);
    reference(c, x);
    check_case<float>(DType::F32, c, x);
    check_case<double>(DType::F64, c, x);
  }
  test_half();
  return check::finish();
}
