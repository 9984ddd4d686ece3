// Discrete Fourier transforms, one line after the other, by the transforms of transform.h.
#include "core/kernel.h"
#include "ops/dft/ends.h"
#include "ops/dft/transform.h"

namespace pt {
namespace PT_ISA {
namespace {

struct InOrder {
  template <class F>
  PT_FN void operator()(int64_t n, const F& f) const {
    PT_INDEPENDENT for (int64_t k = 0; k < n; ++k) f(k);
  }
};

template <class T>
void transform_lines(const DftDesc& d, const char* from, char* to, int64_t first, int64_t last, double* scratch) {
  const DftTables tables = d.tables(reinterpret_cast<const double*>(&d + 1));
  const Line x{scratch, scratch + d.length}, y{scratch + 2 * d.length, scratch + 3 * d.length};
  const Line chirp{scratch + 4 * d.length, scratch + 5 * d.length};
  if (d.by_convolution) prepare_chirp(d, tables, x, y, chirp);
  for (int64_t i = first; i < last; ++i) {
    load_line(InOrder(), d, tables, reinterpret_cast<const T*>(from) + d.from_step * i, turned(x, d.inverse));
    for (int64_t k = d.n; k < d.length; ++k) x.re[k] = x.im[k] = 0;
    const Line made = d.by_convolution ? convolve(d, tables, x, y, chirp) : transform(d, tables.roots, x, y);
    store_line(InOrder(), d, tables, turned(made, d.inverse), reinterpret_cast<T*>(to) + d.to_step * i);
  }
}

void run_lines(const KernelArgs* args, int64_t chunk) {
  const DftDesc& d = *static_cast<const DftDesc*>(args->desc);  // its tables lie behind it
  const int64_t first = chunk * d.chunk, last = first + d.chunk < d.lines ? first + d.chunk : d.lines;
  auto* scratch = reinterpret_cast<double*>(args->scratch);
  if (d.wide)
    transform_lines<double>(d, args->data[0], args->data[1], first, last, scratch);
  else
    transform_lines<float>(d, args->data[0], args->data[1], first, last, scratch);
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(dft, pt::PT_ISA::run_lines);
