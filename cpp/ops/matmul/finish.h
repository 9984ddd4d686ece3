// What happens to sums that were kept in scratch: stored, or turned by an epilogue into what is stored.
#pragma once
#include "core/kernel.h"
#include "ops/matmul/chunk.h"
#include "simd/stream.h"

namespace pt {
namespace PT_ISA {

// The product's own rounding: an epilogue sees what a stored product would have been.
template <class T>
inline void round_in_place(T* values, int64_t row, int64_t rows, int64_t cols, DType type) {
  if (!is_half(type)) return;
  for (int64_t i = 0; i < rows; ++i) {
    float* at = reinterpret_cast<float*>(values + i * row);
    type == DType::BF16 ? round_in_row<BFloat16>(at, cols) : round_in_row<Float16>(at, cols);
  }
}

// Rows that are finished, to their consumer: `first` is where the first row of C would be.
inline void hand_rows(const KernelArgs* args, const MatmulDesc& d, char* first, int64_t row, int64_t end) {
  const MatmulProblem& p = d.problem;
  char* data[kMaxEpilogueOperands] = {first};
  for (int i = 0; i < p.consumer_outputs; ++i) data[1 + i] = args->data[p.consumer_at + i];
  const void* desc = static_cast<const char*>(args->desc) + d.layout.consumer;
  const KernelArgs consumer = {data, desc, nullptr, args->status};
  for (; row < end; row += p.consumer_rows) p.consumer(&consumer, row / p.consumer_rows);
}

template <class T>
inline void run_epilogue(const KernelArgs* args, const MatmulDesc& d, const Sums<T>& s, int64_t batch,
                         const MatmulChunk& c) {
  T* product = s.sum;
  const MatmulChunk r = in_c(d, c);
  if (d.problem.swapped) {
    product = reinterpret_cast<T*>(args->scratch + d.layout.turned_sums);
    copy_transposed(s.sum, s.sum_row, c.rows, c.cols, product, d.layout.epilogue_row);
  }
  round_in_place(product, d.layout.epilogue_row, r.rows, r.cols, d.problem.out_type);
  char* data[kMaxEpilogueOperands];
  // The program counts rows and columns of the whole C.
  data[0] =
      reinterpret_cast<char*>(product) - (r.row * d.layout.epilogue_row + r.col) * static_cast<int64_t>(sizeof(T));
  place_operands(args, d, batch, data);
  char* const first = data[0];
  if (d.problem.hands_rows()) data[d.problem.epilogue_operands - 1] = first;
  run_fused_rect(epilogue_of(args, d), data, r.row, r.row + r.rows, r.col, r.col + r.cols,
                 args->scratch + d.layout.epilogue_scratch);
  if (d.problem.hands_rows()) hand_rows(args, d, first, r.row, r.row + r.rows);
}

// What is added to C in f32, which lies as C does.
inline const float* added_to(const KernelArgs* args, const MatmulDesc& d, const Target& out) {
  return reinterpret_cast<const float*>(args->data[d.problem.added_at] + (out.at - args->data[d.problem.out_at]));
}

// A large result in f32, like a weight's gradient, is read much later: written past the caches it costs half the
// traffic, since no line is read before it is written. False where its rows are not whole lines.
inline bool stream_sums(const KernelArgs* args, const MatmulDesc& d, const Sums<float>& s, const Target& out,
                        const MatmulChunk& c) {
  constexpr int64_t kLeastBytes = int64_t{2} << 20, kLanes = 16, kAhead = 4;  // rows: in other pages
  const int64_t size = static_cast<int64_t>(sizeof(float));
  const bool lines = whole_lines(out.at, out.row * size) && out.col == 1 && whole_lines(nullptr, c.cols * size);
  if (!kStreams || d.problem.rounded_type != DType::BF16 || !lines ||
      d.problem.rows * d.problem.cols * size < kLeastBytes)
    return false;
  const float* added = d.problem.adds ? added_to(args, d, out) : nullptr;
  uint32_t non_finite = 0;
  for (int64_t i = 0; i < c.rows; ++i) {
    const float* from = s.sum + i * s.sum_row;
    float* to = reinterpret_cast<float*>(out.at) + i * out.row;
    for (int64_t j = 0; added && j < c.cols; j += kLanes) {
      __builtin_prefetch(added + (i + kAhead) * out.row + j);
      non_finite |= stream_rounded_sum(from + j, added + i * out.row + j, to + j);
    }
    for (int64_t j = 0; !added && j < c.cols; j += kLanes) non_finite |= stream_rounded(from + j, to + j);
  }
  stream_fence();
  if (d.checks_finite && non_finite) raise_status(args->status, kStatusNonFinite);
  return true;
}

// Rounded to 16 bits, but stored in f32.
inline void finish_rounded(const KernelArgs* args, const MatmulDesc& d, const Sums<float>& s, const Target& out,
                           const MatmulChunk& c) {
  if (stream_sums(args, d, s, out, c)) return;
  round_in_place(s.sum, s.sum_row, c.rows, c.cols, d.problem.rounded_type);
  if (d.problem.adds) {
    const float* added = added_to(args, d, out);
    for (int64_t i = 0; i < c.rows; ++i)
      for (int64_t j = 0; j < c.cols; ++j) s.sum[i * s.sum_row + j] += added[i * out.row + j * out.col];
  }
  check_finite(args, d, s, c);
  store_block(s.sum, s.sum_row, c.rows, c.cols, out);
}

template <class T>
inline void finish_sums(const KernelArgs* args, const MatmulDesc& d, const Sums<T>& s, const Target& out, int64_t batch,
                        const MatmulChunk& c) {
  if (d.problem.has_epilogue()) return run_epilogue(args, d, s, batch, c);
  if constexpr (sizeof(T) == sizeof(float)) {
    if (d.problem.rounds) return finish_rounded(args, d, s, out, c);
  }
  check_finite(args, d, s, c);
  store_block(s.sum, s.sum_row, c.rows, c.cols, out);
}

}  // namespace PT_ISA
}  // namespace pt
