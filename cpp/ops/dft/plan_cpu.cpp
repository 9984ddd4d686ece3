// Factors and tables of a transform. The tables are made here, by sums of products alone, so that they are the same
// numbers on every machine.
#include <algorithm>
#include <numbers>
#include <vector>

#include "ops/cpu_target.h"
#include "ops/dft/desc.h"
#include "ops/dft/plan.h"

namespace pt {
namespace {

constexpr double kChunkFlops = 1e5;  // about 20 us

struct Root {
  double re, im;
};

// e^(2 pi i k / n) for 0 <= k < n. The angle is brought to an eighth of a turn in integers, where series are short.
Root unit_root(int64_t k, int64_t n) {
  const int64_t eighth = 8 * k / n, rest = 8 * k - eighth * n;
  const bool back = eighth % 2 != 0;
  const double a = std::numbers::pi / 4 * (static_cast<double>(back ? n - rest : rest) / static_cast<double>(n));
  const double square = a * a;
  double cosine = 1, sine = 1;
  for (int i = 18; i > 0; i -= 2) {
    cosine = 1 - cosine * square / (i * (i - 1));
    sine = 1 - sine * square / (i * (i + 1));
  }
  Root root{cosine, back ? -a * sine : a * sine};
  for (int64_t turn = (eighth + 1) / 2; turn > 0; --turn) root = {-root.im, root.re};
  return root;
}

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

LaunchPlan plan_dft(const Operand& in, const Operand& out, const DftLines& lines) {
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
  std::vector<Root> tables;
  for (int64_t k = 0; k < d.length; ++k) {
    const Root root = unit_root(k, d.length);
    tables.push_back({root.re, -root.im});
  }
  // The chirp's k^2 counts half turns of n: modulo 2 n.
  for (int64_t k = 0, square = 0; d.by_convolution && k < d.n; ++k) {
    const Root root = unit_root(square, 2 * d.n);
    tables.push_back({root.re, -root.im});
    square = (square + 2 * k + 1) % (2 * d.n);
  }
  for (int64_t k = 0; d.halved && 2 * k < d.n; ++k) {
    const Root root = unit_root(k, 2 * d.n);
    tables.push_back({root.re, -root.im});
  }
  std::vector<std::byte> bytes(sizeof(d) + tables.size() * sizeof(Root));
  int factor_sum = 0;
  for (int i = 0; i < d.n_factors; ++i) factor_sum += d.factors[i];
  const double line = static_cast<double>(d.length) * (2 + 4 * factor_sum) * (d.by_convolution ? 3 : 1);
  d.chunk = std::clamp<int64_t>(static_cast<int64_t>(kChunkFlops / line), 1, d.lines);
  std::memcpy(bytes.data(), &d, sizeof(d));
  std::memcpy(bytes.data() + sizeof(d), tables.data(), tables.size() * sizeof(Root));

  Launch launch;
  launch.kernel = "dft";
  launch.desc = Descriptor::from_bytes(bytes.data(), bytes.size());
  launch.chunks = (d.lines + d.chunk - 1) / d.chunk;
  // Real and imaginary parts of a line, of the next step, and of the chirp's transform.
  launch.scratch_bytes = d.length * static_cast<int64_t>(sizeof(double)) * (d.by_convolution ? 6 : 4);
  launch.flops = line * static_cast<double>(d.lines);
  launch.bytes = static_cast<double>((count(in.shape) + count(out.shape)) * static_cast<int64_t>(size_of(in.dtype)));
  LaunchPlan plan;
  plan.launches.push_back(std::move(launch));
  return plan;
}

namespace {

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  const int64_t n = in[0].shape[in[0].shape.size() - 2];
  return plan_dft(in[0], out[0], {.n = n, .inverse = attrs.flag("inverse")});
}

const OpPlan* planned = on_cpu("dft", {.plan = plan});

}  // namespace

namespace {

const OpPlan* from_real = on_cpu(
    "real_dft",
    {.plan = [](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
      return plan_dft(in[0], out[0], {.kind = kDftFromReal, .n = in[0].shape.back(), .scale = attrs.number("scale")});
    }});

const OpPlan* to_real = on_cpu(
    "real_dft_inverse",
    {.plan = [](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
      return plan_dft(in[0], out[0],
                      {.kind = kDftToReal, .n = attrs.integer("n"), .inverse = true, .scale = attrs.number("scale")});
    }});

}  // namespace

}  // namespace pt
