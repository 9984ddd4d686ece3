// A block for each row: its threads are the states, the labels with a blank around each, and all of them go from step
// to step. Everything is computed in double and added in the CPU's order, so the bits are the CPU's. What a row keeps
// is in the workspace.
#include "cuda/formulas.h"
#include "cuda/kernel.h"
#include "ops/ctc_loss/cuda_desc.h"

namespace pt::cuda {
namespace {

PT_DEVICE double never() { return -double(INFINITY); }

PT_DEVICE double greater_of(double a, double b) { return a > b ? a : b; }

// log(e^a + e^b + e^c); nothing of nothing.
PT_DEVICE double add_logs(double a, double b, double c) {
  const double top = greater_of(greater_of(a, b), c), shift = top == never() ? 0.0 : top;
  return log_of(exp_of(a - shift) + exp_of(b - shift) + exp_of(c - shift)) + shift;
}

template <class T>
struct CtcRow {
  const T* scores;
  int64_t steps, states, n_classes;
  int64_t* classes;  // of each state
  int64_t* follows;  // of each state two: the next one of the same class, or -1; and whether it is the first one

  // False for a row that makes no sense. All threads of the block call it.
  __device__ bool begin(char* const* data, const CtcProblem& p, int64_t row, char* workspace) {
    const CtcDesc& d = p.row;
    scores = reinterpret_cast<const T*>(data[0]) + row * d.steps * d.classes;
    const int64_t* labels = reinterpret_cast<const int64_t*>(data[1]) + row * d.longest;
    steps = reinterpret_cast<const int64_t*>(data[2])[row];
    const int64_t length = reinterpret_cast<const int64_t*>(data[3])[row];
    bool bad = steps < 0 || steps > d.steps || length < 0 || length > d.longest;
    states = bad ? 0 : 2 * length + 1;
    n_classes = d.classes;
    classes = reinterpret_cast<int64_t*>(workspace);
    follows = classes + d.wide;
    for (int64_t i = threadIdx.x; i < states; i += blockDim.x) {
      classes[i] = i % 2 ? labels[i / 2] : d.blank;
      bad = bad || classes[i] < 0 || classes[i] >= d.classes;
    }
    return !__syncthreads_or(bad);
  }
  __device__ void find_chains() {
    for (int64_t i = threadIdx.x; i < states; i += blockDim.x) {
      int64_t next = i + 1, before = i - 1;
      while (next < states && classes[next] != classes[i]) ++next;
      while (before >= 0 && classes[before] != classes[i]) --before;
      follows[2 * i] = next < states ? next : -1;
      follows[2 * i + 1] = before < 0;
    }
    __syncthreads();
  }
  __device__ double emitted(int64_t step, int64_t i) const { return double(scores[step * n_classes + classes[i]]); }
  // What is added to the probability of a state that is reached from two before.
  __device__ double skip(int64_t i) const {
    return i < states && i % 2 && i > 1 && classes[i] != classes[i - 2] ? 0.0 : never();
  }
  // The states' log-probabilities after this step, from those before it.
  __device__ void forward(int64_t step, const double* now, double* next) const {
    for (int64_t i = threadIdx.x; i < states; i += blockDim.x) {
      if (step == 0) {
        next[i] = i < 2 ? emitted(0, i) : never();
      } else {
        const double one_before = i > 0 ? now[i - 1] : never(), two_before = i > 1 ? now[i - 2] : never();
        next[i] = add_logs(now[i], one_before, two_before + skip(i)) + emitted(step, i);
      }
    }
    __syncthreads();
  }
  // Of both ends of the last step.
  __device__ double likelihood(const double* now) const {
    return add_logs(now[states - 1], states > 1 ? now[states - 2] : never(), never());
  }
};

// Operands: scores, labels, steps, lengths, loss, workspace.
template <class T>
PT_DEVICE void ctc_forward(const Operands<6>& operands, const CtcProblem& p) {
  for (int64_t number = blockIdx.x; number < p.row.rows; number += gridDim.x) {
    char* workspace = operands.at[5] + number * p.row_bytes;
    T* loss = reinterpret_cast<T*>(operands.at[4]) + number;
    CtcRow<T> row;
    if (!row.begin(operands.at, p, number, workspace)) {
      if (threadIdx.x == 0) {
        *loss = T(0);
        raise(operands.status, kStatusBadIndex);
      }
      continue;
    }
    double *now = reinterpret_cast<double*>(row.classes + 3 * p.row.wide), *next = now + p.row.wide;
    for (int64_t step = 0; step < row.steps; ++step) {
      row.forward(step, now, next);
      double* was = now;
      now = next;
      next = was;
    }
    // Without steps only nothing can have been said.
    if (threadIdx.x == 0) *loss = T(row.steps > 0 ? -row.likelihood(now) : row.states == 1 ? 0.0 : double(INFINITY));
    __syncthreads();
  }
}

// What follows a state: the log-probability of all steps behind this one, from that of the states after them.
template <class T>
PT_DEVICE void look_behind(const CtcRow<T>& row, bool last, const double* now, double* next) {
  const int64_t states = row.states;
  for (int64_t i = threadIdx.x; i < states; i += blockDim.x) {
    if (last) {
      next[i] = i >= states - 2 ? 0.0 : never();
    } else {
      const double one_on = i + 1 < states ? now[i + 1] : never(), two_on = i + 2 < states ? now[i + 2] : never();
      next[i] = add_logs(now[i], one_on, two_on + row.skip(i + 2));
    }
  }
}

// The gradients of one step: each class has the posteriors of its states, from the first on.
template <class T>
PT_DEVICE void share_out(const CtcRow<T>& row, const double* posterior, double gradient, T* out) {
  for (int64_t i = threadIdx.x; i < row.states; i += blockDim.x) {
    if (!row.follows[2 * i + 1]) continue;
    double share = 0;
    for (int64_t k = i; k >= 0; k = row.follows[2 * k]) share += posterior[k];
    if (share != 0) out[row.classes[i]] = T(-gradient * share);
  }
}

// Operands: scores, labels, steps, lengths, the loss' gradient, that of the scores, workspace.
template <class T>
PT_DEVICE void ctc_backward(const Operands<7>& operands, const CtcProblem& p) {
  const CtcDesc& d = p.row;
  for (int64_t number = blockIdx.x; number < d.rows; number += gridDim.x) {
    T* out = reinterpret_cast<T*>(operands.at[5]) + number * d.steps * d.classes;
    for (int64_t i = threadIdx.x; i < d.steps * d.classes; i += blockDim.x) out[i] = T(0);
    CtcRow<T> row;
    if (!row.begin(operands.at, p, number, operands.at[6] + number * p.row_bytes)) {
      if (threadIdx.x == 0) raise(operands.status, kStatusBadIndex);
      continue;
    }
    const double gradient = double(reinterpret_cast<const T*>(operands.at[4])[number]);
    if (gradient == 0 || row.steps == 0) continue;
    row.find_chains();
    double *now = reinterpret_cast<double*>(row.classes + 3 * d.wide), *next = now + d.wide;
    double *posterior = next + d.wide, *alpha = posterior + d.wide;
    for (int64_t step = 0; step < row.steps; ++step)
      row.forward(step, alpha + (step - (step > 0)) * d.wide, alpha + step * d.wide);
    const double whole = row.likelihood(alpha + (row.steps - 1) * d.wide);
    for (int64_t step = row.steps - 1; step >= 0; --step) {
      look_behind(row, step == row.steps - 1, now, next);
      for (int64_t i = threadIdx.x; i < row.states; i += blockDim.x) {
        posterior[i] = exp_of(alpha[step * d.wide + i] + next[i] - whole);
        next[i] += row.emitted(step, i);
      }
      __syncthreads();
      share_out(row, posterior, gradient, out + step * d.classes);
      __syncthreads();
      double* was = now;
      now = next;
      next = was;
    }
  }
}

}  // namespace
}  // namespace pt::cuda

using pt::cuda::CtcProblem;

PT_CUDA_KERNEL(ctc_forward_f32, 6, CtcProblem, 256) { pt::cuda::ctc_forward<float>(operands, params); }
PT_CUDA_KERNEL(ctc_forward_f64, 6, CtcProblem, 256) { pt::cuda::ctc_forward<double>(operands, params); }
PT_CUDA_KERNEL(ctc_backward_f32, 7, CtcProblem, 256) { pt::cuda::ctc_backward<float>(operands, params); }
PT_CUDA_KERNEL(ctc_backward_f64, 7, CtcProblem, 256) { pt::cuda::ctc_backward<double>(operands, params); }
