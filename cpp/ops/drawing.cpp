// Calls of ops that draw, by a generator's state and what else they take.
#include "ops/drawing.h"

#include <cstring>
#include <utility>

#include "ops/recorder.h"

namespace pt {
namespace {

Tensor drawn(std::string_view op, const SlotRef& generator, Attrs attrs, Tensors more) {
  generator->travels = true;
  Tensor state = read_slot(generator);
  Recorder* recorder = active_recorder();
  attrs.set("ordinal", recorder ? recorder->next_draw(generator) : int64_t{0});
  if (!recorder) state = state.in(host_memory());  // where a step on a device has left it elsewhere
  more.insert(more.begin(), state);
  const Tensor numbers = apply1(op, std::move(more), attrs);
  if (!recorder) write_slot(generator, moved_on(state));
  return numbers;
}

Tensor whole_number(int64_t value) {
  const Tensor number = Tensor::empty({DType::I64, {}});
  std::memcpy(number.host(), &value, sizeof(value));
  return number;
}

}  // namespace

Tensor draw(std::string_view op, const SlotRef& generator, Attrs attrs) {
  return drawn(op, generator, std::move(attrs), {});
}

Tensor draw_integers(const SlotRef& generator, Ints shape, int64_t start, int64_t range) {
  const Tensor width = Tensor::scalar(static_cast<double>(range), DType::F64);
  return drawn("random_integers", generator, {{"shape", std::move(shape)}}, {whole_number(start), width});
}

}  // namespace pt
