// The incomplete gamma functions: of P and Q = 1 - P the one that is asked for. Where x is near a large a, Temme's
// uniform expansion (1979); else the power series of P below x = a + 1, and the continued fraction of Q from there on.
// Each element stops by its own terms, so that its bits do not depend on its neighbours. The coefficients are those of
// DLMF 8.12, computed with 80 digits.
#pragma once
#include "simd/error_function.h"
#include "simd/gamma.h"

namespace pt {
namespace PT_ISA {

// By powers of eta, then of 1 / a.
PT_TABLE float kTemmeOfFloat[8][3] = {
    {-0.3333333333f, -1.851851852e-3f, 4.133597884e-3f},   {0.08333333333f, -3.472222222e-3f, -2.68132716e-3f},
    {-0.01481481481f, 2.645502646e-3f, 7.716049383e-4f},   {1.157407407e-3f, -9.902263374e-4f, 2.00938786e-6f},
    {3.527336861e-4f, 2.057613169e-4f, -1.073665323e-4f},  {-1.78755144e-4f, -4.01877572e-7f, 5.292344883e-5f},
    {3.919263179e-5f, -1.809855033e-5f, -1.276063519e-5f}, {-2.185448511e-6f, 7.649160916e-6f, 3.423578734e-8f}};
PT_TABLE double kTemmeOfDouble[17][7] = {
    {-0.333333333333333333, -1.85185185185185185e-3, 4.1335978835978836e-3, 6.49434156378600823e-4,
     -8.61888290916711699e-4, -3.3679855336635815e-4, 5.31307936463992223e-4},
    {0.0833333333333333333, -3.47222222222222222e-3, -2.68132716049382716e-3, 2.29472093621399177e-4,
     7.84039221720066627e-4, -6.97281375836585777e-5, -5.92166437353693883e-4},
    {-0.0148148148148148148, 2.6455026455026455e-3, 7.71604938271604938e-4, -4.69189494395255712e-4,
     -2.9907248030319018e-4, 2.77275324495939208e-4, 2.70878209671804483e-4},
    {1.15740740740740741e-3, -9.90226337448559671e-4, 2.00938786008230453e-6, 2.67720632062838853e-4,
     -1.46384525788434182e-6, -1.99325705161888477e-4, 7.90235323266032787e-7},
    {3.527336860670194e-4, 2.05761316872427984e-4, -1.07366532263651605e-4, -7.56180167188397641e-5,
     6.64149821546512219e-5, 6.79778047793720784e-5, -8.15396936756196875e-5},
    {-1.78755144032921811e-4, -4.01877572016460905e-7, 5.29234488291201254e-5, -2.39650511386729665e-7,
     -3.96836504717943466e-5, 1.41906292064396701e-7, 5.61168275310624965e-5},
    {3.91926317852243778e-5, -1.80985503344899778e-5, -1.27606351886187277e-5, 1.10826541153473024e-5,
     1.13757269706784191e-5, -1.35940481897686933e-5, -1.83291165828433756e-5},
    {-2.18544851067999216e-6, 7.64916091608111008e-6, 3.42357873409613807e-8, -5.67495282699159657e-6,
     2.5074972262375328e-10, 8.01847025633420154e-6, -3.07961345060330478e-9},
    {-1.85406221071515996e-6, -1.6120900894563446e-6, 1.37219573090629332e-6, 1.42309007324358839e-6,
     -1.6954149536558306e-6, -2.29148117650809517e-6, 3.46515536880360909e-6},
    {8.29671134095308601e-7, 4.64712780280743434e-9, -6.29899213838005502e-7, -2.78610802915281422e-11,
     8.90750753220530969e-7, -3.25247355129845395e-10, -2.02913273960586037e-6},
    {-1.76659527368260793e-7, 1.37863344691572096e-7, 1.42806142060642418e-7, -1.69584040919302773e-7,
     -2.29293483400080487e-7, 3.4652846491085265e-7, 5.78879286314900371e-7},
    {6.70785354340149858e-9, -5.75254560351770496e-8, -2.0477098421990866e-10, 8.09946490538808236e-8,
     2.95679413754404905e-11, -1.84471871911713433e-7, 2.33863067382665699e-13},
    {1.0261809784240308e-8, 1.19516285997781473e-8, -1.40925299108675211e-8, -1.91111684859736541e-8,
     2.88658297427087836e-8, 4.82409670378941808e-8, -8.82860074633048353e-8},
    {-4.38203601845335319e-9, -1.75432417197476476e-11, 6.22897408492202203e-9, 2.3928620439808118e-12,
     -1.41897394378032194e-8, -1.79894667217435153e-14, 4.74359588804081278e-8},
    {9.14769958223679023e-10, -1.00915437106004126e-9, -1.36704883966171135e-9, 2.06201318154887984e-9,
     3.44635804994648971e-9, -6.30619450001352344e-9, -1.25454150207103824e-8},
    {-2.55141939949462498e-11, 4.16279299184258264e-10, 9.4283561590146782e-13, -9.46049666185513217e-10,
     -2.30245171745280671e-13, 3.16241762877456794e-9, 8.64964885801029247e-14},
    {-5.83077213255042507e-11, -8.56390702649298064e-11, 1.28722524000893181e-10, 2.15410497757749078e-10,
     -3.94092330280464053e-10, -7.84092425369742929e-10, 1.68460589792640627e-9}};

template <class T>
struct incomplete_gamma_facts;
template <>
struct incomplete_gamma_facts<float> {
  static constexpr float large = 20.0f, enough = 0x1p-25f;
  static constexpr int terms = 64;
  static constexpr int powers = 8;
  static PT_FN const float (&temme(int n))[3] { return kTemmeOfFloat[n]; }
};
template <>
struct incomplete_gamma_facts<double> {
  static constexpr double large = 30.0, enough = 0x1p-54;
  static constexpr int terms = 160;
  static constexpr int powers = 17;
  static PT_FN const double (&temme(int n))[7] { return kTemmeOfDouble[n]; }
};

// mu - log(1 + mu) >= 0, without the digits that its difference would lose near 0.
template <class V>
PT_FN V excess_over_log(V mu) {
  using T = element_of<V>;
  constexpr int kTerms = sizeof(T) == 4 ? 8 : 18;
  V r = mu / (V(2) + mu), y = r * r;
  V sum(T(0));
  PT_UNROLL_LONG
  for (int k = kTerms - 1; k >= 0; --k) sum = fma(sum, y, V(T(2) / T(2 * k + 3)));
  V near = r * (mu - y * sum);  // log(1 + mu) = 2 r + 2 r^3 / 3 + ..., and mu - 2 r = r mu
  return select(abs(mu) <= V(T(0.5)), near, mu - log(V(1) + mu));
}

// x^a e^-x / gamma(a + 1), where a phi = a log(a / x) + x - a.
template <class V>
PT_FN V gamma_density(V a, V x, V a_phi) {
  using T = element_of<V>;
  using G = gamma_facts<T>;
  V inverse = V(1) / a;
  V tail = inverse * polynomial(inverse * inverse, G::stirling);
  V large = exp(-a_phi - tail) / sqrt(V(T(6.28318530717958647693)) * a);
  V small = exp((a * log(x) - x) - lgamma(a + V(1)));
  return select(a > V(T(8.5)), large, small);
}

// The sum of x^k / ((a + 1) ... (a + k)) over k >= 0.
template <class V, class M>
PT_FN V series_of_gamma(V a, V x, M wanted) {
  using T = element_of<V>;
  using F = incomplete_gamma_facts<T>;
  V sum(1), term(1);
  auto open = wanted;
  for (int k = 1; k <= F::terms && any(open); ++k) {
    term = term * (x / (a + V(T(k))));
    sum = select(open, sum + term, sum);
    open = open & (term > sum * V(F::enough));
  }
  return sum;
}

// The continued fraction of Q over a times the density, by Lentz's method.
template <class V, class M>
PT_FN V fraction_of_gamma(V a, V x, M wanted) {
  using T = element_of<V>;
  using F = incomplete_gamma_facts<T>;
  V b = (x + V(1)) - a, c(float_facts<T>::infinity), d = V(1) / b, result = d;
  auto open = wanted;
  for (int i = 1; i <= F::terms && any(open); ++i) {
    V numerator = V(T(i)) * (a - V(T(i)));
    b = b + V(2);
    d = V(1) / fma(numerator, d, b);
    c = b + numerator / c;
    V factor = c * d;
    result = select(open, result * factor, result);
    open = open & (abs(factor - V(1)) > V(F::enough));
  }
  return result;
}

template <bool kUpper, class V>
PT_FN V incomplete_gamma(V a, V x) {
  using T = element_of<V>;
  using F = incomplete_gamma_facts<T>;
  constexpr T infinity = float_facts<T>::infinity;
  V mu = (x - a) / a;
  V a_phi = a * excess_over_log(mu);
  auto regular = (a > V(0)) & (x > V(0)) & (a < V(infinity)) & (x < V(infinity));
  auto near = regular & (a > V(F::large)) & (abs(mu) <= V(T(0.5)));
  auto below = regular & (x < a + V(1)) & !near;
  auto above = regular & (x >= a + V(1)) & !near;
  V density = gamma_density(a, x, a_phi);
  V result(0);
  if (any(below)) {
    V p = density * series_of_gamma(a, x, below);
    result = select(below, kUpper ? V(1) - p : p, result);
  }
  if (any(above)) {
    V q = density * a * fraction_of_gamma(a, x, above);
    result = select(above, kUpper ? q : V(1) - q, result);
  }
  if (any(near)) {
    V eta = copysign(sqrt(V(2) * (a_phi / a)), mu), inverse = V(1) / a, sum(T(0));
    for (int n = F::powers; n-- > 0;) sum = fma(sum, eta, polynomial(inverse, F::temme(n)));
    V root = copysign(sqrt(a_phi), mu);
    V rest = sum * exp(-a_phi) / sqrt(V(T(6.28318530717958647693)) * a);
    V half = V(T(0.5)) * erfc(kUpper ? root : -root);
    result = select(near, kUpper ? half + rest : half - rest, result);
  }
  // At the ends all of it is on one side: above 0, and below infinity.
  auto all_above = (x == V(0)) & (a > V(0));
  auto all_above_too = (a == V(infinity)) & (x >= V(0)) & (x < V(infinity));
  auto all_below = (x == V(infinity)) & (a >= V(0)) & (a < V(infinity));
  auto all_below_too = (a == V(0)) & (x > V(0));
  result = select(all_above | all_above_too, V(T(kUpper)), result);
  result = select(all_below | all_below_too, V(T(!kUpper)), result);
  auto known = regular | all_above | all_above_too | all_below | all_below_too;
  return select(known, result, V(float_facts<T>::nan));
}

template <class T, int N>
PT_FN vec<T, N> igamma(vec<T, N> a, vec<T, N> x) {
  return incomplete_gamma<false>(a, x);
}
template <class T, int N>
PT_FN vec<T, N> igammac(vec<T, N> a, vec<T, N> x) {
  return incomplete_gamma<true>(a, x);
}

}  // namespace PT_ISA
}  // namespace pt
