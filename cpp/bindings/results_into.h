// Arrays that a caller lends for the results of a compiled function.
#pragma once
#include "bindings/bindings.h"

namespace pt::bindings {

class LentResults {
 public:
  // What `lend` gives for [(shape, dtype), ...]. Throws for arrays that are no place for such results, and for those
  // that share memory with an input or with each other.
  LentResults(py::handle lend, const Types& types, const Tensors& inputs, const std::string& where);

  // Whether a program may write there: its results lie as what the engine allocates, and plugins may count on it.
  bool aligned() const;
  const std::vector<BufferRef>& buffers() const { return buffers_; }
  py::list arrays() const { return arrays_; }
  void fill(const Tensors& results) const;  // with what was made elsewhere

 private:
  void check(std::size_t place, const TensorType& type, py::handle dtype, const Tensors& inputs,
             const std::string& where) const;
  py::list arrays_;
  std::vector<BufferRef> buffers_;
};

}  // namespace pt::bindings
