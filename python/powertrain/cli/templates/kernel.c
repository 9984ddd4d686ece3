/* x * sigmoid(slope * x) and its derivative, for n elements at a time. */
#include <math.h>
#include <powertrain.h>

POWERTRAIN_PLUGIN

#define DEFINE(number, name, exponential)                                                                  \
  PT_EXPORT void swish_##name(int64_t n, number* out, const number* const* in, const double* attributes) { \
    const number* x = in[0];                                                                               \
    const number slope = (number)attributes[0];                                                            \
    for (int64_t i = 0; i < n; ++i) out[i] = x[i] / (1 + exponential(-slope * x[i]));                      \
  }                                                                                                        \
  PT_EXPORT void slope_##name(int64_t n, number* out, const number* const* in, const double* attributes) { \
    const number* x = in[0];                                                                               \
    const number slope = (number)attributes[0];                                                            \
    for (int64_t i = 0; i < n; ++i) {                                                                      \
      const number s = 1 / (1 + exponential(-slope * x[i]));                                               \
      out[i] = s + slope * x[i] * s * (1 - s);                                                             \
    }                                                                                                      \
  }

DEFINE(float, f32, expf)
DEFINE(double, f64, exp)
