// The recurrence of an LSTM and its gradient on the simulator. Sums over the width are made in another order than the
// CPU's; what differs in one step comes back in the next.
#include "cuda/tests/check_plan.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;

void recur(DType type, int64_t batch, int64_t steps, int64_t width, int units = 3) {
  CheckOptions options;
  options.k = 4.0 * static_cast<double>(steps + width);
  options.magnitude = 1;
  options.capabilities = {90};
  options.units = units;
  const Shape states = {batch, steps, width}, gates = {batch, steps, 4 * width};
  const Array w = normal(type, {width, 4 * width}, 2, 0.2);
  check_op("lstm_recurrence",
           {normal(type, gates, 1), w, normal(type, {batch, width}, 3), normal(type, {batch, width}, 4)}, {}, options);
  // Gates that are between 0 and 1, as sigmoids are; the candidate may be too.
  Array between = normal(type, gates, 5);
  for (int64_t i = 0; i < between.count(); ++i) between.set(i, 1 / (1 + between.number(i) * between.number(i)));
  check_op("lstm_recurrence_backward",
           {w, normal(type, {batch, width}, 6), normal(type, states, 7), between, normal(type, states, 8),
            normal(type, states, 9)},
           {}, options);
}

}  // namespace

int main() {
  for (DType type : {DType::F32, DType::F64}) {
    recur(type, 1, 1, 1);
    recur(type, 2, 3, 5);
    recur(type, 7, 4, 33);       // several rows for a block, and not enough for the last
    recur(type, 3, 2, 40, 100);  // a block for each row
    recur(type, 0, 3, 4);
  }
  recur(DType::F32, 2, 2, 300);  // more units than threads
  return pt::check::finish();
}
