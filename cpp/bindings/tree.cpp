#include "bindings/tree.h"

#include "core/error.h"

namespace pt::bindings {
namespace {

constexpr int kMaxDepth = 64;

void freeze(py::handle object, Flattened& flat) {
  PyObject* p = object.ptr();
  if (p == Py_None) {
    flat.frozen += "None,";
  } else if (is_number(object) || PyUnicode_Check(p) || PyBytes_Check(p)) {
    flat.frozen += py::cast<std::string>(py::repr(object)) + ",";
  } else {
    flat.frozen += std::string(Py_TYPE(p)->tp_name) + "@" + std::to_string(reinterpret_cast<std::uintptr_t>(p)) + ",";
    flat.kept.push_back(py::reinterpret_borrow<py::object>(object));
  }
}

bool leaf_of(py::handle object, bool results) {
  if (is_tensor(object)) return true;
  if (py::isinstance<Slot>(object)) return results;
  PyObject* p = object.ptr();
  if (p == Py_None || is_number(object) || PyUnicode_Check(p) || PyBytes_Check(p) || PyType_Check(p)) return false;
  return !results && is_array(object);
}

void check_depth(int depth, const std::string& where) {
  if (depth > kMaxDepth)
    throw DTypeError(text("[", where, "] received arguments nested deeper than ", kMaxDepth,
                          "; expected fewer levels; flatten them"));
}

// `tree` may be null, when only the tensors and the text are wanted.
void walk(py::handle object, Flattened& flat, const std::string& where, bool results, int depth, Tree* tree) {
  check_depth(depth, where);
  PyObject* p = object.ptr();
  if (leaf_of(object, results)) {
    flat.tensors.push_back(to_tensor(object, where));
    if (flat.leaves) flat.leaves->push_back(py::reinterpret_borrow<py::object>(object));
    flat.frozen += "T";
    if (tree) tree->kind = Tree::Leaf, tree->leaf = static_cast<int>(flat.tensors.size()) - 1;
    return;
  }
  const bool named = !PyTuple_CheckExact(p) && PyTuple_Check(p) && py::hasattr(object, "_fields");
  const bool tuple = PyTuple_CheckExact(p) || named, list = PyList_CheckExact(p);
  if (tuple || list) {
    if (named) freeze(py::type::of(object), flat);
    flat.frozen += tuple ? "(" : "[";
    if (tree) tree->kind = tuple ? Tree::Tuple : Tree::List;
    if (tree && named) tree->object = py::type::of(object);
    for (py::handle item : py::reinterpret_borrow<py::sequence>(object)) {
      Tree child;
      walk(item, flat, where, results, depth + 1, tree ? &child : nullptr);
      if (tree) tree->children.push_back(std::move(child));
    }
    flat.frozen += ")";
    return;
  }
  if (PyDict_CheckExact(p)) {
    flat.frozen += "{";
    py::list keys;
    if (tree) tree->kind = Tree::Dict;
    for (auto item : py::reinterpret_borrow<py::dict>(object)) {
      freeze(item.first, flat);
      keys.append(item.first);
      Tree child;
      walk(item.second, flat, where, results, depth + 1, tree ? &child : nullptr);
      if (tree) tree->children.push_back(std::move(child));
    }
    if (tree) tree->object = py::tuple(keys);
    flat.frozen += "}";
    return;
  }
  freeze(object, flat);
  if (tree) tree->object = py::reinterpret_borrow<py::object>(object);
}

}  // namespace

Tree flatten(py::handle object, Flattened& flat, const std::string& where, bool results) {
  Tree tree;
  walk(object, flat, where, results, 0, &tree);
  return tree;
}

void scan(py::handle object, Flattened& flat, const std::string& where) {
  walk(object, flat, where, false, 0, nullptr);
}

py::object unflatten(const Tree& tree, const Tensors& tensors, std::vector<py::object>* made) {
  switch (tree.kind) {
    case Tree::Leaf: {
      py::object leaf = wrap(tensors[tree.leaf]);
      if (made) made->push_back(leaf);
      return leaf;
    }
    case Tree::Frozen:
      return tree.object;
    case Tree::Tuple: {
      py::tuple whole(tree.children.size());
      for (std::size_t i = 0; i < tree.children.size(); ++i) whole[i] = unflatten(tree.children[i], tensors, made);
      return tree.object ? tree.object(*whole) : py::object(whole);
    }
    case Tree::List: {
      py::list whole;
      for (const Tree& child : tree.children) whole.append(unflatten(child, tensors, made));
      return whole;
    }
    case Tree::Dict: {
      py::dict whole;
      const py::tuple keys = tree.object;
      for (std::size_t i = 0; i < tree.children.size(); ++i)
        whole[keys[i]] = unflatten(tree.children[i], tensors, made);
      return whole;
    }
  }
  return py::none();
}

}  // namespace pt::bindings
