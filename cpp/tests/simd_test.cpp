// The formulas through the fused machine: accuracy against long double, edges as IEEE 754 and NumPy have them, and the
// same bits on every instruction set.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "check.h"
#include "core/error.h"
#include "ops/fused/machine.h"
#include "run_plan.h"
#include "simd/philox.h"

namespace pt::check {
namespace {

std::mt19937_64 rng(7);

template <class T>
constexpr DType dtype_of = sizeof(T) == 4 ? DType::F32 : DType::F64;

// y = op(a) or op(a, b) over n elements.
FusedProgram program_of(const std::string& op, DType dtype, int64_t n) {
  const int arity = math_arity(op);
  FusedProgram p;
  p.extents = {n};
  p.inputs = arity;
  FusedStep math{.kind = StepKind::Math, .op = op, .dtype = math_result(op, dtype)};
  for (int i = 0; i < arity; ++i) {
    p.operands.push_back({dtype, {1}});
    p.steps.push_back({.kind = StepKind::Load, .op = "", .dtype = dtype, .operand = i});
    math.args[i] = i;
  }
  p.operands.push_back({math.dtype, {1}});
  p.steps.push_back(math);
  p.steps.push_back(
      {.kind = StepKind::Store, .op = "", .dtype = math.dtype, .args = {arity, -1, -1, -1}, .operand = arity});
  return p;
}

template <class T>
std::vector<T> run(const std::string& op, const std::vector<T>& a, const std::vector<T>& b) {
  std::vector<T> y(a.size());
  const LaunchPlan plan = lower_fused(program_of(op, dtype_of<T>, int64_t(a.size())));
  std::vector<void*> data{const_cast<T*>(a.data())};
  if (math_arity(op) == 2) data.push_back(const_cast<T*>(b.data()));
  data.push_back(y.data());
  run_plan(plan, data);
  return y;
}

template <class T>
bool same(T a, T b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0 || (std::isnan(a) && std::isnan(b));
}

// Distance to the truth in units of the last place of the truth.
template <class T>
double ulps(T got, long double want) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got) ? 0 : 1e30;
  if (same(got, T(want))) return 0;
  if (std::isinf(got) || std::isinf(T(want))) return 1e30;
  int exponent;
  std::frexp(want == 0 ? (long double)(std::numeric_limits<T>::denorm_min()) : want, &exponent);
  exponent = std::max(exponent, std::numeric_limits<T>::min_exponent);
  const long double unit = std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits);
  return double(std::abs((long double)got - want) / unit);
}

template <class T>
T any_bits() {
  if constexpr (sizeof(T) == 4)
    return std::bit_cast<float>(uint32_t(rng()));
  else
    return std::bit_cast<double>(uint64_t(rng()));
}
double uniform(double low, double high) { return low + (high - low) * double(rng() >> 11) * 0x1p-53; }

// Every bit pattern is as likely, then numbers of ordinary size, then the edges.
template <class T>
std::vector<T> arguments(double low, double high, int n) {
  std::vector<T> x;
  for (int i = 0; i < n; ++i) x.push_back(i % 3 == 0 ? any_bits<T>() : T(uniform(low, high)));
  const T inf = std::numeric_limits<T>::infinity(), tiny = std::numeric_limits<T>::denorm_min();
  for (T edge : {T(0), -T(0), T(1), T(-1), inf, -inf, std::numeric_limits<T>::quiet_NaN(), tiny, -tiny,
                 std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), -std::numeric_limits<T>::max(), T(0.5),
                 T(2), T(-2), T(3), T(-3), T(1.5)}) {
    x.push_back(edge);
  }
  return x;
}

using Reference1 = long double (*)(long double);
using Reference2 = long double (*)(long double, long double);
using L = long double;

L sigmoid(L x) { return 1 / (1 + std::exp(-x)); }
L normal_cdf(L x) { return std::erfc(-x / std::sqrt(2.0L)) / 2; }
L gelu_tanh_sigmoid(L x) { return sigmoid(2 * std::sqrt(2 / std::acos(-1.0L)) * (x + 0.044715L * x * x * x)); }

struct Unary {
  const char* op;
  Reference1 reference;
  double low, high;
  double limit_f32, limit_f64;  // ulps
  bool factors = false;
};
const Unary kUnary[] = {
    {"exp", [](L x) { return std::exp(x); }, -110, 100, 1, 1},
    {"exp", [](L x) { return std::exp(x); }, -1500, -80, 1, 1},
    {"expm1", [](L x) { return std::expm1(x); }, -20, 90, 2, 2},
    {"log", [](L x) { return std::log(x); }, 0, 4, 1, 1},
    {"log1p", [](L x) { return std::log1p(x); }, -1, 3, 1.5, 1.5},
    {"tanh", [](L x) { return std::tanh(x); }, -10, 10, 2.5, 2.5},
    {"sin", [](L x) { return std::sin(x); }, -1e5, 1e5, 1.5, 2},
    {"cos", [](L x) { return std::cos(x); }, -100, 100, 1.5, 2},
    {"erf", [](L x) { return std::erf(x); }, -5, 5, 1, 2},
    {"erfc", [](L x) { return std::erfc(x); }, -6, 26, 4.5, 4.5, true},
    {"sqrt", [](L x) { return std::sqrt(x); }, 0, 10, 0.5, 0.501},
    {"sigmoid", sigmoid, -100, 100, 2.5, 2.5},
    {"silu", [](L x) { return x * sigmoid(x); }, -30, 30, 3, 3, true},
    {"log1p_exp", [](L x) { return std::max<L>(x, 0) + std::log1p(std::exp(-std::abs(x))); }, -30, 30, 2, 2},
    {"gelu_erf", [](L x) { return x * normal_cdf(x); }, -6, 6, 6, 6, true},
    {"gelu_tanh", [](L x) { return x * gelu_tanh_sigmoid(x); }, -3, 6, 4, 4, true},
    {"tan", [](L x) { return std::tan(x); }, -1.6, 1.6, 2.5, 3},
    {"tan", [](L x) { return std::tan(x); }, -1e5, 1e5, 2.5, 3},
    {"asin", [](L x) { return std::asin(x); }, -1.0001, 1.0001, 2, 2},
    {"acos", [](L x) { return std::acos(x); }, -1.0001, 1.0001, 2, 2},
    {"sinh", [](L x) { return std::sinh(x); }, -3, 3, 2, 2},
    {"sinh", [](L x) { return std::sinh(x); }, -95, 95, 2, 2},
    {"sinh", [](L x) { return std::sinh(x); }, -720, 720, 2, 2},
    {"cosh", [](L x) { return std::cosh(x); }, -3, 3, 2, 2},
    {"cosh", [](L x) { return std::cosh(x); }, -95, 95, 2, 2},
    {"cosh", [](L x) { return std::cosh(x); }, -720, 720, 2, 2},
    {"asinh", [](L x) { return std::asinh(x); }, -20, 20, 3.5, 3},
    {"asinh", [](L x) { return std::asinh(x); }, -1e30, 1e30, 3.5, 3},
    {"acosh", [](L x) { return std::acosh(x); }, 0.9, 20, 2.5, 2.5},
    {"acosh", [](L x) { return std::acosh(x); }, 0, 1e30, 2.5, 2.5},
    {"atanh", [](L x) { return std::atanh(x); }, -1.0001, 1.0001, 2.5, 2.5},
    {"log2", [](L x) { return std::log2(x); }, 0, 4, 2, 2},
    {"log10", [](L x) { return std::log10(x); }, 0, 4, 2, 2},
    {"log1p", [](L x) { return std::log1p(x); }, 0, 3.4e38, 1.2, 1.5},
    {"gelu_erf", [](L x) { return x * normal_cdf(x); }, -5.6, -5.4, 5, 6, true},
    {"gelu_erf", [](L x) { return x * normal_cdf(x); }, -1, 20, 5, 6, true},
};

template <class T>
void check_unary(const Unary& f, int n) {
  const std::vector<T> x = arguments<T>(f.low, f.high, n);
  const std::vector<T> y = run<T>(f.op, x, {});
  double worst = 0;
  T worst_x = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double want = f.reference(x[i]);
    // A product with a factor that is denormal has that factor's error.
    if (f.factors && std::abs(want) < 1024 * (L)std::numeric_limits<T>::min() && want != 0) continue;
    const double error = ulps(y[i], want);
    if (error > worst) worst = error, worst_x = x[i];
  }
  const double limit = sizeof(T) == 4 ? f.limit_f32 : f.limit_f64;
  std::printf("%-12s f%d  %.3f ulp at %.9g\n", f.op, int(sizeof(T)) * 8, worst, double(worst_x));
  report(worst <= limit, __FILE__, __LINE__, std::string(f.op) + " is off by " + std::to_string(worst) + " ulp");
}

template <class T>
void check_power(int n) {
  std::vector<T> x = arguments<T>(0, 10, n), y = arguments<T>(-30, 30, n);
  std::shuffle(y.begin(), y.end(), rng);
  for (T a : arguments<T>(0, 1, 0)) {
    for (T b : arguments<T>(0, 1, 0)) {
      x.push_back(a);
      y.push_back(b);
    }
  }
  for (int i = 0; i < n; ++i) {
    x.push_back(T(uniform(0.99, 1.01)));
    y.push_back(T(uniform(-60000, 60000)));
  }
  const std::vector<T> z = run<T>("pow", x, y);
  // float64: as exp, whose argument is known to some hundredths of an ulp of the result. float32: less where the
  // exponent is below 100.
  const double limit = sizeof(T) == 4 ? 1.4 : 1.05;
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double error = ulps(z[i], std::pow((L)x[i], (L)y[i]));
    if (error > worst) worst = error;
    report(error <= limit, __FILE__, __LINE__,
           "pow(" + std::to_string(x[i]) + ", " + std::to_string(y[i]) + ") = " + std::to_string(z[i]));
  }
  std::printf("%-12s f%d  %.3f ulp\n", "pow", int(sizeof(T)) * 8, worst);
}

// Powers that are floats are those floats.
template <class T>
void check_exact_powers() {
  std::vector<T> x, y, want;
  const auto add = [&](T a, T b, T power) { x.push_back(a), y.push_back(b), want.push_back(power); };
  for (int i = 1; i <= 4096; ++i) {
    const T a = T(i) / 16, square = a * a;
    add(-a, 2, square);
    add(square, T(0.5), a);
    add(a, 1, a);
    if (i <= 256) add(-a, 3, -square * a);
    if (i <= 64) add(a, 4, square * square);
  }
  for (int i = std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits;
       i < std::numeric_limits<T>::max_exponent; ++i) {
    add(2, T(i), std::ldexp(T(1), i));
    add(T(0.25), T(-i) / 2, std::ldexp(T(1), i));
  }
  const std::vector<T> z = run<T>("pow", x, y);
  for (std::size_t i = 0; i < x.size(); ++i) {
    report(same(z[i], want[i]), __FILE__, __LINE__, text("pow(", x[i], ", ", y[i], ") = ", z[i], " for ", want[i]));
  }
}

// The derivative of gelu; where it is 0 at about -0.75, an error is as that of its parts.
template <class T>
void check_gelu_slope(int n) {
  const std::vector<T> x = arguments<T>(-9, 9, n), one(x.size(), T(1));
  const std::vector<T> y = run<T>("gelu_erf_grad", x, one);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isinf(x[i]) || std::isnan(x[i]) || x[i] < -12) continue;
    const L at = x[i], want = normal_cdf(at) + at * std::exp(-at * at / 2) / std::sqrt(2 * std::acos(-1.0L));
    const L size = std::max(std::abs(want), at > -1 ? 0.25L : 0);
    worst = std::max(worst, double(std::abs(y[i] - want) / (size * std::numeric_limits<T>::epsilon())));
    if (x[i] > 10) CHECK_EQ(y[i], T(1));
  }
  std::printf("%-12s f%d  %.3f eps\n", "gelu slope", int(sizeof(T)) * 8, worst);
  CHECK(worst <= (sizeof(T) == 4 ? 4 : 6));
}

template <class T>
void check_remainder(int n) {
  std::vector<T> x = arguments<T>(-100, 100, n), y = arguments<T>(-10, 10, n);
  std::shuffle(y.begin(), y.end(), rng);
  for (T a : arguments<T>(0, 1, 0)) {
    for (T b : arguments<T>(0, 1, 0)) {
      x.push_back(a);
      y.push_back(b);
    }
  }
  const std::vector<T> m = run<T>("remainder", x, y), q = run<T>("floor_divide", x, y);
  for (std::size_t i = 0; i < x.size(); ++i) {
    // NumPy's npy_divmod.
    T mod = std::fmod(x[i], y[i]), quotient = (x[i] - mod) / y[i], want;
    if (mod != 0) {
      if ((y[i] < 0) != (mod < 0)) mod += y[i], quotient -= 1;
    } else {
      mod = std::copysign(T(0), y[i]);
    }
    if (quotient != 0) {
      want = std::floor(quotient);
      if (quotient - want > T(0.5)) want += 1;
    } else {
      want = std::copysign(T(0), x[i] / y[i]);
    }
    if (y[i] == 0) want = std::isnan(x[i]) ? x[i] : x[i] / y[i];
    report(same(m[i], mod), __FILE__, __LINE__,
           "remainder(" + std::to_string(x[i]) + ", " + std::to_string(y[i]) + ") = " + std::to_string(m[i]));
    const bool infinite = std::isinf(x[i]);  // NaN, or infinity over zero: NumPy's versions differ
    report(infinite || same(q[i], want), __FILE__, __LINE__,
           "floor_divide(" + std::to_string(x[i]) + ", " + std::to_string(y[i]) + ") = " + std::to_string(q[i]));
  }
}

// erfc(-x / sqrt 2) / 2 of the quantile is the probability again.
template <class T>
void check_quantile(int n) {
  std::vector<T> p;
  for (int i = 0; i < n; ++i) p.push_back(T(i % 2 ? uniform(0, 1) : std::exp(uniform(-80, 0))));
  p.insert(p.end(), {T(0), T(1), T(0.5), T(-1), T(2)});
  const std::vector<T> x = run<T>("normal_quantile", p, {});
  double worst = 0;
  for (int i = 0; i < n; ++i) {
    if (p[i] == 1) continue;
    // What an error of one ulp in x does to the probability, relative to it, bounds what can be asked.
    const L density = std::exp(-(L)x[i] * x[i] / 2) / std::sqrt(2 * std::acos(-1.0L));
    const L unit = std::numeric_limits<T>::epsilon() * std::max<L>(1, std::abs((L)x[i])) * density;
    worst =
        std::max(worst, double(std::abs(normal_cdf(x[i]) - p[i]) / (unit + std::numeric_limits<T>::epsilon() * p[i])));
  }
  std::printf("%-12s f%d  %.3f eps\n", "quantile", int(sizeof(T)) * 8, worst);
  CHECK(worst <= 4);
  const T inf = std::numeric_limits<T>::infinity();
  CHECK(x[n] == -inf && x[n + 1] == inf && x[n + 2] == 0 && std::isnan(x[n + 3]) && std::isnan(x[n + 4]));
}

template <class T>
void check_integers() {
  std::vector<T> a, b;
  const T low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  for (T x : {T(0), T(1), T(-1), T(7), T(-7), low, high, T(2), T(-2), T(123456)}) {
    for (T y : {T(0), T(1), T(-1), T(3), T(-3), low, high, T(2), T(31), T(63)}) a.push_back(x), b.push_back(y);
  }
  const DType dtype = sizeof(T) == 4 ? DType::I32 : DType::I64;
  auto apply = [&](const char* op) {
    std::vector<T> y(a.size());
    run_plan(lower_fused(program_of(op, dtype, int64_t(a.size()))), {a.data(), b.data(), y.data()});
    return y;
  };
  const std::vector<T> m = apply("remainder"), q = apply("floor_divide"), p = apply("pow"), s = apply("multiply");
  using U = std::make_unsigned_t<T>;
  for (std::size_t i = 0; i < a.size(); ++i) {
    T want_q = 0, want_m = 0, want_p = 1;
    if (b[i] == -1)
      want_q = T(-U(a[i]));
    else if (b[i] != 0) {
      want_q = T(a[i] / b[i] - (a[i] % b[i] != 0 && (a[i] < 0) != (b[i] < 0)));
      want_m = T(U(a[i]) - U(want_q) * U(b[i]));
    }
    if (b[i] < 0) want_p = a[i] == 1 ? 1 : a[i] == -1 ? (b[i] & 1 ? -1 : 1) : 0;
    for (T k = 0; b[i] > 0 && k < std::min<T>(b[i], 64); ++k) want_p = T(U(want_p) * U(a[i]));
    CHECK_EQ(q[i], want_q);
    CHECK_EQ(m[i], want_m);
    if (b[i] < 64) CHECK_EQ(p[i], want_p);
    CHECK_EQ(s[i], T(U(a[i]) * U(b[i])));
  }
}

// Each formula on each class, on every instruction set.
template <class T>
void check_same_bits(const std::vector<std::string_view>& isas) {
  const char* ops[] = {"exp",
                       "expm1",
                       "log",
                       "log1p",
                       "tanh",
                       "sin",
                       "cos",
                       "erf",
                       "sqrt",
                       "rsqrt",
                       "sigmoid",
                       "silu",
                       "log1p_exp",
                       "gelu_erf",
                       "gelu_tanh",
                       "gelu_erf_grad",
                       "gelu_tanh_grad",
                       "silu_grad",
                       "pow",
                       "remainder",
                       "floor_divide",
                       "normal_quantile",
                       "sign",
                       "round",
                       "floor",
                       "ceil",
                       "trunc",
                       "maximum",
                       "minimum",
                       "reciprocal",
                       "relu",
                       "abs",
                       "negative",
                       "square",
                       "erfc",
                       "erfinv",
                       "lgamma",
                       "digamma",
                       "hurwitz_zeta",
                       "tan",
                       "asin",
                       "acos",
                       "sinh",
                       "cosh",
                       "asinh",
                       "acosh",
                       "atanh",
                       "hypot",
                       "log2",
                       "log10"};
  const std::vector<T> a = arguments<T>(-20, 20, 5000);
  std::vector<T> b = arguments<T>(-20, 20, 5000);
  std::shuffle(b.begin(), b.end(), rng);
  for (const char* op : ops) {
    set_isa(isas[0]);
    const std::vector<T> want = run<T>(op, a, b);
    for (std::string_view isa : isas) {
      set_isa(isa);
      const std::vector<T> got = run<T>(op, a, b);
      int differ = 0;
      std::size_t first = 0;
      for (std::size_t i = 0; i < a.size(); ++i) {
        if (!same(got[i], want[i]) && ++differ == 1) first = i;
      }
      report(differ == 0, __FILE__, __LINE__,
             text(op, " f", sizeof(T) * 8, " on ", isa, ": ", differ, " differ, first at ", a[first], ", ", b[first],
                  ": ", got[first], " for ", want[first]));
    }
  }
}

// Known answers of Salmon et al., Random123's kat_vectors.
void check_philox() {
  uint32_t words[4];
  philox_block(philox_key(0, 0, 0), 0, words);
  CHECK_EQ(words[0], 0x6627e8d5u);
  CHECK_EQ(words[1], 0xe169c58du);
  CHECK_EQ(words[2], 0xbc57ac4cu);
  CHECK_EQ(words[3], 0x9b00dbd8u);
  // Counter and key all ones: block 2^48 - 1, call 2^48 - 1 of stream 2^32 - 1.
  philox_block(philox_key(-1, 0xffffffff, 0xffffffffffff), 0xffffffffffff, words);
  CHECK_EQ(words[0], 0x408f276du);
  CHECK_EQ(words[1], 0x41c83b0eu);
  CHECK_EQ(words[2], 0xa20bc7c6u);
  CHECK_EQ(words[3], 0x6d5451fdu);
}

}  // namespace
}  // namespace pt::check

int main() {
  using namespace pt::check;
  const auto isas = usable_isas();
  pt::set_isa(isas.size() > 1 ? isas[1] : isas[0]);
  for (const Unary& f : kUnary) {
    check_unary<float>(f, 200000);
    check_unary<double>(f, 100000);
  }
  check_power<float>(50000);
  check_power<double>(50000);
  check_remainder<float>(50000);
  check_remainder<double>(20000);
  check_quantile<float>(50000);
  check_quantile<double>(50000);
  check_integers<int32_t>();
  check_integers<int64_t>();
  check_exact_powers<float>();
  check_exact_powers<double>();
  check_gelu_slope<float>(100000);
  check_gelu_slope<double>(100000);
  check_philox();
  check_same_bits<float>(isas);
  check_same_bits<double>(isas);
  return finish();
}
