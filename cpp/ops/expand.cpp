#include "ops/expand.h"

#include "ops/composition.h"

namespace pt {
namespace {

std::string renamed(const Op& op, const std::string& message) {
  const std::size_t end = message.find(']');
  const bool names_an_op =
      message.starts_with('[') && end != std::string::npos && find_op_or_null(message.substr(1, end - 1));
  return names_an_op ? "[" + op.name + message.substr(end) : message;
}

}  // namespace

CompositionRunner& composition_runner() {
  static CompositionRunner runner = nullptr;
  return runner;
}

Tensors expand(const Op& op, const Tensors& inputs, const Attrs& attrs) {
  try {
    return op.compose(inputs, attrs);
  } catch (const ShapeError& error) {
    throw ShapeError(renamed(op, error.what()));
  } catch (const DTypeError& error) {
    throw DTypeError(renamed(op, error.what()));
  } catch (const IndexError& error) {
    throw IndexError(renamed(op, error.what()));
  }
}

}  // namespace pt
