#include "bindings/results_into.h"

#include <pybind11/numpy.h>

#include <algorithm>
#include <functional>

#include "core/convert.h"
#include "core/error.h"
#include "ops/recorder.h"

namespace pt::bindings {
namespace {

constexpr std::uintptr_t kAlignment = 64;  // of what Buffer::allocate gives

// A view of NumPy that writes: what is none stays away from `py::array`'s conversions, which copy.
bool is_place_for(py::handle object, const TensorType& type, py::handle dtype) {
  if (!py::isinstance<py::array>(object)) return false;
  const auto array = py::reinterpret_borrow<py::array>(object);
  bool same = array.ndim() == type.shape.size() && array.writeable() && (array.flags() & py::array::c_style) != 0;
  for (int i = 0; same && i < type.shape.size(); ++i) same = array.shape(i) == type.shape[i];
  return same && array.dtype().equal(dtype) &&
         reinterpret_cast<std::uintptr_t>(array.data()) % size_of(type.dtype) == 0;
}

std::string said(py::handle object) {
  const std::string type = Py_TYPE(object.ptr())->tp_name;
  if (!py::isinstance<py::array>(object)) return type;
  const auto of = [&](const char* attribute) { return py::cast<std::string>(py::str(object.attr(attribute))); };
  return text(type, " of ", of("dtype"), " ", of("shape"));
}

bool overlap(const char* first, std::size_t first_bytes, const char* second, std::size_t second_bytes) {
  const std::less<const char*> before;
  return before(first, second + second_bytes) && before(second, first + first_bytes);
}

}  // namespace

LentResults::LentResults(py::handle lend, const Types& types, const Tensors& inputs, const std::string& where) {
  py::list sizes, dtypes;
  for (const TensorType& type : types) {
    if (type.dtype == DType::BF16)
      throw DTypeError(text("[", where, ".into] gives ", type, ", and NumPy has no bfloat16; expected results of ",
                            "another dtype; write astype('float32') in the function"));
    py::tuple shape(type.shape.size());
    for (int i = 0; i < type.shape.size(); ++i) shape[i] = type.shape[i];
    dtypes.append(py::dtype(std::string(info(type.dtype).name)));
    sizes.append(py::make_tuple(shape, dtypes[dtypes.size() - 1]));
  }
  const py::object given = lend(sizes);
  if (!py::isinstance<py::list>(given) || py::len(given) != types.size())
    throw DTypeError(text("[", where, ".into] was lent ", Py_TYPE(given.ptr())->tp_name, "; expected a list of ",
                          types.size(), " arrays; give one for each result, in their order"));
  arrays_ = given;
  for (std::size_t i = 0; i < types.size(); ++i) {
    check(i, types[i], dtypes[i], inputs, where);
    auto array = py::reinterpret_borrow<py::array>(arrays_[i]);
    buffers_.push_back(Buffer::borrow(array.mutable_data(), static_cast<std::size_t>(array.nbytes()),
                                      [] { /* `arrays_` holds it */ }));
  }
}

void LentResults::check(std::size_t place, const TensorType& type, py::handle dtype, const Tensors& inputs,
                        const std::string& where) const {
  const py::handle one = arrays_[place];
  if (!is_place_for(one, type, dtype))
    throw DTypeError(text("[", where, ".into] was lent ", said(one), " for result ", place, ", ", type,
                          "; expected an array of that shape and dtype, contiguous and writable; make it with ",
                          "numpy.empty(shape, dtype)"));
  const auto array = py::reinterpret_borrow<py::array>(one);
  const auto* begin = static_cast<const char*>(array.data());
  const auto taken = [&](const char* other, std::size_t bytes) {
    return overlap(begin, static_cast<std::size_t>(array.nbytes()), other, bytes);
  };
  const bool of_result = std::any_of(buffers_.begin(), buffers_.end(),
                                     [&](const BufferRef& one) { return taken(one->address(), one->bytes()); });
  const bool of_input = std::any_of(inputs.begin(), inputs.end(), [&](const Tensor& input) {
    return input.impl().buffer->on_host() &&
           taken(input.host(), static_cast<std::size_t>(input.size()) * size_of(input.dtype()));
  });
  if (of_result || of_input)
    throw DTypeError(text("[", where, ".into] was lent memory of ", of_input ? "an argument" : "another result",
                          " for result ", place, "; expected memory of its own; make it with numpy.empty(shape, ",
                          "dtype)"));
}

bool LentResults::aligned() const {
  return std::all_of(buffers_.begin(), buffers_.end(), [](const BufferRef& one) {
    return reinterpret_cast<std::uintptr_t>(one->address()) % kAlignment == 0;
  });
}

void LentResults::fill(const Tensors& results) const {
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Tensor here = to_row_major(on_host(results[i]));
    copy_bytes(host_memory(), buffers_[i]->host(), host_memory(), here.host(), buffers_[i]->bytes());
  }
}

}  // namespace pt::bindings
