// Arrays on a GPU by __cuda_array_interface__, version 3: a dict of a shape, a type, an address and a stream, in which
// the last work on the array may still be queued. It holds no memory: the object that has it does.
#include <array>
#include <utility>

#include "bindings/crossing.h"
#include "bindings/exchange.h"
#include "bindings/facts.h"
#include "core/error.h"

namespace pt::bindings {
namespace {

constexpr int kVersion = 3, kOldest = 2;  // version 3 added the stream

char kind_letter(DType dtype) {
  if (dtype == DType::Bool) return 'b';
  if (is_complex(dtype)) return 'c';
  if (is_float(dtype)) return 'f';
  return is_unsigned(dtype) ? 'u' : 'i';
}

// "<f4"; NumPy's letters have no bfloat16.
std::string typestr_of(DType dtype) {
  const std::size_t size = size_of(dtype);
  return text(size == 1 ? '|' : '<', kind_letter(dtype), size);
}

std::optional<DType> dtype_of(const std::string& typestr) {
  for (int i = 0; i < kDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    if (dtype == DType::BF16 || typestr.size() < 3) continue;
    if (typestr.substr(1) == typestr_of(dtype).substr(1) && (typestr[0] != '>' || size_of(dtype) == 1)) return dtype;
  }
  return std::nullopt;
}

py::tuple tuple_of(const Dims& sizes, std::size_t factor) {
  py::tuple made(static_cast<std::size_t>(sizes.size()));
  for (int i = 0; i < sizes.size(); ++i) made[static_cast<std::size_t>(i)] = sizes[i] * static_cast<int64_t>(factor);
  return made;
}

[[noreturn]] void no_attribute(const std::string& message) {
  const py::object kind = py::module_::import("powertrain.errors.attributes").attr("NoInterfaceError");
  PyErr_SetString(kind.ptr(), message.c_str());
  throw py::error_already_set();
}

// Whose stream uses the memory, and until when, nobody says; but they hold the object. Until it is gone and their work
// is done, nobody else gets the memory and no slot is written in it.
void hold_while_lent(const py::object& self, const Tensor& tensor, const LoadedDevice& device) {
  py::weakref(self, py::cpp_function([held = tensor, &device](const py::handle& gone) mutable {
                follow_others(device, false);
                held = Tensor();
                gone.dec_ref();
              }))
      .release();
}

// AttributeError where there is none, so that whoever asks finds that the tensor has no such attribute.
py::dict interface_of(const py::object& self) {
  const auto& tensor = self.cast<const Tensor&>();
  if (!tensor.concrete())
    no_attribute(
        "[cuda_array_interface] received a tensor without values, as in a compiled step; expected one that is "
        "computed; "
        "return it from the step");
  const LoadedDevice* device = loaded_device_of(tensor.impl().buffer->memory());
  if (!device || device->table->dlpack_type != PT_CUDA)
    no_attribute(text("[cuda_array_interface] received ", tensor.type(), " on ", device_of(tensor),
                      "; expected a tensor on a CUDA device; move it there with .to('cuda')"));
  if (tensor.dtype() == DType::BF16)
    no_attribute(
        "[cuda_array_interface] received bfloat16, for which it has no type; expected another dtype; hand it over by "
        "DLPack, as in torch.from_dlpack(x)");
  note_constant(tensor);
  hold_while_lent(self, tensor, *device);
  py::dict made;
  made["shape"] = tuple_of(tensor.shape(), 1);
  made["typestr"] = typestr_of(tensor.dtype());
  made["data"] = py::make_tuple(tensor.size() ? reinterpret_cast<std::uintptr_t>(tensor.address()) : 0, true);
  made["strides"] = tensor.row_major() ? py::object(py::none()) : tuple_of(tensor.strides(), size_of(tensor.dtype()));
  made["stream"] = device->table->stream;
  made["version"] = kVersion;
  return made;
}

// What an array says of itself, read and checked.
struct Described {
  TensorType type{DType::F32, {}};
  Strides strides;
  std::uintptr_t address = 0;
  std::optional<int64_t> stream;
};

class Reader {
 public:
  Reader(py::handle object, const std::string& where) : kind_(Py_TYPE(object.ptr())->tp_name), where_(where) {
    const py::object found = object.attr("__cuda_array_interface__");
    if (!py::isinstance<py::dict>(found)) fail("an interface that is no dict", "a dict");
    dict_ = py::reinterpret_borrow<py::dict>(found);
  }

  Described read() {
    Described made;
    if (integer("version") < kOldest)
      fail(text("version ", integer("version")), text("version ", kOldest, " or ", kVersion));
    if (!item("mask").is_none()) fail("a mask", "an array without one");
    const std::string typestr = PyUnicode_Check(item("typestr").ptr()) ? item("typestr").cast<std::string>() : "";
    const std::optional<DType> dtype = dtype_of(typestr);
    if (!dtype)
      fail(text("elements of type '", typestr, "'"),
           "bool, integers, floats of 16 to 64 bits or complex numbers in native byte order");
    made.type = {*dtype, Dims(integers("shape"))};
    made.strides = row_major(made.type.shape);
    if (!item("strides").is_none()) set_strides(made);
    const py::object data = item("data");
    const bool pair = py::isinstance<py::tuple>(data) && py::len(data) == 2;
    const auto address = pair ? integer_of(py::tuple(data)[0]) : std::nullopt;
    if (!address) fail("data without an address", "(address, whether it is read only)");
    made.address = static_cast<std::uintptr_t>(*address);
    if (item("stream").is_none()) return made;
    made.stream = integer_of(item("stream"));
    if (!made.stream || *made.stream < 1)
      fail(text("stream = ", shown(item("stream"))),
           "None, 1 for the default stream, 2 for the thread's or a stream's handle");
    return made;
  }
  const std::string& kind() const { return kind_; }

 private:
  [[noreturn]] void fail(const std::string& received, const std::string& expected) const {
    throw DTypeError(text("[", where_, "] received ", kind_, ", whose __cuda_array_interface__ has ", received,
                          "; expected ", expected, "; convert it there"));
  }
  py::object item(const char* name) const {
    return dict_.contains(name) ? py::object(dict_[name]) : py::object(py::none());
  }
  int64_t integer(const char* name) const {
    const auto found = integer_of(item(name));
    if (!found) fail(text(name, " = ", shown(item(name))), "a number");
    return *found;
  }
  Ints integers(const char* name) const {
    const auto found = integers_of(item(name));
    if (!found || !py::isinstance<py::tuple>(item(name)))
      fail(text(name, " = ", shown(item(name))), "a tuple of sizes");
    if (found->size() > kMaxDims) fail(text(found->size(), " axes"), text("at most ", kMaxDims));
    return *found;
  }
  void set_strides(Described& made) const {
    const Ints bytes = integers("strides");
    const auto size = static_cast<int64_t>(size_of(made.type.dtype));
    if (static_cast<int>(bytes.size()) != made.type.shape.size()) fail("strides of other axes", "one for each size");
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (bytes[i] % size) fail(text("a stride of ", bytes[i], " bytes"), text("multiples of ", size));
      made.strides[static_cast<int>(i)] = bytes[i] / size;
    }
  }
  std::string kind_;
  const std::string& where_;
  py::dict dict_;
};

}  // namespace

bool has_cuda_array(py::handle object) { return py::hasattr(object, "__cuda_array_interface__"); }

Tensor from_cuda_array(py::handle object, const std::string& where) {
  Reader reader(object, where);
  const LoadedDevice* device = &cuda_device(0, reader.kind(), where);  // any of them knows whose an address is
  const Described found = reader.read();
  void* data = reinterpret_cast<void*>(found.address);
  if (count(found.type.shape) > 0) {
    const int32_t ordinal = device->table->device_of(device->table->self, static_cast<const char*>(data));
    if (ordinal < 0)
      throw DTypeError(text("[", where, "] received ", reader.kind(), ", whose memory at ", found.address,
                            " is no CUDA device's; expected memory that is still allocated; keep the array"));
    device = &cuda_device(ordinal, reader.kind(), where);
  }
  if (found.stream) {
    checked_call(*device, [&](const PtdDevice& table, PtdFailure* failure) {
      return table.follow(table.self, static_cast<uint64_t>(*found.stream), failure);
    });
  }
  auto held = std::make_shared<py::object>(py::reinterpret_borrow<py::object>(object));
  const auto release = [held] { with_interpreter([&] { *held = py::object(); }); };
  return tensor_over(device->target->memory(), data, found.type, found.strides, release, where);
}

void register_cuda_array(py::module_& m) {
  py::reinterpret_borrow<py::class_<Tensor>>(m.attr("Tensor"))
      .def_property_readonly("__cuda_array_interface__", &interface_of,
                             "Where the numbers lie on a CUDA device, for libraries that read them there.");
}

}  // namespace pt::bindings
