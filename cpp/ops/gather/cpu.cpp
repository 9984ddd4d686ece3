// Reading by index: whole rows by memcpy where they are one run of memory, else element by element.
#include "core/integers.h"
#include "core/kernel.h"
#include "ops/gather/desc.h"
#include "ops/gather/index.h"
#include "simd/walk.h"

namespace pt {
namespace PT_ISA {
namespace {

template <class T>
void copy_piece(const GatherDesc& d, const char* row, int64_t begin, int64_t end, char* out) {
  Walk inner(d.inner, begin);
  for (int64_t i = begin; i < end; ++i, inner.next(), out += sizeof(T)) __builtin_memcpy(out, row + inner.a, sizeof(T));
}

void copy_piece(const GatherDesc& d, const char* row, int64_t begin, int64_t end, char* out) {
  if (d.contiguous) {
    __builtin_memcpy(out, row + begin * d.element_bytes, (end - begin) * d.element_bytes);
    return;
  }
  switch (d.element_bytes) {
    case 1:
      return copy_piece<uint8_t>(d, row, begin, end, out);
    case 2:
      return copy_piece<uint16_t>(d, row, begin, end, out);
    case 4:
      return copy_piece<uint32_t>(d, row, begin, end, out);
    default:
      return copy_piece<uint64_t>(d, row, begin, end, out);
  }
}

void gather_rows(const KernelArgs* args, int64_t chunk) {
  const GatherDesc& d = *static_cast<const GatherDesc*>(args->desc);
  const char* table = args->data[0];
  const char* indices = args->data[1];
  const int64_t begin = chunk % d.piece_chunks * d.piece;
  const int64_t end = least(begin + d.piece, d.inner.count);
  const int64_t first = chunk / d.piece_chunks * d.row_chunk;
  const int64_t last = least(first + d.row_chunk, d.rows);
  const int64_t row_bytes = d.inner.count * d.element_bytes;

  int64_t outer = first / d.index.count, j = first % d.index.count;
  const char* base = table + offset_in(d.outer, outer);
  Walk index(d.index, j);
  bool bad = false;
  for (int64_t row = first; row < last; ++row) {
    char* out = args->data[2] + row * row_bytes + begin * d.element_bytes;
    const int64_t at = wrap_index(read_index(indices + index.a, d.wide_index), d.axis_size);
    if (at >= 0) {
      copy_piece(d, base + at * d.axis_stride, begin, end, out);
    } else {
      __builtin_memset(out, 0, (end - begin) * d.element_bytes);
      bad = true;
    }
    index.next();
    if (++j == d.index.count && row + 1 < last) {
      j = 0;
      index = Walk(d.index, 0);
      base = table + offset_in(d.outer, ++outer);
    }
  }
  if (bad) raise_status(args->status, kStatusBadIndex);
}

template <class T>
void take_along(const KernelArgs* args, const TakeAlongDesc& d, int64_t first, int64_t last) {
  const int inner = d.space.axes - 1;
  T* out = reinterpret_cast<T*>(args->data[2]);
  bool bad = false;
  for (int64_t i = first; i < last;) {
    const Walk walk(d.space, i);
    const char *x = args->data[0] + walk.a, *index = args->data[1] + walk.b;
    const int64_t run = inner < 0 ? 1 : least(d.space.extent[inner] - walk.index[inner], last - i);
    const int64_t step = inner < 0 ? 0 : d.space.a[inner], index_step = inner < 0 ? 0 : d.space.b[inner];
    for (int64_t k = 0; k < run; ++k, x += step, index += index_step) {
      const int64_t at = wrap_index(read_index(index, d.wide_index), d.axis_size);
      T value = 0;
      if (at >= 0) __builtin_memcpy(&value, x + at * d.axis_stride, sizeof(T));
      out[i + k] = value;
      bad |= at < 0;
    }
    i += run;
  }
  if (bad) raise_status(args->status, kStatusBadIndex);
}

void take_along_chunk(const KernelArgs* args, int64_t chunk) {
  const TakeAlongDesc& d = *static_cast<const TakeAlongDesc*>(args->desc);
  const int64_t first = chunk * d.chunk, last = least(first + d.chunk, d.space.count);
  switch (d.element_bytes) {
    case 1:
      return take_along<uint8_t>(args, d, first, last);
    case 2:
      return take_along<uint16_t>(args, d, first, last);
    case 4:
      return take_along<uint32_t>(args, d, first, last);
    default:
      return take_along<uint64_t>(args, d, first, last);
  }
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(gather, pt::PT_ISA::gather_rows, pt::PT_ISA::take_along_chunk);
