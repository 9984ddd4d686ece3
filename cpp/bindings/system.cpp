// Threads, instruction set, random draws, the user's line.
#include "bindings/bindings.h"
#include "core/buffer.h"
#include "core/error.h"
#include "ops/recorder.h"
#include "parallel/kernel_table.h"
#include "parallel/pool.h"

namespace pt::bindings {
namespace {

std::string& package_folder() {
  static std::string folder;
  return folder;
}

// The innermost line outside of the package: what the user wrote. Inside the package if all of it is ours.
std::shared_ptr<const Location> user_line() {
  if (!PyGILState_Check()) return nullptr;
  PyFrameObject* frame = PyEval_GetFrame();
  Py_XINCREF(frame);
  std::shared_ptr<Location> found;
  while (frame) {
    PyCodeObject* code = PyFrame_GetCode(frame);
    const char* file = PyUnicode_AsUTF8(code->co_filename);
    const bool ours = file && !package_folder().empty() && std::string_view(file).starts_with(package_folder());
    if (file && (!ours || !found)) {
      const char* function = PyUnicode_AsUTF8(code->co_name);
      found = std::make_shared<Location>(Location{file, PyFrame_GetLineNumber(frame), function ? function : ""});
    }
    Py_DECREF(code);
    PyFrameObject* back = ours ? PyFrame_GetBack(frame) : nullptr;
    Py_DECREF(frame);
    frame = back;
  }
  return found;
}

}  // namespace

void register_system(py::module_& m) {
  locator() = &user_line;
  m.def("set_package_folder", [](std::string folder) { package_folder() = std::move(folder); });
  m.def("user_line", [] {
    const auto line = user_line();
    return line ? to_string(*line) : std::string();
  });
  m.def(
      "set_threads",
      [](int n) {
        if (n < 1 || n > 1024)
          throw ShapeError(text("[set_threads] received ", n, "; expected 1 to 1024; for example the number of cores"));
        py::gil_scoped_release release;
        Pool::instance().set_threads(n);
      },
      py::arg("threads"), "How many threads kernels use. Results do not depend on it.");
  m.def("get_threads", [] { return Pool::instance().threads(); });
  m.def(
      "isa", [] { return std::string(current_isa()); }, "The instruction set in use.");
  m.def("allocations", &Buffer::allocations, "How many buffers were ever allocated.");
  m.def(
      "draw",
      [](const std::string& op, const SlotRef& generator, const std::vector<int64_t>& shape, py::handle wanted) {
        const auto dtype = to_dtype(wanted);
        if (!dtype)
          throw DTypeError(text("[random] dtype = ", py::cast<std::string>(py::repr(wanted)),
                                "; expected a dtype; for example 'float32'"));
        return draw(op, generator, {{"shape", Ints(shape.begin(), shape.end())}, {"dtype", *dtype}});
      },
      py::arg("op"), py::arg("generator"), py::arg("shape"), py::arg("dtype"));
}

}  // namespace pt::bindings
