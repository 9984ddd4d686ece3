// Tensors are immutable values. A concrete one views a buffer; a symbolic one is a value of the graph being traced; a
// ghost has neither, only its type and place on a tape.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/attrs.h"
#include "core/buffer.h"
#include "core/dtype.h"
#include "core/shape.h"

namespace pt {

class Op;
struct Node;
struct Region;  // of graph/region.h

struct TensorType {
  DType dtype;
  Shape shape;
  friend bool operator==(const TensorType&, const TensorType&) = default;
};
std::ostream& operator<<(std::ostream& out, const TensorType& type);  // "f32[4, 8]"
// Throws ShapeError naming `where` for a type that no tensor can have: too many elements, or axes of complex numbers,
// whose two parts are an axis of their own.
void check_type(const TensorType& type, const std::string& where);

struct TensorImpl {
  TensorType type;
  BufferRef buffer;            // null for symbolic tensors and ghosts
  Strides strides;             // in elements
  int64_t offset = 0;          // in elements
  std::shared_ptr<Node> node;  // what made it, if that was recorded
  int output = 0;              // which output of that node
  uint64_t id = 0;             // identity of the value; kept by its ghosts
  uint64_t trace = 0;          // the trace that a symbolic tensor belongs to; 0 for a concrete one
  bool weak = false;           // made from a Python number: takes the dtype of what it meets
};

class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(std::shared_ptr<const TensorImpl> impl) : impl_(std::move(impl)) {}

  // A fresh, uninitialised, row-major tensor.
  static Tensor empty(const TensorType& type, Memory& memory = host_memory());
  static Tensor scalar(double value, DType dtype, bool weak = false);
  static Tensor view(BufferRef buffer, const TensorType& type, const Strides& strides, int64_t offset);
  static Tensor full(const TensorType& type, double value);

  bool defined() const { return impl_ != nullptr; }
  bool symbolic() const { return impl_ && impl_->trace != 0; }
  bool concrete() const { return impl_ && impl_->buffer != nullptr; }
  const TensorType& type() const { return impl_->type; }
  const Shape& shape() const { return impl_->type.shape; }
  DType dtype() const { return impl_->type.dtype; }
  int ndim() const { return impl_->type.shape.size(); }
  int64_t size() const { return count(impl_->type.shape); }
  const Strides& strides() const { return impl_->strides; }
  uint64_t id() const { return impl_->id; }
  const std::shared_ptr<Node>& node() const { return impl_->node; }
  const TensorImpl& impl() const { return *impl_; }
  const std::shared_ptr<const TensorImpl>& ref() const { return impl_; }

  // Of the first element: in the buffer's memory, and in the host's, which throws for other memory.
  char* address() const { return impl_->buffer->address() + first_byte(); }
  char* host() const { return impl_->buffer->host() + first_byte(); }
  bool row_major() const { return is_row_major(shape(), strides()); }
  Tensor with_node(std::shared_ptr<Node> node, int output) const;  // the same value, as an output of a tape's node
  Tensor ghost() const;                                            // the same value without its memory
  double item() const;                                             // a tensor of one element as a number
  Tensor in(Memory& memory) const;                                 // itself, or a copy with the same strides

 private:
  int64_t first_byte() const { return impl_->offset * static_cast<int64_t>(size_of(dtype())); }
  std::shared_ptr<const TensorImpl> impl_;
};

uint64_t next_value_id();

// Where in the user's program something was recorded.
struct Location {
  std::string file;
  int line = 0;
  std::string function;
};
std::string to_string(const Location& location);

// One recorded op call: of an eager tape, or of a trace.
struct Node {
  const Op* op = nullptr;
  Attrs attrs;
  std::vector<Tensor> inputs;         // ghosts where the op's gradient does not read them
  std::vector<TensorType> types;      // of the outputs
  std::vector<Tensor> saved_outputs;  // of an eager tape; undefined where not read
  std::vector<uint64_t> output_ids;
  uint64_t order = 0;  // when it was recorded
  int phase = 0;       // how many guards came before it in the trace
  uint64_t trace = 0;  // that recorded it; 0 on an eager tape
  // Nodes of another computing of the same are no duplicates: their values are to live later. 0 for the first.
  uint64_t recompute = 0;
  std::shared_ptr<const Region> region;  // what a gradient goes through in place of the node's inputs
  int region_output = 0;
  std::shared_ptr<const Location> location;
  ~Node();  // frees long chains without recursion
};

}  // namespace pt
