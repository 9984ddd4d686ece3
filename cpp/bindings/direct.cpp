#include "bindings/direct.h"

#include <deque>

namespace pt::bindings {

bool placed_directly(const DirectFunction& function, PyObject* const* args, Py_ssize_t given, PyObject* names,
                     DirectArguments& placed) {
  std::size_t all = 0;
  while (all < kMostDirect && function.parameters[all]) ++all;
  if (given > static_cast<Py_ssize_t>(all)) return false;
  for (Py_ssize_t i = 0; i < given; ++i) placed[static_cast<std::size_t>(i)] = args[i];
  for (Py_ssize_t k = 0; names && k < PyTuple_GET_SIZE(names); ++k) {
    std::size_t at = 0;
    while (at < all && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, k), function.parameters[at]) != 0) ++at;
    if (at == all || placed[at]) return false;
    placed[at] = args[given + k];
  }
  for (std::size_t i = 0; i < all; ++i) {
    if (placed[i]) continue;
    if (i < function.required) return false;
    placed[i] = Py_None;
  }
  return true;
}

void fail_directly(const DirectFunction& function, PyObject* const* args, Py_ssize_t given, PyObject* names) {
  std::string expected = std::string(function.name) + function.signature;
  const std::string own = "powertrain._core.";
  for (std::size_t at = expected.find(own); at != std::string::npos; at = expected.find(own))
    expected.erase(at, own.size());
  raise_leftover_again(function.name, expected, args, given, names);
}

void add_directly(py::module_& m, const DirectFunction& function, DirectCall call) {
  // As long as the process, as the functions may be.
  static auto& texts = *new std::deque<std::string>;
  static auto& definitions = *new std::deque<PyMethodDef>;
  const std::string& text =
      texts.emplace_back(std::string(function.name) + function.signature + "\n\n" + function.documentation + "\n");
  PyMethodDef& definition = definitions.emplace_back(
      PyMethodDef{function.name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(call)),
                  METH_FASTCALL | METH_KEYWORDS, text.c_str()});
  const py::object home = m.attr("__name__");
  const auto made = py::reinterpret_steal<py::object>(PyCFunction_NewEx(&definition, nullptr, home.ptr()));
  if (!made) throw py::error_already_set();
  m.attr(function.name) = made;
}

}  // namespace pt::bindings
