// Rows of a table by their numbers, as float and scaled: (x - subtracted) * factor + added. What a batch of examples is
// made of, in one pass over its memory.
#include "core/integers.h"
#include "core/kernel.h"
#include "ops/scaled_rows/desc.h"

namespace pt {
namespace PT_ISA {
namespace {

constexpr int64_t kAheadBytes = 1024;  // of rows, which are asked for before they are read
constexpr int64_t kLineBytes = 64;

template <class T>
void scale(const T* __restrict x, const float* __restrict subtracted, const float* __restrict factor,
           const float* __restrict added, float* __restrict out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = (float(x[i]) - subtracted[i]) * factor[i] + added[i];
}

template <class T>
const T* row_at(const ScaledRowsDesc& d, const T* table, int64_t number) {
  return table + (number < 0 ? number + d.length : number) * d.width;
}

template <class T>
void scaled_rows(const KernelArgs* args, int64_t chunk) {
  const ScaledRowsDesc& d = *static_cast<const ScaledRowsDesc*>(args->desc);
  const T* table = reinterpret_cast<const T*>(args->data[0]);
  const int64_t* numbers = reinterpret_cast<const int64_t*>(args->data[1]);
  const float* subtracted = reinterpret_cast<const float*>(args->data[2]);
  const float* factor = reinterpret_cast<const float*>(args->data[3]);
  const float* added = reinterpret_cast<const float*>(args->data[4]);
  float* out = reinterpret_cast<float*>(args->data[5]);
  const int64_t last = least((chunk + 1) * d.chunk, d.rows);
  // Rows lie anywhere, so the processor cannot foresee where the next one begins.
  const int64_t bytes = d.width * int64_t(sizeof(T)), ahead = bytes < kAheadBytes ? kAheadBytes / (bytes + 1) + 1 : 1;
  for (int64_t row = chunk * d.chunk; row < last; ++row) {
    if (row + ahead < last) {
      const char* next = reinterpret_cast<const char*>(row_at(d, table, numbers[row + ahead]));
      for (int64_t at = 0; at < least(bytes, kAheadBytes); at += kLineBytes) __builtin_prefetch(next + at);
    }
    const T* x = row_at(d, table, numbers[row]);
    for (int64_t at = 0; at < d.width; at += d.period)
      scale(x + at, subtracted, factor, added, out + row * d.width + at, least(d.period, d.width - at));
  }
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(scaled_rows, pt::PT_ISA::scaled_rows<uint8_t>, pt::PT_ISA::scaled_rows<float>);
