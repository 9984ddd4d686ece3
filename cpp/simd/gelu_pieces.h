// Of a t >= 0: t Q(t), where Q(t) is the normal distribution at -t, and its derivative at -t. For floats by polynomials
// on eight pieces (minimax, weighted by the function itself), whose coefficients are picked from registers: a third of
// the operations of the exponential and the quotient that they need beyond `end`.
#pragma once
#include "simd/error_function.h"

namespace pt {
namespace PT_ISA {

struct gelu_pieces {
  static constexpr float end = 5.5f;
  static constexpr float one = 6;                          // from here on the derivative is 1
  static constexpr float square = 0.1388f, linear = 0.6f;  // of t, rounded, give the number of the piece
};

// Columns are pieces. Rows: the centre, which in the first is 0, so that small numbers keep their digits; coefficients
// from the constant term up.
PT_TABLE float kGelu[10][8] = {
    {0, 1.24371183f, 2.18657255f, 2.95340133f, 3.61745191f, 4.21059799f, 4.75534534f, 5.25795221f},
    {0, 0.132831931f, 0.0314579383f, 0.00464116782f, 0.000538127788f, 5.36210428e-05f, 4.71034718e-06f,
     3.82958632e-07f},
    {0.5f, -0.122148089f, -0.065499261f, -0.0134650944f, -0.00192966021f, -0.000224632575f, -2.23265542e-05f,
     -2.00906993e-06f},
    {-0.398942381f, -0.0417123958f, 0.0508035533f, 0.0171132311f, 0.00318473717f, 0.000443355442f, 5.05370663e-05f,
     5.07732466e-06f},
    {3.27893576e-06f, 0.0936109051f, -0.0103997877f, -0.0118352296f, -0.00314739952f, -0.000543141388f,
     -7.23348203e-05f, -8.20482455e-06f},
    {0.0664539114f, -0.0340159349f, -0.0100607909f, 0.0040358589f, 0.0020023284f, 0.000456203968f, 7.29515232e-05f,
     9.48258912e-06f},
    {0.00019244173f, -0.00646150811f, 0.00781098148f, 0.000234128151f, -0.000784714066f, -0.000271608762f,
     -5.45217081e-05f, -8.29465625e-06f},
    {-0.0105100311f, 0.00670724874f, -0.00154908968f, -0.000895600824f, 0.000119969947f, 0.000111869143f,
     3.07579794e-05f, 5.66655217e-06f},
    {0.000788166013f, -0.000319385406f, -0.00057975942f, 0.000372283888f, 6.07520706e-05f, -2.66769421e-05f,
     -1.30035096e-05f, -3.09340362e-06f},
    {0.000674028299f, -0.000686972751f, 0.000335156103f, -3.8106311e-05f, -4.35440343e-05f, 7.44294582e-08f,
     3.7483876e-06f, 1.23414702e-06f},
};

PT_TABLE float kGeluSlope[10][8] = {
    {0, 1.24365568f, 2.18690753f, 2.95283318f, 3.61764073f, 4.21227312f, 4.75322294f, 5.25844431f},
    {0.5f, -0.12214338f, -0.0654652268f, -0.0134845516f, -0.00192845776f, -0.000223151786f, -2.25420554e-05f,
     -2.00407885e-06f},
    {-0.797884524f, -0.0834562331f, 0.101586185f, 0.0342668183f, 0.00636590878f, 0.000881267304f, 0.000101999234f,
     1.01304486e-05f},
    {-1.82326448e-06f, 0.280852348f, -0.0312399156f, -0.0355331935f, -0.00943767745f, -0.00162027671f, -0.000218869493f,
     -2.45584924e-05f},
    {0.265990078f, -0.136061206f, -0.040190123f, 0.016141247f, 0.00800638273f, 0.00181572128f, 0.000294127734f,
     3.78495206e-05f},
    {-0.00021391749f, -0.0322431363f, 0.0390389301f, 0.00118406315f, -0.00392208667f, -0.00135234836f, -0.000274595921f,
     -4.13967464e-05f},
    {-0.058946345f, 0.0402901396f, -0.00931606907f, -0.00539308973f, 0.000720115262f, 0.000669847941f, 0.000185736848f,
     3.39010112e-05f},
    {-0.0022311518f, -0.00276700966f, -0.00400940143f, 0.0026509827f, 0.000409078872f, -0.000189831204f,
     -9.09217997e-05f, -2.13372332e-05f},
    {0.012845818f, -0.00561268069f, 0.00274204439f, -0.000243670496f, -0.00035066405f, -4.22274343e-06f,
     2.98445793e-05f, 1.03015236e-05f},
    {-0.00287225447f, 0.00113372342f, -0.00023441996f, -0.000257072854f, 9.99477343e-05f, 2.86137183e-05f,
     -4.51455162e-06f, -3.19207606e-06f},
};

// At t, with the coefficients of the piece in which `bounded` is, which is at most `end`.
template <int N>
PT_FN vec<float, N> polynomial_of_piece(vec<float, N> t, vec<float, N> bounded, const float (&table)[10][8]) {
  using V = vec<float, N>;
  V place = fma(bounded, V(gelu_pieces::square), V(gelu_pieces::linear));
  bits_vec<V> piece = to_bits(fma(place, bounded, V(float_facts<float>::round_shift)));
  V d = t - pick(table[0], piece), sum = pick(table[9], piece);
  PT_UNROLL_LONG
  for (int i = 8; i >= 1; --i) sum = fma(sum, d, pick(table[i], piece));
  return sum;
}

// x times the normal distribution at x, and the derivative of that.
template <class V>
PT_FN V gelu_of_distribution(V x) {
  return x * normal_distribution(x).cdf;
}
template <class V>
PT_FN V slope_of_distribution(V x) {
  auto [cdf, bell] = normal_distribution(x);
  V density = bell * V(element_of<V>(0.39894228040143267794));
  return fma(x, density, cdf);
}

// Above `end` what is taken from x is lost in rounding. Below -end it is the result.
template <int N>
PT_FN vec<float, N> gelu_by_pieces(vec<float, N> x) {
  using V = vec<float, N>;
  V t = lesser_of(V(gelu_pieces::end), abs(x));
  V result = greater_of(V(0), x) - polynomial_of_piece(t, t, kGelu);  // of -0 it is -0
  auto far = x < V(-gelu_pieces::end);
  if (__builtin_expect(any(far), 0)) result = select(far, gelu_of_distribution(x), result);
  return result;
}
template <int N>
PT_FN vec<double, N> gelu_by_pieces(vec<double, N> x) {
  return gelu_of_distribution(x);
}

template <int N>
PT_FN vec<float, N> gelu_slope(vec<float, N> x) {
  using V = vec<float, N>;
  V t = lesser_of(V(gelu_pieces::one), abs(x)), bounded = lesser_of(V(gelu_pieces::end), t);
  V below = polynomial_of_piece(t, bounded, kGeluSlope);
  V result = select(x < V(0), below, V(1) - below);
  auto far = (x < V(-gelu_pieces::end)) | (x == V(float_facts<float>::infinity));  // where it is no number
  if (__builtin_expect(any(far), 0)) result = select(far, slope_of_distribution(x), result);
  return result;
}
template <int N>
PT_FN vec<double, N> gelu_slope(vec<double, N> x) {
  return slope_of_distribution(x);
}

}  // namespace PT_ISA
}  // namespace pt
