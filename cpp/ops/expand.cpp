#include "ops/expand.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "ops/autocast.h"
#include "ops/composition.h"
#include "ops/loaded_device.h"
#include "ops/recorder.h"
#include "ops/target.h"

namespace pt {
namespace {

std::string renamed(const Op& op, const std::string& message) {
  const std::size_t end = message.find(']');
  const bool names_an_op =
      message.starts_with('[') && end != std::string::npos && find_op_or_null(message.substr(1, end - 1));
  return names_an_op ? "[" + op.name + message.substr(end) : message;
}

// By one of the op's definitions; its errors are the op's.
Tensors by_definition(const Op& op, const ComposeFn& definition, const Tensors& inputs, const Attrs& attrs) {
  try {
    return definition(inputs, attrs);
  } catch (const ShapeError& error) {
    throw ShapeError(renamed(op, error.what()));
  } catch (const DTypeError& error) {
    throw DTypeError(renamed(op, error.what()));
  } catch (const IndexError& error) {
    throw IndexError(renamed(op, error.what()));
  }
}

// What does not depend on the inputs, such as the zeros of an empty gradient, was made in main memory.
Tensors beside(const Tensors& inputs, Memory& memory, Tensors results) {
  const auto is_there = [&](const Tensor& x) { return x.concrete() && &x.impl().buffer->memory() == &memory; };
  if (std::none_of(inputs.begin(), inputs.end(), is_there)) return results;
  for (Tensor& y : results) {
    if (y.concrete() && !is_there(y)) y = moved_on_tape(y, memory);
  }
  return results;
}

// Of plugins' kernels; as long as the process, like their ops.
std::map<const Op*, ComposeFn>& on_devices() {
  static auto& all = *new std::map<const Op*, ComposeFn>;
  return all;
}
std::map<const Op*, ComposeFn>& for_backends() {
  static auto& all = *new std::map<const Op*, ComposeFn>;
  return all;
}
Lock& defining() {
  static auto& lock = *new Lock;
  return lock;
}

// The definition of a plugin's op in one of these maps, or else the op's own.
const ComposeFn& one_of(const std::map<const Op*, ComposeFn>& definitions, const Op& op) {
  const std::lock_guard lock(defining());
  const auto found = definitions.find(&op);
  return found == definitions.end() ? op.compose : found->second;
}

const ComposeFn& definition_for(const Target* target, const Op& op) {
  if (!op.failure || !target || !loaded_device_of(target->memory())) return op.compose;  // of no plugin, or on the CPU
  return one_of(on_devices(), op);
}

}  // namespace

CompositionRunner& composition_runner() {
  static CompositionRunner runner = nullptr;
  return runner;
}

CompositionFinder& composition_finder() {
  static CompositionFinder finder = nullptr;
  return finder;
}

bool is_large(const Tensors& tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const Tensor& t) {
    return t.defined() && count(t.shape()) * static_cast<int64_t>(size_of(t.dtype())) >= kSmallBytes;
  });
}

bool run_as_program(const Composition& composition, Tensors& results) {
  const TargetScope scope(target_for(composition.op, composition.inputs));
  return composition_runner() && composition_runner()(composition, results);
}

Tensors run_composition(const Composition& composition) {
  Tensors results;
  if (run_as_program(composition, results)) return results;
  return call_by_call(composition, target_for(composition.op, composition.inputs));
}

Tensors call_by_call(const Composition& composition, const Target& target) {
  const TargetScope scope(target);
  return beside(composition.inputs, target.memory(), composition.body(composition.inputs));
}

Tensors expand(const Op& op, const Tensors& inputs, const Attrs& attrs) {
  return by_definition(op, op.compose, inputs, attrs);
}

void define_for_backends(const Op& op, ComposeFn definition) {
  const std::lock_guard lock(defining());
  for_backends()[&op] = std::move(definition);
}

Tensors expand_for_backend(const Op& op, const Tensors& inputs, const Attrs& attrs) {
  const ComposeFn& definition = op.failure ? one_of(for_backends(), op) : op.compose;
  return definition ? by_definition(op, definition, inputs, attrs) : Tensors{};
}

void define_on_devices(const Op& op, ComposeFn definition) {
  const std::lock_guard lock(defining());
  on_devices()[&op] = std::move(definition);
}

bool planned(const Target& target, const Op& op) {
  return target.plans(op) && !(op.formula && loaded_device_of(target.memory()));
}

bool expands(const Target* target, const Op& op) {
  if (target && planned(*target, op)) return false;
  if (definition_for(target, op)) return target || !op.has_kernel();
  if (target && op.formula) target->refuse(op);  // it is code for the CPU
  return false;
}

Tensors expand_for(const Target* target, const Op& op, const Tensors& inputs, const Attrs& attrs) {
  return by_definition(op, definition_for(target, op), inputs, attrs);
}

bool by_complex_rule(const Op& op, const Tensors& inputs, const Attrs& attrs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined() || !is_complex(inputs[i].dtype())) continue;
    if (op.complex_rule) return true;
    if (op.takes_complex || op.view) return false;
    const std::string& name = op.inputs[op.inputs[0].list ? 0 : i].name;
    throw DTypeError(text("[", op.name, "] ", name, " is ", inputs[i].type(),
                          "; expected real numbers; take real(x), imag(x) or abs(x)"));
  }
  if (!op.complex_rule || op.attrs.empty()) return false;
  const Attr* dtype = attrs.find("dtype");
  return dtype && std::holds_alternative<DType>(*dtype) && is_complex(std::get<DType>(*dtype));
}

Tensors expand_complex(const Op& op, const Tensors& inputs, const Attrs& attrs) {
  const AutocastScope decided;
  return by_definition(op, op.complex_rule, inputs, attrs);
}

}  // namespace pt
