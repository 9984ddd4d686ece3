// lgamma, digamma and the Hurwitz zeta function. Both of the first have polynomials on [0.75, 2.5) and [2.5, 8.5], of
// u = (y - c) / (y + c), which takes the singularity at 0 to u = -1; what is 0 there stands before them as a factor, so
// that the relative error is small beside it. Below them a step of the recurrence, above them Stirling's series, below
// zero reflection. Coefficients are those of Chebyshev expansions, computed with 60 digits.
#pragma once
#include "simd/power.h"
#include "simd/trigonometric.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct gamma_facts;
template <>
struct gamma_facts<float> {
  static constexpr float low_center = 1.369306445f;
  PT_NUMBERS(float, lgamma_low, 0.503354727f, -0.449607816f, 0.128982615f, -0.1546816917f, 0.08590383518f,
             -0.09514517268f, 0.06334422246f, -0.06773511978f, 0.06139078742f, -0.06582605655f);
  static constexpr float high_center = 4.609772205f;
  PT_NUMBERS(float, lgamma_high, 0.2768038288f, -0.2992552801f, 0.1171236714f, -0.1098892489f, 0.0737898588f,
             -0.07068348945f, 0.05433073034f, -0.05229285677f, 0.05387329652f, -0.05334918344f);
  PT_NUMBERS(float, digamma_low, 1.010891497f, -1.355765835f, 0.9696036309f, -1.034320724f, 0.9819418926f,
             -1.012408677f, 0.9920855635f, -0.9809742283f, 0.9635237393f, -1.279209513f, 1.298909659f);
  PT_NUMBERS(float, digamma_high, 0.4497289437f, -0.6079215789f, 0.3845839468f, -0.3678578214f, 0.3264821614f,
             -0.3231265319f, 0.3081915995f, -0.2996985252f, 0.2909387461f, -0.3869939177f, 0.391614211f);
  static constexpr float root = 0x1.762d860000000p+0f, root_low = 1.243814994e-8f;
  PT_NUMBERS(float, stirling, 0.08333333333f, -0.002777777778f, 0.0007936507937f);
  PT_NUMBERS(float, log_tail, -0.08333333333f, 0.008333333333f, -0.003968253968f);
  PT_NUMBERS(float, euler, 0.08333333333f, -0.001388888889f, 3.306878307e-5f, -8.267195767e-7f, 2.087675699e-8f,
             -5.284190139e-10f);
};
template <>
struct gamma_facts<double> {
  static constexpr double low_center = 1.3693063937629153;
  PT_NUMBERS(double, lgamma_low, 0.503354735003131076, -0.449607818111717195, 0.128982884360530133,
             -0.154682319865046441, 0.0858789332713461572, -0.0951046209170311858, 0.0641442777839437864,
             -0.0687972792770314146, 0.0511105230802125105, -0.0539157090776752664, 0.0424593197089527325,
             -0.0443362630995338712, 0.0362894453334666184, -0.0376280790721354102, 0.0319611984020257677,
             -0.033031015683153922, 0.0257026418568769349, -0.0261193786948739874, 0.0377658437666636476,
             -0.0394519958218098306);
  static constexpr double high_center = 4.60977222864644354;
  PT_NUMBERS(double, lgamma_high, 0.276803827513538384, -0.299255276907380386, 0.117123942316414998,
             -0.109889838743079276, 0.0737655493595439099, -0.0706464847070889628, 0.055087426907625725,
             -0.0532316746372220865, 0.0444615220269680421, -0.0431642514808843143, 0.0374757302663126506,
             -0.0364888588136287701, 0.0324519197169256018, -0.0316596410549955289, 0.0289386000718642476,
             -0.0283412730532609838, 0.0232612462967714001, -0.022459236008651041, 0.0353040864294976663,
             -0.0353545201280407338);
  PT_NUMBERS(double, digamma_low, 1.01089152313806813, -1.35576580836397264, 0.969603453185790935, -1.03433547179234648,
             0.981970373428839229, -1.01145868923220501, 0.990687502907030968, -1.00576416839204579,
             0.99425220225602262, -1.00332208214437367, 0.995986688040647828, -1.00203881898952247,
             0.997016227824080906, -1.00136529183817938, 0.996347015469136704, -0.999256483307610774,
             1.01452372951631844, -1.02019579018349873, 0.859827985740111508, -0.845409885473186447,
             1.62327807122698822, -1.66202597933174663);
  PT_NUMBERS(double, digamma_high, 0.449728942261767629, -0.607921554707644739, 0.384583871810478174,
             -0.36786282286815134, 0.326491821624046084, -0.322813361174697316, 0.307731300847188284,
             -0.307617400541944806, 0.300741610875480086, -0.301654917671778763, 0.2980509075578579,
             -0.299154785987570561, 0.297055590222981447, -0.298086484761553257, 0.296266893610175094,
             -0.297024948531345807, 0.302050023946603059, -0.303818074244133859, 0.252315339383193302,
             -0.247631903982640815, 0.48983972674034597, -0.501900676312289496);
  static constexpr double root = 0x1.762d86356be3fp+0, root_low = 9.54999542996569772e-17;
  PT_NUMBERS(double, stirling, 0.0833333333333333333, -0.00277777777777777778, 0.000793650793650793651,
             -0.000595238095238095238, 0.000841750841750841751, -0.00191752691752691753, 0.00641025641025641026,
             -0.0295506535947712418, 0.179644372368830573);
  PT_NUMBERS(double, log_tail, -0.0833333333333333333, 0.00833333333333333333, -0.00396825396825396825,
             0.00416666666666666667, -0.00757575757575757576, 0.0210927960927960928, -0.0833333333333333333,
             0.443259803921568627, -3.05395433027011974);
  PT_NUMBERS(double, euler, 0.0833333333333333333, -0.00138888888888888889, 0.0000330687830687830688,
             -8.2671957671957672e-7, 2.0876756987868099e-8, -5.28419013868749318e-10, 1.33825365306846788e-11,
             -3.38968029632258287e-13, 8.58606205627784456e-15, -2.17486869855806187e-16, 5.50900282836022952e-18,
             -1.39544646858125233e-19);
};

// A polynomial by either coefficients.
template <class V, class M, int kCount>
PT_FN V polynomial_of_two(V x, M second, const element_of<V> (&one)[kCount], const element_of<V> (&other)[kCount]) {
  V sum = select(second, V(other[kCount - 1]), V(one[kCount - 1]));
  PT_UNROLL_LONG
  for (int i = kCount - 2; i >= 0; --i) sum = fma(sum, x, select(second, V(other[i]), V(one[i])));
  return sum;
}
#if defined(__CUDACC__)
template <class V, class M, auto... kOne, auto... kOther>
PT_FN V polynomial_of_two(V x, M second, numbers<kOne...>, numbers<kOther...>) {
  const element_of<V> one[] = {element_of<V>(kOne)...}, other[] = {element_of<V>(kOther)...};
  return polynomial_of_two(x, second, one, other);
}
#endif

// t >= 0 brought to y in [0.75, 8.5]: t + 1 where t is small, and the end where it is large.
template <class V>
struct gamma_range {
  V y, u;
  decltype(V() < V()) small, large, upper;
};
template <class V>
PT_FN gamma_range<V> range_of_gamma(V t) {
  using T = element_of<V>;
  using G = gamma_facts<T>;
  auto small = t < V(T(0.75));
  auto large = t > V(T(8.5));
  V y = select(small, t + V(1), select(large, V(T(8.5)), t));
  auto upper = y >= V(T(2.5));
  V center = select(upper, V(G::high_center), V(G::low_center));
  return {y, (y - center) / (y + center), small, large, upper};
}

// sin(pi t) and cos(pi t) but for the sign that both have.
template <class V>
struct half_turn {
  V sine, cosine;
};
template <class V>
PT_FN half_turn<V> sine_of_half_turns(V t) {
  V angle = V(element_of<V>(3.14159265358979323846)) * (t - round(t));
  return {sin(angle), cos(angle)};
}

// gamma(-t) = -pi / (t sin(pi t) gamma(t))
template <class T, int N>
PT_FN vec<T, N> lgamma(vec<T, N> x) {
  using V = vec<T, N>;
  using G = gamma_facts<T>;
  V t = abs(x);
  const auto range = range_of_gamma(t);
  V from_one = select(range.small, t, t - V(1)), from_two = select(range.small, t - V(1), t - V(2));
  V middle = from_one * from_two * polynomial_of_two(range.u, range.upper, G::lgamma_low, G::lgamma_high);
  V log_t = log(t);
  V inverse = V(1) / t;
  V tail = inverse * polynomial(inverse * inverse, G::stirling);
  constexpr T constant = T(0.41893853320467274178);  // (log(2 pi) - 1) / 2
  V stirling = fma(t - V(T(0.5)), log_t - V(1), V(constant) + tail);
  V stepped = select(range.large, stirling, middle);  // of t + 1 where t is small
  V result = stepped - select(range.small, log_t, V(0));
  auto negative = x < V(0);
  if (__builtin_expect(any(negative), 0)) {
    V sine = abs(sine_of_half_turns(t).sine) * V(T(0.31830988618379067154));
    V reflected = (-log(sine) - select(range.small, V(0), log_t)) - stepped;
    result = select(negative, select(t == floor(t), V(float_facts<T>::infinity), reflected), result);
  }
  return result;
}

// digamma(-t) = digamma(t) + 1 / t + pi / tan(pi t)
template <class T, int N>
PT_FN vec<T, N> digamma(vec<T, N> x) {
  using V = vec<T, N>;
  using G = gamma_facts<T>;
  auto negative = x < V(0);
  V t = select(negative, -x, x);
  const auto range = range_of_gamma(t);
  V from_root = (range.y - V(G::root)) - V(G::root_low);
  V middle = from_root * polynomial_of_two(range.u, range.upper, G::digamma_low, G::digamma_high);
  V inverse = V(1) / t;
  V square = inverse * inverse;
  V far = (log(t) - V(T(0.5)) * inverse) + square * polynomial(square, G::log_tail);
  V stepped = select(range.large, far, middle);  // of t + 1 where t is small
  V result = stepped - select(range.small, inverse, V(0));
  if (__builtin_expect(any(negative), 0)) {
    const auto turn = sine_of_half_turns(t);
    V reflected =
        (stepped + select(range.small, V(0), inverse)) + V(T(3.14159265358979323846)) * turn.cosine / turn.sine;
    result = select(negative, select(t == floor(t), V(float_facts<T>::nan), reflected), result);
  }
  return result;
}

// Euler's and Maclaurin's corrections to the rest of the sum from a on.
template <class V, int kCount>
PT_FN V rest_of_zeta(V s, V a, const element_of<V> (&euler)[kCount]) {
  using T = element_of<V>;
  V ratio = s / a, corrections(0);
  for (int k = 0; k < kCount; ++k) {
    corrections = fma(ratio, V(euler[k]), corrections);
    ratio = ratio * ((s + V(T(2 * k + 1))) / a) * ((s + V(T(2 * k + 2))) / a);
  }
  return corrections;
}
#if defined(__CUDACC__)
template <class V, auto... kNumbers>
PT_FN V rest_of_zeta(V s, V a, numbers<kNumbers...>) {
  const element_of<V> euler[] = {element_of<V>(kNumbers)...};
  return rest_of_zeta(s, a, euler);
}
#endif

// The sum of (q + k)^-s over k >= 0, for s > 1 and q > 0: ten terms, and Euler's and Maclaurin's formula for the rest.
template <class T, int N>
PT_FN vec<T, N> hurwitz_zeta(vec<T, N> s, vec<T, N> q) {
  using V = vec<T, N>;
  using G = gamma_facts<T>;
  constexpr int kTerms = 10;
  V sum(0), a = q;
  for (int k = 0; k < kTerms; ++k, a = a + V(1)) sum = sum + pow(a, -s);
  V last = pow(a, V(1) - s);  // a^-s may be too small where the sum is not
  V corrections = rest_of_zeta(s, a, G::euler);
  V rest = select(last == V(0), V(0), last * (V(1) / (s - V(1)) + (V(T(0.5)) + corrections) / a));
  V result = select(q == V(0), V(float_facts<T>::infinity), sum + rest);
  return select((s > V(1)) & (q >= V(0)), result, V(float_facts<T>::nan));
}

}  // namespace PT_ISA
}  // namespace pt
