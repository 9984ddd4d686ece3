#include "core/tensor.h"

#include <atomic>
#include <cstring>

#include "core/convert.h"
#include "core/error.h"

namespace pt {

std::ostream& operator<<(std::ostream& out, const TensorType& type) {
  return out << info(type.dtype).brief << type.shape;
}

void check_type(const TensorType& type, const std::string& where) {
  count(type.shape);
  if (is_complex(type.dtype) && type.shape.size() == kMaxDims) {
    throw ShapeError(text("[", where, "] ", type, " has ", kMaxDims, " axes; expected at most ", kMaxDims - 1,
                          " of complex numbers, whose two parts take one more; merge some with reshape"));
  }
}

std::string to_string(const Location& location) {
  return text(location.file, ":", location.line, location.function.empty() ? "" : " in ", location.function);
}

uint64_t next_value_id() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

Tensor Tensor::view(BufferRef buffer, const TensorType& type, const Strides& strides, int64_t offset) {
  auto impl = std::make_shared<TensorImpl>();
  impl->type = type;
  impl->buffer = std::move(buffer);
  impl->strides = strides;
  impl->offset = offset;
  impl->id = next_value_id();
  return Tensor(std::move(impl));
}

Tensor Tensor::empty(const TensorType& type, Memory& memory) {
  return view(Buffer::allocate(static_cast<std::size_t>(count(type.shape)) * size_of(type.dtype), memory), type,
              pt::row_major(type.shape), 0);
}

Tensor Tensor::full(const TensorType& type, double value) {
  // One element read everywhere: a constant needs no memory of its own size.
  Tensor one = scalar(value, type.dtype);
  Strides zero = type.shape;
  for (int i = 0; i < zero.size(); ++i) zero[i] = 0;
  return view(one.impl().buffer, type, zero, 0);
}

Tensor Tensor::scalar(double value, DType dtype, bool weak) {
  auto impl = std::make_shared<TensorImpl>();
  impl->type = {dtype, {}};
  impl->buffer = Buffer::allocate(size_of(dtype));
  impl->id = next_value_id();
  impl->weak = weak;
  store_number(impl->buffer->host(), dtype, value);
  return Tensor(std::move(impl));
}

Tensor Tensor::with_node(std::shared_ptr<Node> node, int output) const {
  auto impl = std::make_shared<TensorImpl>(*impl_);
  impl->node = std::move(node);
  impl->output = output;
  return Tensor(std::move(impl));
}

Tensor Tensor::ghost() const {
  if (!impl_->buffer) return *this;
  auto impl = std::make_shared<TensorImpl>(*impl_);
  impl->buffer.reset();
  return Tensor(std::move(impl));
}

Tensor Tensor::in(Memory& memory) const {
  const Buffer& from = *impl_->buffer;
  if (&from.memory() == &memory) return *this;
  const BufferRef copy = Buffer::allocate(from.bytes(), memory);
  copy_bytes(memory, copy->address(), from.memory(), from.address(), from.bytes());
  return view(copy, type(), strides(), impl_->offset);
}

double Tensor::item() const {
  if (symbolic()) {
    throw TraceError(
        "[item] received a symbolic tensor; its value is known only when the compiled step runs; return it from the "
        "step");
  }
  if (size() != 1) {
    throw ShapeError(text("[item] received ", type(), "; expected one element; reduce or index it first"));
  }
  if (!concrete())
    throw TraceError("[item] received a tensor whose memory was let go; expected a value; keep the tensor");
  if (is_complex(dtype())) {
    throw DTypeError(text("[item] received ", type(), "; expected a real number; take real(x) or imag(x) first"));
  }
  alignas(8) char bytes[16];
  impl_->buffer->memory().copy_out(bytes, address(), size_of(dtype()));
  return load_number(bytes, dtype());
}

Node::~Node() {
  // A tape can be a chain of a million nodes: hand the inputs to a list instead of the stack.
  thread_local std::vector<std::shared_ptr<Node>>* pending = nullptr;
  std::vector<std::shared_ptr<Node>> own;
  const bool outermost = pending == nullptr;
  if (outermost) pending = &own;
  auto release = [&](std::vector<Tensor>& tensors) {
    for (Tensor& t : tensors) {
      if (t.defined() && t.node()) pending->push_back(t.node());
      t = Tensor();
    }
  };
  release(inputs);
  release(saved_outputs);
  if (outermost) {
    while (!own.empty()) {
      std::shared_ptr<Node> last = std::move(own.back());
      own.pop_back();
      last.reset();
    }
    pending = nullptr;
  }
}

}  // namespace pt
