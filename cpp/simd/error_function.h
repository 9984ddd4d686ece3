// erf, the normal distribution and its inverse. erfc(t) = e^(-t^2) h(z) / (t + K) with z = (t - K) / (t + K), h a
// minimax polynomial (Remez), after M. M. Shepherd and J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2)
// erfc x", Math. Comp. 36 (1981). The relative error is small in the far tail too, where 1 - erf(t) has lost all
// digits.
#pragma once
#include "simd/exponential.h"
#include "simd/logarithm.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct erf_facts;
template <>
struct erf_facts<float> {
  static constexpr float center = 3;
  // erf(x) / x - 1 in x^2, near 0
  PT_NUMBERS(float, near, 0.128379166f, -0.3761262f, 0.112833932f, -0.026835436f, 0.00511598215f, -0.00067610963f);
  PT_NUMBERS(float, far, 1.07400692f, -0.88339448f, 0.590228319f, -0.310466051f, 0.119528964f, -0.0268395878f,
             -0.00122582004f, 0.00308006536f, -0.000484371179f, -0.000325951725f);
};
template <>
struct erf_facts<double> {
  static constexpr double center = 4, small = 0.79;
  PT_NUMBERS(double, near, 0.12837916709551256, -0.3761263890318363, 0.11283791670947425, -0.026866170643245042,
             0.0052239776017313, -0.0008548325282893377, 0.00012055253194621397, -1.4923294848699256e-05,
             1.6417213103747688e-06, -1.5828817882173512e-07, 1.1082612208129234e-08);
  PT_NUMBERS(double, far, 1.095995661000491, -0.9765487290808821, 0.7732087022652369, -0.540853831313225,
             0.3308515878780232, -0.1740109372402891, 0.07638151490915421, -0.026370053334628833, 0.006112055656706044,
             -0.0002809589158158182, -0.0004550526883672429, 0.0001768130865302742, -3.6351517221497782e-06,
             -1.8861784447498025e-05, 4.6943370003617615e-06, 1.4260926900982755e-06, -8.460177522816548e-07,
             -7.797855049331406e-08, 1.239482509282947e-07, 2.611388881111709e-09, -1.53954249402641e-08,
             -3.8386693625450184e-10, 1.0173074746614857e-09);
};

// h(z) / (t + K), for t >= 0: erfc without its exponential.
template <class V>
PT_FN V erfc_factor(V t) {
  using E = erf_facts<element_of<V>>;
  V inverse = V(1) / (t + V(E::center));
  V z = (t - V(E::center)) * inverse;
  return polynomial(z, E::far) * inverse;
}

// e^(-t^2), with the part of t^2 that rounding would drop.
template <class V>
PT_FN V exp_minus_square(V t) {
  V exponent = -t * t;
  V lost = fma(-t, t, -exponent);
  // Beyond the range of exp the two parts may be infinities of both signs.
  return exp_corrected(exponent, select(exponent > V(-1000), lost, V(0)));
}

// erf of floats by polynomials on eight pieces (minimax), whose coefficients are picked from registers. Columns are
// pieces. Rows: the centre, and coefficients from the constant term up. In the first piece that is odd, and erf(t) - t.
struct erf_pieces {
  static constexpr float end = 3.875f;  // erf is 1 from there on
  static constexpr float per_unit = 1.78f;
};
PT_TABLE float kErf[9][8] = {
    {0, 0.56251049f, 1.12351155f, 1.68449891f, 2.24707603f, 2.81071639f, 3.37247586f, 3.7710743f},
    {0, 0.573683083f, 0.887913704f, 0.982792377f, 0.998516262f, 0.999929607f, 0.999998152f, 0.999999881f},
    {0.128379166f, 0.822311699f, 0.319340944f, 0.0660889074f, 0.0072368565f, 0.000418286363f, 1.29707278e-05f,
     7.52180995e-07f},
    {0, -0.46255818f, -0.358783752f, -0.111326694f, -0.0162616745f, -0.00117569428f, -4.37487361e-05f, 7.93629442e-06f},
    {-0.376125753f, -0.100644857f, 0.162284747f, 0.102990441f, 0.0219485592f, 0.00206357334f, 9.40349855e-05f,
     7.0361325e-06f},
    {0, 0.182434425f, 0.028470967f, -0.0496348925f, -0.0192465577f, -0.00250739651f, -0.00014358027f, -0.000658034172f},
    {0.112798132f, -0.0107537238f, -0.0614685789f, 0.00253402931f, 0.0107129058f, 0.00220120512f, 0.00016565324f, 0},
    {0, -0.0453520156f, 0.0145405168f, 0.0118168276f, -0.00273763738f, -0.00141045824f, -0.000156687674f, 0},
    {-0.0260556862f, 0.00891914591f, 0.00968803745f, -0.0060771429f, -0.000762829673f, 0.000587979448f, 0.00010816499f,
     0},
};

template <int N>
PT_FN vec<float, N> erf(vec<float, N> x) {
  using V = vec<float, N>;
  V t = lesser_of(V(erf_pieces::end), abs(x));
  bits_vec<V> piece = to_bits(fma(t, V(erf_pieces::per_unit), V(float_facts<float>::round_shift)));
  V d = t - pick(kErf[0], piece), sum = pick(kErf[8], piece);
  PT_UNROLL_LONG
  for (int i = 7; i >= 2; --i) sum = fma(sum, d, pick(kErf[i], piece));
  return copysign(fma(sum, d, select(d == t, t, pick(kErf[1], piece))), x);
}
template <int N>
PT_FN vec<double, N> erf(vec<double, N> x) {
  using V = vec<double, N>;
  using E = erf_facts<double>;
  V t = abs(x);
  V near = fma(x, polynomial(x * x, E::near), x);
  V bounded = lesser_of(V(30), t);  // erf is 1 long before; infinity would make a NaN
  return select(t < V(E::small), near, copysign(V(1) - exp_minus_square(bounded) * erfc_factor(bounded), x));
}

// erfc(x) = 1 - erf(x). Near 0 that difference is exact enough, and 1 at 0 itself.
template <class T, int N>
PT_FN vec<T, N> erfc(vec<T, N> x) {
  using V = vec<T, N>;
  using E = erf_facts<T>;
  V t = abs(x);
  V square = x * x;
  V near = V(1) - fma(x, polynomial(square, E::near), x);
  V bounded = lesser_of(V(30), t);  // erfc is 0 long before; infinity would make a NaN
  V tail = exp_minus_square(bounded) * erfc_factor(bounded);
  V far = select(x < V(0), V(2) - tail, tail);
  return select(t < V(T(0.25)), near, far);
}

// The normal distribution function, erfc(-x / sqrt 2) / 2; also e^(-x^2 / 2), which its derivative needs.
template <class V>
struct normal_parts {
  V cdf, bell;
};
template <class V>
PT_FN normal_parts<V> normal_distribution(V x) {
  using T = element_of<V>;
  V t = lesser_of(V(60), abs(x));
  V half = V(T(-0.5)) * t;
  V exponent = half * t;
  V bell = exp_corrected(exponent, fma(half, t, -exponent));
  V tail = V(T(0.5)) * bell * erfc_factor(t * V(T(0.70710678118654752440)));
  return {select(x < V(0), tail, V(1) - tail), bell};
}

// The inverse of the distribution function: M. J. Wichura, "Algorithm AS 241: the percentage points of the normal
// distribution", Applied Statistics 37 (1988). Numerators and denominators for the middle, the tails and the far tails.
template <class T>
struct quantile_facts;
template <>
struct quantile_facts<float> {
  PT_NUMBERS(float, middle, 3.3871327179f, 50.434271938f, 159.29113202f, 59.109374720f);
  PT_NUMBERS(float, middle_under, 1, 17.895169469f, 78.757757664f, 67.187563600f);
  PT_NUMBERS(float, tail, 1.4234372777f, 2.7568153900f, 1.3067284816f, 0.17023821103f);
  PT_NUMBERS(float, tail_under, 1, 0.73700164250f, 0.12021132975f);
  PT_NUMBERS(float, far, 6.6579051150f, 3.0812263860f, 0.42868294337f, 0.017337203997f);
  PT_NUMBERS(float, far_under, 1, 0.24197894225f, 0.012258202635f);
};
template <>
struct quantile_facts<double> {
  PT_NUMBERS(double, middle, 3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
             1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4,
             2.5090809287301226727e+3);
  PT_NUMBERS(double, middle_under, 1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
             2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3);
  PT_NUMBERS(double, tail, 1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
             3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2,
             7.74545014278341407640e-4);
  PT_NUMBERS(double, tail_under, 1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
             1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
             1.05075007164441684324e-9);
  PT_NUMBERS(double, far, 6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
             2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5,
             2.01033439929228813265e-7);
  PT_NUMBERS(double, far_under, 1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
             7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
             2.04426310338993978564e-15);
};

// Of p = 1/2 + q, where `rare` is the smaller of p and 1 - p.
template <class V>
PT_FN V quantile_of_parts(V q, V rare) {
  using T = element_of<V>;
  using Q = quantile_facts<T>;
  V r = V(T(0.180625)) - q * q;
  V middle = q * polynomial(r, Q::middle) / polynomial(r, Q::middle_under);
  V s = sqrt(-log(rare));
  V near = s - V(T(1.6)), far = s - V(5);
  V tail = select(s <= V(5), polynomial(near, Q::tail) / polynomial(near, Q::tail_under),
                  polynomial(far, Q::far) / polynomial(far, Q::far_under));
  tail = select(rare == V(0), V(float_facts<T>::infinity), tail);
  return select(abs(q) <= V(T(0.425)), middle, select(q < V(0), -tail, tail));
}

template <class T, int N>
PT_FN vec<T, N> normal_quantile(vec<T, N> p) {
  using V = vec<T, N>;
  V q = p - V(T(0.5));
  return quantile_of_parts(q, select(q < V(0), p, V(1) - p));
}

// The quantile of (1 + x) / 2 over the root of 2, without the rounding of 1 + x.
template <class T, int N>
PT_FN vec<T, N> erfinv(vec<T, N> x) {
  using V = vec<T, N>;
  const V half(T(0.5));
  return quantile_of_parts(half * x, half * (V(1) - abs(x))) * V(T(0.70710678118654752440));
}

}  // namespace PT_ISA
}  // namespace pt
