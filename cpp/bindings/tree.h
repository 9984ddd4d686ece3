// Nested arguments and results: tuples, lists and dicts of tensors, with everything else frozen into the trace.
#pragma once
#include "bindings/bindings.h"

namespace pt::bindings {

struct Tree {
  enum Kind { Leaf, Frozen, Tuple, List, Dict } kind = Frozen;
  int leaf = 0;       // index among the tensors
  py::object object;  // Frozen: the value itself; Dict: the tuple of keys
  std::vector<Tree> children;
};

struct Flattened {
  Tensors tensors;
  std::string frozen;                         // two calls with equal text differ in their tensors alone
  std::vector<py::object> kept;               // objects whose identity stands in `frozen`
  std::vector<py::object>* leaves = nullptr;  // wants the objects of `tensors`
};

// Tensors and arrays become leaves. With `results`, slots become leaves too, and so nothing else is frozen by identity.
Tree flatten(py::handle object, Flattened& flat, const std::string& where, bool results);
// `made`, if any, is given the objects of the tensors.
py::object unflatten(const Tree& tree, const Tensors& tensors, std::vector<py::object>* made = nullptr);
// Only the tensors and the text: what every call needs, without building a tree.
void scan(py::handle object, Flattened& flat, const std::string& where);

}  // namespace pt::bindings
