// What every target's plan of a transform begins with: into which factors it goes.
#include "ops/dft/plan.h"

namespace pt {
namespace {

// 4 first, since it costs least; 0 factors if there is a prime that is too large.
int factors_of(int64_t n, int32_t* factors) {
  int count = 0;
  for (int32_t p : {4, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31}) {
    for (; n % p == 0; n /= p) factors[count++] = p;
  }
  return n == 1 ? count : 0;
}

// The length from `least` on that has no prime above 5 and the least to do: elements, times the steps over them. The
// next power of two may be almost twice as long.
int64_t length_of_convolution(int64_t least) {
  int64_t best = 0, best_cost = 0;
  for (int64_t fives = 1; fives < 2 * least; fives *= 5) {
    for (int64_t odd = fives; odd < 2 * least; odd *= 3) {
      int64_t length = odd;
      while (length < least) length *= 2;
      int32_t factors[kDftFactors];
      const int64_t cost = length * factors_of(length, factors);
      if (best == 0 || cost < best_cost) {
        best = length;
        best_cost = cost;
      }
    }
  }
  return best;
}

}  // namespace

DftDesc describe_dft(const Operand& in, const DftLines& lines) {
  DftDesc d{};
  const int64_t half = lines.n / 2 + 1;
  d.kind = lines.kind;
  d.halved = lines.kind != kDftComplex && lines.n % 2 == 0;
  d.n = d.length = d.halved ? lines.n / 2 : lines.n;
  d.from_step = lines.kind == kDftFromReal ? lines.n : 2 * (lines.kind == kDftToReal ? half : lines.n);
  d.to_step = lines.kind == kDftToReal ? lines.n : 2 * (lines.kind == kDftFromReal ? half : lines.n);
  d.lines = count(in.shape) / d.from_step;
  d.scale = lines.scale;
  d.wide = in.dtype == DType::F64;
  d.inverse = lines.inverse;
  d.n_factors = factors_of(d.n, d.factors);
  if (d.n_factors == 0 && d.n > 1) {
    d.by_convolution = true;
    d.length = length_of_convolution(2 * d.n - 1);
    d.n_factors = factors_of(d.length, d.factors);
  }
  return d;
}

double dft_flops(const DftDesc& d) {
  int factor_sum = 0;
  for (int i = 0; i < d.n_factors; ++i) factor_sum += d.factors[i];
  return static_cast<double>(d.length) * (2 + 4 * factor_sum) * (d.by_convolution ? 3 : 1);
}

DftLines lines_of_dft(const Operand& in, const Attrs& attrs) {
  return {.n = in.shape[in.shape.size() - 2], .inverse = attrs.flag("inverse")};
}
DftLines lines_of_real_dft(const Operand& in, const Attrs& attrs) {
  return {.kind = kDftFromReal, .n = in.shape.back(), .scale = attrs.number("scale")};
}
DftLines lines_of_real_dft_inverse(const Operand&, const Attrs& attrs) {
  return {.kind = kDftToReal, .n = attrs.integer("n"), .inverse = true, .scale = attrs.number("scale")};
}

}  // namespace pt
