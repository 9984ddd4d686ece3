// The recurrence of an LSTM. Rows of the batch never meet, so a block takes a few of them through all steps by itself:
// one launch for a whole sequence. A thread has some units of the state, with all four gates of each, so that gates go
// from the sums to the state in registers; of the weights it reads its columns, side by side with its neighbours', once
// per step for all rows of the block.
#include "cuda/kernel.h"
#include "ops/lstm_recurrence/cuda_desc.h"
#include "ops/sigmoid/math.h"
#include "ops/sigmoid_grad/math.h"
#include "ops/tanh_grad/math.h"
#include "simd/math.h"

namespace pt::cuda {
namespace {

template <class T>
using One = pt::PT_ISA::vec<T, 1>;

template <class T>
PT_DEVICE T sigmoid_of(T x) {
  return pt::PT_ISA::sigmoid(One<T>(x)).part[0];
}
template <class T>
PT_DEVICE T tanh_of(T x) {
  return pt::PT_ISA::tanh(One<T>(x)).part[0];
}
template <class T>
PT_DEVICE T sigmoid_grad_of(T y, T g) {
  return pt::PT_ISA::sigmoid_grad(One<T>(y), One<T>(g)).part[0];
}
template <class T>
PT_DEVICE T tanh_grad_of(T y, T g) {
  return pt::PT_ISA::tanh_grad(One<T>(y), One<T>(g)).part[0];
}

// Row r of a block, or its last one where there are fewer.
template <int kRows>
PT_DEVICE int64_t row_of_block(const LstmProblem& p, int64_t first, int r) {
  return first + r < p.batch ? first + r : p.batch - 1;
}

// Operands: xw, w_hh, h0, c0, h, c, gates.
template <class T, int kRows>
PT_DEVICE void run_forward(const Operands<7>& operands, const LstmProblem& p) {
  const auto at = [&](int i) { return reinterpret_cast<T*>(operands.at[i]); };
  const T *xw = at(0), *w = at(1), *h0 = at(2), *c0 = at(3);
  T *h = at(4), *c = at(5), *gates = at(6);
  const int64_t width = p.width;
  for (int64_t first = int64_t(blockIdx.x) * kRows; first < p.batch; first += int64_t(gridDim.x) * kRows) {
    for (int64_t t = 0; t < p.steps; ++t) {
      const T* before[kRows];
      for (int r = 0; r < kRows; ++r) {
        const int64_t row = row_of_block<kRows>(p, first, r);
        before[r] = t ? h + (row * p.steps + t - 1) * width : h0 + row * width;
      }
      for (int64_t u = threadIdx.x; u < width; u += blockDim.x) {
        T sums[kRows][4] = {};
        for (int64_t k = 0; k < width; ++k) {
          T weights[4];
#pragma unroll
          for (int gate = 0; gate < 4; ++gate) weights[gate] = w[k * 4 * width + gate * width + u];
#pragma unroll
          for (int r = 0; r < kRows; ++r) {
            const T state = before[r][k];
#pragma unroll
            for (int gate = 0; gate < 4; ++gate) sums[r][gate] = fma(state, weights[gate], sums[r][gate]);
          }
        }
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
          if (first + r >= p.batch) break;
          const int64_t place = ((first + r) * p.steps + t) * width;
          const T *input = xw + 4 * place + u, c_before = t ? c[place - width + u] : c0[(first + r) * width + u];
          const T in = sigmoid_of(input[0] + sums[r][0]), forget = sigmoid_of(input[width] + sums[r][1]);
          const T candidate = tanh_of(input[2 * width] + sums[r][2]);
          const T out = sigmoid_of(input[3 * width] + sums[r][3]);
          const T cell = forget * c_before + in * candidate;
          T* gate = gates + 4 * place + u;
          gate[0] = in, gate[width] = forget, gate[2 * width] = candidate, gate[3 * width] = out;
          c[place + u] = cell;
          h[place + u] = out * tanh_of(cell);
        }
      }
      __syncthreads();  // the next step reads the states of all units
    }
  }
}

// The weights as the backward pass reads them: [4 h, h]. Operands: w_hh, turned.
template <class T>
PT_DEVICE void turn_weights(const Operands<2>& operands, const LstmProblem& p) {
  const T* w = reinterpret_cast<const T*>(operands.at[0]);
  T* turned = reinterpret_cast<T*>(operands.at[1]);
  const int64_t gates = 4 * p.width;
  for (int64_t i = global_thread(); i < gates * p.width; i += global_threads())
    turned[i] = w[i % p.width * gates + i / p.width];
}

// The gradients of one unit's gates at one step; dh and dc are those of what followed, and dc becomes that of the step
// before.
template <class T>
struct UnitBefore {
  const T *c_before, *c, *gates, *dh_out, *dc_out;  // at the unit
};
template <class T>
PT_DEVICE void step_back(const UnitBefore<T>& s, int64_t width, T dh_after, T& dc, T* dgates) {
  const T in = s.gates[0], forget = s.gates[width], candidate = s.gates[2 * width], out = s.gates[3 * width];
  const T squashed = tanh_of(*s.c), dh = *s.dh_out + dh_after;
  const T cell = (*s.dc_out + dc) + tanh_grad_of(squashed, dh * out);
  dgates[0] = sigmoid_grad_of(in, cell * candidate);
  dgates[width] = sigmoid_grad_of(forget, cell * *s.c_before);
  dgates[2 * width] = tanh_grad_of(candidate, cell * in);
  dgates[3 * width] = sigmoid_grad_of(out, dh * squashed);
  dc = cell * forget;
}

// Operands: turned weights, c0, c, gates, dh, dc, dgates, dh0, dc0. The last two hold the gradients of the states while
// the steps are walked back.
template <class T, int kRows>
PT_DEVICE void run_backward(const Operands<9>& operands, const LstmProblem& p) {
  const auto at = [&](int i) { return reinterpret_cast<T*>(operands.at[i]); };
  const T *turned = at(0), *c0 = at(1), *c = at(2), *gates = at(3), *dh_out = at(4), *dc_out = at(5);
  T *dgates = at(6), *dh0 = at(7), *dc0 = at(8);
  const int64_t width = p.width;
  for (int64_t first = int64_t(blockIdx.x) * kRows; first < p.batch; first += int64_t(gridDim.x) * kRows) {
    for (int64_t t = p.steps - 1; t >= 0; --t) {
      for (int64_t u = threadIdx.x; u < width; u += blockDim.x) {
        for (int r = 0; r < kRows && first + r < p.batch; ++r) {
          const int64_t row = first + r, place = (row * p.steps + t) * width + u, state = row * width + u;
          const int64_t gate = (row * p.steps + t) * 4 * width + u;
          T dc = t == p.steps - 1 ? T(0) : dc0[state];
          const T dh = t == p.steps - 1 ? T(0) : dh0[state];
          step_back<T>({t ? c + place - width : c0 + state, c + place, gates + gate, dh_out + place, dc_out + place},
                       width, dh, dc, dgates + gate);
          dc0[state] = dc;
        }
      }
      __syncthreads();  // all gates' gradients of the step are there
      for (int64_t u = threadIdx.x; u < width; u += blockDim.x) {
        T sums[kRows] = {};
        for (int64_t k = 0; k < 4 * width; ++k) {
          const T weight = turned[k * width + u];
#pragma unroll
          for (int r = 0; r < kRows; ++r)
            sums[r] = fma(dgates[(row_of_block<kRows>(p, first, r) * p.steps + t) * 4 * width + k], weight, sums[r]);
        }
#pragma unroll
        for (int r = 0; r < kRows; ++r)
          if (first + r < p.batch) dh0[(first + r) * width + u] = sums[r];
      }
    }
  }
}

}  // namespace
}  // namespace pt::cuda

using pt::cuda::LstmProblem;

#define PT_LSTM_ROWS(name, T, rows)                                    \
  PT_CUDA_KERNEL(lstm_forward_##name##_##rows, 7, LstmProblem, 256) {  \
    pt::cuda::run_forward<T, rows>(operands, params);                  \
  }                                                                    \
  PT_CUDA_KERNEL(lstm_backward_##name##_##rows, 9, LstmProblem, 256) { \
    pt::cuda::run_backward<T, rows>(operands, params);                 \
  }
#define PT_LSTM(name, T)   \
  PT_LSTM_ROWS(name, T, 1) \
  PT_LSTM_ROWS(name, T, 4) \
  PT_CUDA_KERNEL(lstm_turn_weights_##name, 2, LstmProblem, 256) { pt::cuda::turn_weights<T>(operands, params); }

PT_LSTM(f32, float)
PT_LSTM(f64, double)
