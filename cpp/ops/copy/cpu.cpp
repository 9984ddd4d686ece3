// Copies between layouts, at the speed of memory where one side or the other is contiguous. A transposition goes by
// blocks whose input and output cache lines are all used whole while they are in L1.
#include "core/integers.h"
#include "core/kernel.h"
#include "ops/copy/desc.h"
#include "simd/gemm_vec.h"

namespace pt {
namespace PT_ISA {
namespace {

// A block of a plane.
struct Block {
  const char* in;
  char* out;
  int64_t rows, cols;
};

template <class T>
inline T read(const char* p) {
  T value;
  __builtin_memcpy(&value, p, sizeof(T));
  return value;
}

template <class T>
inline void write(char* p, T value) {
  __builtin_memcpy(p, &value, sizeof(T));
}

template <class T>
void copy_rows(const CopyDesc& d, const Block& b) {
  const int64_t bytes = b.cols * static_cast<int64_t>(sizeof(T));
  for (int64_t r = 0; r < b.rows; ++r) __builtin_memcpy(b.out + r * d.row_out, b.in + r * d.row_in, bytes);
}

template <class T>
void fill_rows(const CopyDesc& d, const Block& b) {
  for (int64_t r = 0; r < b.rows; ++r) {
    const T value = read<T>(b.in + r * d.row_in);
    T* out = reinterpret_cast<T*>(b.out + r * d.row_out);
    for (int64_t c = 0; c < b.cols; ++c) out[c] = value;
  }
}

template <class T>
void copy_strided(const CopyDesc& d, const Block& b) {
  for (int64_t r = 0; r < b.rows; ++r) {
    const char* in = b.in + r * d.row_in;
    char* out = b.out + r * d.row_out;
    for (int64_t c = 0; c < b.cols; ++c, in += d.col_in, out += d.col_out) write(out, read<T>(in));
  }
}

// The squares that registers transpose are moved, never computed with, so integers may travel as floats.
template <class T>
struct square {
  static constexpr int size = 1;
};
template <>
struct square<uint32_t> {
  using type = float;
  static constexpr int size = kSquare<float>;
};
template <>
struct square<uint64_t> {
  using type = double;
  static constexpr int size = kSquare<double>;
};

// Elements of 1 and 2 bytes: squares of whole cache lines through a buffer. Written straight to their rows, which are
// often a power of two apart, they would fall on few sets of the cache.
template <class T>
void transpose_buffered(const CopyDesc& d, const char* in, char* out, int64_t rows, int64_t cols) {
  constexpr int64_t kLine = 64 / sizeof(T);
  alignas(64) T buffer[kLine][kLine];
  for (int64_t c = 0; c < cols; ++c) __builtin_memcpy(buffer[c], in + c * d.col_in, rows * sizeof(T));
  for (int64_t r = 0; r < rows; ++r) {
    T* line = reinterpret_cast<T*>(out + r * d.row_out);
    for (int64_t c = 0; c < cols; ++c) line[c] = buffer[c][r];
  }
}

template <class T>
void transpose_registers(const CopyDesc& d, const char* in, char* out, int64_t rows, int64_t cols) {
  constexpr int64_t S = square<T>::size;
  using V = typename square<T>::type;
  const int64_t in_step = d.col_in / static_cast<int64_t>(sizeof(T));
  const int64_t out_step = d.row_out / static_cast<int64_t>(sizeof(T));
  for (int64_t c = 0; c < cols; c += S) {
    for (int64_t r = 0; r < rows; r += S) {
      const char* from = in + c * d.col_in + r * static_cast<int64_t>(sizeof(T));
      char* to = out + r * d.row_out + c * static_cast<int64_t>(sizeof(T));
      if (r + S <= rows && c + S <= cols) {
        transpose_square(reinterpret_cast<const V*>(from), in_step, reinterpret_cast<V*>(to), out_step);
        continue;
      }
      for (int64_t j = 0; j < S && c + j < cols; ++j) {
        for (int64_t i = 0; i < S && r + i < rows; ++i) {
          write(to + i * d.row_out + j * static_cast<int64_t>(sizeof(T)),
                read<T>(from + j * d.col_in + i * static_cast<int64_t>(sizeof(T))));
        }
      }
    }
  }
}

template <class T>
void transpose(const CopyDesc& d, const Block& b) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t r = 0; r < b.rows; r += kLine) {
    for (int64_t c = 0; c < b.cols; c += kLine) {
      const char* in = b.in + c * d.col_in + r * static_cast<int64_t>(sizeof(T));
      char* out = b.out + r * d.row_out + c * static_cast<int64_t>(sizeof(T));
      const int64_t rows = least(kLine, b.rows - r), cols = least(kLine, b.cols - c);
      if constexpr (square<T>::size > 1) {
        transpose_registers<T>(d, in, out, rows, cols);
      } else {
        transpose_buffered<T>(d, in, out, rows, cols);
      }
    }
  }
}

template <class T>
void copy_block(const CopyDesc& d, const Block& b) {
  switch (d.method) {
    case CopyMethod::Rows:
      return copy_rows<T>(d, b);
    case CopyMethod::Fill:
      return fill_rows<T>(d, b);
    case CopyMethod::Transpose:
      return transpose<T>(d, b);
    case CopyMethod::Strided:
      return copy_strided<T>(d, b);
  }
}

void copy_chunk(const KernelArgs* args, int64_t chunk) {
  const CopyDesc& d = *static_cast<const CopyDesc*>(args->desc);
  const int64_t col = chunk % d.col_chunks * d.col_chunk;
  const int64_t row = chunk / d.col_chunks % d.row_chunks * d.row_chunk;
  const int64_t first = chunk / d.col_chunks / d.row_chunks * d.plane_chunk;
  const int64_t last = least(first + d.plane_chunk, d.planes);
  Block b{args->data[0] + row * d.row_in + col * d.col_in, args->data[1] + row * d.row_out + col * d.col_out,
          least(d.row_chunk, d.rows - row), least(d.col_chunk, d.cols - col)};

  int64_t index[8] = {};
  for (int64_t axis = d.plane_axes - 1, rest = first; axis >= 0; --axis) {
    index[axis] = rest % d.plane_extent[axis];
    rest /= d.plane_extent[axis];
    b.in += index[axis] * d.plane_in[axis];
    b.out += index[axis] * d.plane_out[axis];
  }
  for (int64_t plane = first; plane < last; ++plane) {
    switch (d.element_bytes) {
      case 1:
        copy_block<uint8_t>(d, b);
        break;
      case 2:
        copy_block<uint16_t>(d, b);
        break;
      case 4:
        copy_block<uint32_t>(d, b);
        break;
      default:
        copy_block<uint64_t>(d, b);
        break;
    }
    for (int axis = d.plane_axes - 1; axis >= 0; --axis) {
      b.in += d.plane_in[axis];
      b.out += d.plane_out[axis];
      if (++index[axis] < d.plane_extent[axis]) break;
      b.in -= index[axis] * d.plane_in[axis];
      b.out -= index[axis] * d.plane_out[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(copy, pt::PT_ISA::copy_chunk);
