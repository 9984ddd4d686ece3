// The recurrence of an LSTM. Rows of the batch never meet, so each chunk takes some of them through all steps without a
// barrier: one product with the packed weights per step, then the gates on its result while that is in cache. Traffic
// of a step: the weights from L2 once per chunk, and each activation written once.
#include "core/integers.h"
#include "core/kernel.h"
#include "ops/lstm_recurrence/desc.h"
#include "ops/matmul/strips.h"
#include "ops/sigmoid/math.h"
#include "ops/sigmoid_grad/math.h"
#include "ops/tanh_grad/math.h"

namespace pt {
namespace PT_ISA {
namespace {

constexpr int64_t kStateLanes = 16;

template <class T>
constexpr int64_t kPanel = kTileVectors* Register<T>::kLanes;

template <class T>
void pack_weights(const KernelArgs* args, int64_t chunk) {
  const LstmPackDesc& d = *static_cast<const LstmPackDesc*>(args->desc);
  const T* weights = reinterpret_cast<const T*>(args->data[0]);
  T* packed = reinterpret_cast<T*>(args->data[1]);
  const int64_t end = least((chunk + 1) * d.panel_chunk, d.cols);
  for (int64_t col = chunk * d.panel_chunk; col < end; col += kPanel<T>) {
    const int64_t n = least(kPanel<T>, d.cols - col);
    const Source source{reinterpret_cast<const char*>(weights + col * d.col_stride), kTypeOf<T>, d.row_stride,
                        d.col_stride};
    const int64_t whole = whole_vectors<T>(n);
    T* panel = packed + col * d.rows;
    load_block(source, d.rows, n, panel, whole, static_cast<T*>(nullptr));
    if (n < whole) fill_zero(panel + n, whole, d.rows, whole - n);
  }
}

// out[rows, cols] = left[rows, depth] weights, blocks of K in order as every product; `strips` has room for a block of
// the left operand.
template <class T>
void multiply_packed(const T* left, int64_t left_row, const T* packed, int64_t depth, T* out, int64_t out_row,
                     int64_t rows, int64_t cols, T* strips) {
  for (int64_t k = 0; k < depth; k += kBlockDepth) {
    const int64_t block = least(kBlockDepth, depth - k);
    pack_strips(Source{reinterpret_cast<const char*>(left + k), kTypeOf<T>, left_row, 1}, Strips(rows, kTileRows),
                block, strips);
    for (int64_t col = 0; col < cols; col += kPanel<T>) {
      const int64_t n = least(kPanel<T>, cols - col);
      const int64_t whole = whole_vectors<T>(n);
      const T* panel = packed + col * depth + k * whole;
      const Tile<T> tile{strips, 0, 0, panel, 0, out + col, out_row, block, 0, k > 0};
      multiply_strips_panel(tile, rows, n);
    }
  }
}

template <class T>
PT_FN vec<T, kStateLanes> load_state(const T* p, int64_t n) {
  return n >= kStateLanes ? vec<T, kStateLanes>::load(p) : vec<T, kStateLanes>::load_n(p, n);
}
template <class T>
PT_FN void save_state(T* p, vec<T, kStateLanes> v, int64_t n) {
  n >= kStateLanes ? store(p, v) : store_n(p, v, n);
}

// The next row of the batch is a whole sequence away, where no prefetcher looks: what a step touches of it is fetched
// while the row before is computed.
template <class T>
PT_FN void fetch_gates(int64_t width, const T* p, int64_t u, bool written) {
  for (int64_t gate = 0; gate < 4; ++gate) {
    const T* at = p + gate * width + u;
    written ? __builtin_prefetch(at, 1) : __builtin_prefetch(at, 0);
  }
}

// One row at one step: all gates, then the new states, since a processor does not see far enough ahead to begin the
// next gates while it waits for the tanh of a state. The next row is `apart` states behind.
template <class T>
void step_row(int64_t width, const T* xw, const T* recurrent, const T* c_before, T* h, T* c, T* gates, int64_t apart) {
  for (int64_t u = 0; u < width; u += kStateLanes) {
    const int64_t n = width - u;
    fetch_gates(width, xw + 4 * apart, u, false);
    fetch_gates(width, gates + 4 * apart, u, true);
    auto sum = [&](int64_t gate) {
      return load_state(xw + gate * width + u, n) + load_state(recurrent + gate * width + u, n);
    };
    save_state(gates + u, sigmoid(sum(0)), n);
    save_state(gates + width + u, sigmoid(sum(1)), n);
    save_state(gates + 2 * width + u, tanh(sum(2)), n);
    save_state(gates + 3 * width + u, sigmoid(sum(3)), n);
  }
  for (int64_t u = 0; u < width; u += kStateLanes) {
    const int64_t n = width - u;
    __builtin_prefetch(c + apart + u, 1);
    __builtin_prefetch(h + apart + u, 1);
    const auto input = load_state(gates + u, n), forget = load_state(gates + width + u, n);
    const auto candidate = load_state(gates + 2 * width + u, n), output = load_state(gates + 3 * width + u, n);
    const auto cell = forget * load_state(c_before + u, n) + input * candidate;
    save_state(c + u, cell, n);
    save_state(h + u, output * tanh(cell), n);
  }
}

template <class T>
void lstm_forward(const KernelArgs* args, int64_t chunk) {
  const LstmDesc& d = *static_cast<const LstmDesc*>(args->desc);
  T* data[8];
  for (int i = 0; i < 8; ++i) data[i] = reinterpret_cast<T*>(args->data[i]);
  const T *xw = data[0], *h0 = data[2], *c0 = data[3], *packed = data[7];
  T *h = data[4], *c = data[5], *gates = data[6], *recurrent = reinterpret_cast<T*>(args->scratch);
  const int64_t first = chunk * d.chunk, rows = least(d.chunk, d.batch - first), width = d.width;
  T* strips = reinterpret_cast<T*>(args->scratch + d.strips);
  for (int64_t t = 0; t < d.steps; ++t) {
    const T* h_before = t ? h + (first * d.steps + t - 1) * width : h0 + first * width;
    multiply_packed(h_before, t ? d.steps * width : width, packed, width, recurrent, 4 * width, rows, 4 * width,
                    strips);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = ((first + r) * d.steps + t) * width;
      const T* c_before = t ? c + at - width : c0 + (first + r) * width;
      step_row(width, xw + 4 * at, recurrent + r * 4 * width, c_before, h + at, c + at, gates + 4 * at,
               d.steps * width);
    }
  }
}

// One row at one step: dh of what followed and dc become the gradients of the gates, and dc that of the step before.
template <class T>
void step_row_backward(int64_t width, const T* c_before, const T* c, const T* gates, const T* dh_out, const T* dh_after,
                       const T* dc_out, T* dc, T* dgates, int64_t apart) {
  using V = vec<T, kStateLanes>;
  for (int64_t u = 0; u < width; u += kStateLanes) {
    const int64_t n = width - u;
    fetch_gates(width, gates + 4 * apart, u, false);
    fetch_gates(width, dgates + 4 * apart, u, true);
    const T* const states[] = {c_before, c, dh_out, dc_out};
    for (const T* state : states) __builtin_prefetch(state + apart + u);
    const V input = load_state(gates + u, n), forget = load_state(gates + width + u, n);
    const V candidate = load_state(gates + 2 * width + u, n), output = load_state(gates + 3 * width + u, n);
    const V squashed = tanh(load_state(c + u, n));
    const V dh = load_state(dh_out + u, n) + load_state(dh_after + u, n);
    const V cell = (load_state(dc_out + u, n) + load_state(dc + u, n)) + tanh_grad(squashed, dh * output);
    save_state(dgates + u, sigmoid_grad(input, cell * candidate), n);
    save_state(dgates + width + u, sigmoid_grad(forget, cell * load_state(c_before + u, n)), n);
    save_state(dgates + 2 * width + u, tanh_grad(candidate, cell * input), n);
    save_state(dgates + 3 * width + u, sigmoid_grad(output, dh * squashed), n);
    save_state(dc + u, cell * forget, n);
  }
}

template <class T>
void lstm_backward(const KernelArgs* args, int64_t chunk) {
  const LstmDesc& d = *static_cast<const LstmDesc*>(args->desc);
  T* data[10];
  for (int i = 0; i < 10; ++i) data[i] = reinterpret_cast<T*>(args->data[i]);
  const T *c0 = data[1], *c = data[2], *gates = data[3], *dh_out = data[4], *dc_out = data[5], *packed = data[9];
  T *dgates = data[6], *dh0 = data[7], *dc0 = data[8];
  const int64_t first = chunk * d.chunk, rows = least(d.chunk, d.batch - first), width = d.width;
  T* dh = reinterpret_cast<T*>(args->scratch);
  T* dc = dh + rows * width;
  T* strips = reinterpret_cast<T*>(args->scratch + d.strips);
  fill_zero(dh, width, rows, width);
  fill_zero(dc, width, rows, width);
  for (int64_t t = d.steps - 1; t >= 0; --t) {
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = ((first + r) * d.steps + t) * width;
      const T* c_before = t ? c + at - width : c0 + (first + r) * width;
      step_row_backward(width, c_before, c + at, gates + 4 * at, dh_out + at, dh + r * width, dc_out + at,
                        dc + r * width, dgates + 4 * at, d.steps * width);
    }
    const T* left = dgates + (first * d.steps + t) * 4 * width;
    multiply_packed(left, d.steps * 4 * width, packed, 4 * width, dh, width, rows, width, strips);
  }
  for (int64_t r = 0; r < rows; ++r) {
    copy_row(dh + r * width, width, dh0 + (first + r) * width);
    copy_row(dc + r * width, width, dc0 + (first + r) * width);
  }
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

#define PT_PASSES(T) pt::PT_ISA::pack_weights<T>, pt::PT_ISA::lstm_forward<T>, pt::PT_ISA::lstm_backward<T>
PT_KERNELS(lstm_recurrence, PT_PASSES(float), PT_PASSES(double));
