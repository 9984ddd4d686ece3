// Loops and branches: the same function gives the same op, since ops live as long as the process.
#include "program/control.h"

#include "check.h"
#include "graph/region.h"
#include "ops/functional.h"
#include "ops/recorder.h"
#include "ops/tape.h"

using namespace pt;

namespace {

const Op* op_of(const Function& step) {
  TapeScope tape;
  const Tensor init = Tensor::full({DType::F32, {3}}, 1), xs = Tensor::full({DType::F32, {4, 3}}, 2);
  WatchScope watch({init});
  const Tensors made = scan(step, {init}, {xs}, 4, false);
  return made[0].node() ? made[0].node()->op : nullptr;
}

Function times(double factor) {
  return [factor](const Tensors& in) -> Tensors { return {factor * in[0] + in[1]}; };
}

Function checkpoint_of(double factor) {
  return [factor](const Tensors& in) { return checkpointed(times(factor), in); };
}

void test_the_same_function_is_the_same_op() {
  const Op* first = op_of(times(2));
  CHECK(first != nullptr);
  CHECK(first == op_of(times(2)));
  CHECK(first == op_of(times(3)));  // a number is an input
  CHECK(first != op_of([](const Tensors& in) -> Tensors { return {in[0] - in[1]}; }));
  const Op* region = op_of(checkpoint_of(2));
  CHECK(region != first);
  CHECK(region == op_of(checkpoint_of(2)));
}

}  // namespace

int main() {
  test_the_same_function_is_the_same_op();
  return check::finish();
}
