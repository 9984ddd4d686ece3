// A row is one chunk. Its states are the labels with a blank around each; a vector holds 16 of them, in double. What
// the backward needs of the forward it computes again, into the thread's scratch: alpha is steps x states numbers.
#include "core/integers.h"
#include "core/kernel.h"
#include "ops/ctc_loss/desc.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {
namespace {

using V = f64x16;
constexpr double kNever = -__builtin_inf();

// log(e^a + e^b + e^c); nothing of nothing.
PT_FN V add_logs(V a, V b, V c) {
  const V top = greater_of(greater_of(a, b), c);
  const V shift = select(top == V(kNever), V(0), top);
  return log(exp(a - shift) + exp(b - shift) + exp(c - shift)) + shift;
}

// One row, and what its thread computes in.
template <class T>
struct CtcRow {
  const T* scores;
  int64_t steps, states;
  int64_t* classes;  // of each state
  double *now, *next, *emit, *skip;

  // The classes of the states, and which may be reached from two before; false for a row that makes no sense.
  bool begin(const KernelArgs* args, const CtcDesc& d, int64_t row, double* scratch) {
    scores = reinterpret_cast<const T*>(args->data[0]) + row * d.steps * d.classes;
    const int64_t* labels = reinterpret_cast<const int64_t*>(args->data[1]) + row * d.longest;
    steps = reinterpret_cast<const int64_t*>(args->data[2])[row];
    const int64_t length = reinterpret_cast<const int64_t*>(args->data[3])[row];
    if (steps < 0 || steps > d.steps || length < 0 || length > d.longest) return false;
    states = 2 * length + 1;
    const int64_t room = d.room;
    for (int64_t i = 0; i < 4 * room; ++i) scratch[i] = kNever;
    now = scratch + kCtcPad;
    next = now + room;
    emit = next + room;
    skip = emit + room;
    classes = reinterpret_cast<int64_t*>(scratch + 4 * room);
    for (int64_t i = 0; i < states; ++i) {
      classes[i] = i % 2 ? labels[i / 2] : d.blank;
      if (classes[i] < 0 || classes[i] >= d.classes) return false;
      if (i % 2 && i > 1 && classes[i] != classes[i - 2]) skip[i] = 0;
    }
    return true;
  }
  void swap() {
    double* was = now;
    now = next;
    next = was;
  }
  void read_scores(const CtcDesc& d, int64_t step) {
    for (int64_t i = 0; i < states; ++i) emit[i] = static_cast<double>(scores[step * d.classes + classes[i]]);
  }
  // The states' log-probabilities after this step, from those before it.
  void forward(const CtcDesc& d, int64_t step) {
    read_scores(d, step);
    if (step == 0) {
      for (int64_t i = 0; i < states; ++i) now[i] = i < 2 ? emit[i] : kNever;
      return;
    }
    for (int64_t i = 0; i < states; i += 16) {
      const V sum = add_logs(V::load(now + i), V::load(now + i - 1), V::load(now + i - 2) + V::load(skip + i));
      store(next + i, sum + V::load(emit + i));
    }
    swap();
  }
  // Of both ends of the last step.
  double likelihood() const {
    double lanes[16];
    store(lanes, add_logs(V(now[states - 1]), V(states > 1 ? now[states - 2] : kNever), V(kNever)));
    return lanes[0];
  }
};

template <class T>
void ctc_forward(const KernelArgs* args, int64_t row_number) {
  const CtcDesc& d = *static_cast<const CtcDesc*>(args->desc);
  T* loss = reinterpret_cast<T*>(args->data[4]) + row_number;
  CtcRow<T> row;
  if (!row.begin(args, d, row_number, reinterpret_cast<double*>(args->scratch))) {
    *loss = T(0);
    raise_status(args->status, kStatusBadIndex);
    return;
  }
  for (int64_t step = 0; step < row.steps; ++step) row.forward(d, step);
  // Without steps only nothing can have been said.
  *loss = static_cast<T>(row.steps > 0 ? -row.likelihood() : row.states == 1 ? 0.0 : -kNever);
}

template <class T>
void ctc_backward(const KernelArgs* args, int64_t row_number) {
  const CtcDesc& d = *static_cast<const CtcDesc*>(args->desc);
  T* out = reinterpret_cast<T*>(args->data[5]) + row_number * d.steps * d.classes;
  for (int64_t i = 0; i < d.steps * d.classes; ++i) out[i] = T(0);
  double* scratch = reinterpret_cast<double*>(args->scratch);
  CtcRow<T> row;
  if (!row.begin(args, d, row_number, scratch)) return raise_status(args->status, kStatusBadIndex);
  const double gradient = static_cast<double>(reinterpret_cast<const T*>(args->data[4])[row_number]);
  if (gradient == 0 || row.steps == 0) return;
  double* shares = scratch + 4 * d.room + d.wide;  // of the classes, behind those of the states
  double* alpha = shares + d.classes;
  for (int64_t step = 0; step < row.steps; ++step) {
    row.forward(d, step);
    for (int64_t i = 0; i < row.states; i += 16) store(alpha + step * d.wide + i, V::load(row.now + i));
  }
  const V whole(row.likelihood());
  // From here `now` holds what follows a state: the log-probability of all steps behind it.
  double posterior[16];
  for (int64_t step = row.steps - 1; step >= 0; --step) {
    for (int64_t i = 0; i < row.states; i += 16) {
      if (step == row.steps - 1) {
        for (int64_t k = i; k < i + 16; ++k) {
          row.next[k] = k < row.states && k >= row.states - 2 ? 0 : kNever;
        }
      } else {
        store(row.next + i, add_logs(V::load(row.now + i), V::load(row.now + i + 1),
                                     V::load(row.now + i + 2) + V::load(row.skip + i + 2)));
      }
    }
    for (int64_t c = 0; c < d.classes; ++c) shares[c] = 0;
    for (int64_t i = 0; i < row.states; i += 16) {
      store(posterior, exp(V::load(alpha + step * d.wide + i) + V::load(row.next + i) - whole));
      for (int64_t k = i; k < least(i + 16, row.states); ++k) shares[row.classes[k]] += posterior[k - i];
    }
    for (int64_t c = 0; c < d.classes; ++c) {
      if (shares[c] != 0) out[step * d.classes + c] = static_cast<T>(-gradient * shares[c]);
    }
    row.read_scores(d, step);
    for (int64_t i = 0; i < row.states; i += 16) store(row.next + i, V::load(row.next + i) + V::load(row.emit + i));
    row.swap();
  }
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(ctc_loss, pt::PT_ISA::ctc_forward<float>, pt::PT_ISA::ctc_forward<double>, pt::PT_ISA::ctc_backward<float>,
           pt::PT_ISA::ctc_backward<double>);
