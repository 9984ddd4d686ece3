// Kernel plugins: libraries, and ops whose facts are Python's. What is called back here runs while a step is planned,
// never while it runs.
#include <dlfcn.h>

#include <algorithm>
#include <cfenv>

#include "abi/powertrain.h"
#include "bindings/bindings.h"
#include "core/error.h"
#include "ops/elementwise.h"
#include "ops/plugin/plan.h"

namespace pt::bindings {
namespace {

py::tuple shape_object(const Shape& shape) {
  py::tuple sizes(static_cast<std::size_t>(shape.size()));
  for (int i = 0; i < shape.size(); ++i) sizes[static_cast<std::size_t>(i)] = shape[i];
  return sizes;
}

py::list types_object(std::span<const TensorType> types) {
  py::list list;
  for (const TensorType& type : types) {
    list.append(py::make_tuple(shape_object(type.shape), std::string(info(type.dtype).name)));
  }
  return list;
}

Types types_of(const py::object& pairs, const std::string& name) {
  Types types;
  for (py::handle pair : py::reinterpret_borrow<py::sequence>(pairs)) {
    const auto both = py::reinterpret_borrow<py::tuple>(pair);
    types.push_back({dtype_or(both[1], DType::F32, name), to_shape(both[0], name)});
  }
  return types;
}

py::dict attrs_object(const Attrs& attrs) {
  py::dict all;
  for (const auto& [name, value] : attrs.items()) all[py::str(name)] = attr_object(value);
  return all;
}

py::list tensors_object(std::span<const Tensor> tensors) {
  py::list list;
  for (const Tensor& t : tensors) list.append(t.defined() ? wrap(t) : py::none());
  return list;
}

Tensors tensors_of(const py::object& objects, const std::string& name) {
  Tensors tensors;
  for (py::handle object : py::reinterpret_borrow<py::sequence>(objects)) {
    tensors.push_back(object.is_none() ? Tensor() : to_tensor(object, name));
  }
  return tensors;
}

VjpFn vjp_of(const py::function& rule, const std::string& name, bool elementwise) {
  return [rule, name, elementwise](const VjpContext& c) {
    py::gil_scoped_acquire gil;
    Tensors grads(c.grad.begin(), c.grad.end());
    for (std::size_t i = 0; i < grads.size(); ++i) {
      if (!grads[i].defined()) grads[i] = Tensor::full(c.out_types[i], 0);
    }
    Tensors made = tensors_of(
        rule(tensors_object(c.in), tensors_object(c.out), tensors_object(grads), attrs_object(c.attrs)), name);
    if (made.size() != c.in.size()) {
      throw KernelError(text("[", name, "] its vjp gave ", made.size(), " gradients; expected ", c.in.size(),
                             ", one for each input; give None for an input without a gradient"));
    }
    for (std::size_t i = 0; i < made.size(); ++i) {
      if (!made[i].defined()) continue;
      if (elementwise) made[i] = unbroadcast(made[i], c.in_types[i].shape);
      if (made[i].shape() == c.in_types[i].shape) continue;
      throw ShapeError(text("[", name, "] its vjp gave ", made[i].type(), " for input ", i, "; expected the shape of ",
                            c.in_types[i], "; sum over the axes that were broadcast"));
    }
    return made;
  };
}

ComposeFn compose_of(const py::function& reference, const std::string& name) {
  return [reference, name](const Tensors& inputs, const Attrs& attrs) {
    py::gil_scoped_acquire gil;
    return tensors_of(reference(tensors_object(inputs), attrs_object(attrs)), name);
  };
}

InputSpec input_of(const py::handle& given) {
  const auto pair = py::cast<std::pair<std::string, std::string>>(given);
  InputSpec spec{pair.first, Takes::Float};
  if (pair.second == "number") spec.takes = Takes::Number;
  if (pair.second == "integer") {
    spec.takes = Takes::Integer;
    spec.promoted = false;
  }
  return spec;
}

AttrSpec attr_of(const py::handle& given) {
  static const std::pair<const char*, AttrKind> kinds[] = {{"bool", AttrKind::Bool},
                                                           {"int", AttrKind::Int},
                                                           {"float", AttrKind::Number},
                                                           {"str", AttrKind::String},
                                                           {"ints", AttrKind::Ints}};
  const auto row = py::reinterpret_borrow<py::tuple>(given);  // name, kind, default, has one, check
  AttrSpec spec;
  spec.name = py::cast<std::string>(row[0]);
  for (const auto& [name, kind] : kinds) {
    if (py::cast<std::string>(row[1]) == name) spec.kind = kind;
  }
  spec.required = !py::cast<bool>(row[3]);
  Op named;  // to_attr names the op in its errors
  named.name = spec.name;
  if (!spec.required) spec.preset = to_attr(named, spec, row[2]);
  if (row[4].is_none()) return spec;
  spec.check = [holds = py::function(row[4])](const Attr& value) {
    py::gil_scoped_acquire gil;
    return py::cast<std::string>(holds(attr_object(value)));
  };
  return spec;
}

// `given` is a powertrain.plugin.kernels.cuda DeviceCode.
DeviceKernel device_kernel_of(const py::object& given, const std::string& name) {
  DeviceKernel made;
  made.name = name;
  made.function = py::cast<std::string>(given.attr("function"));
  made.source = py::cast<std::string>(given.attr("source"));
  made.handle = py::cast<uint64_t>(given.attr("handle"));
  made.options = py::cast<std::vector<std::string>>(given.attr("options"));
  made.threads = py::cast<int32_t>(given.attr("threads"));
  made.parameters = py::cast<std::vector<double>>(given.attr("parameters"));
  return made;
}

// The op of a kernel plugin as a callable. `facts` is powertrain.plugin.kernels.facts.Facts.
py::object kernel_function(const py::object& facts) {
  PluginSpec spec;
  spec.name = py::cast<std::string>(facts.attr("name"));
  for (py::handle input : facts.attr("inputs")) spec.inputs.push_back(input_of(input));
  for (py::handle attr : facts.attr("attrs")) spec.attrs.push_back(attr_of(attr));
  spec.outputs = py::cast<int>(facts.attr("outputs"));
  spec.elementwise = py::cast<bool>(facts.attr("elementwise"));
  spec.split = py::cast<bool>(facts.attr("split"));
  spec.doc = py::cast<std::string>(facts.attr("doc"));
  spec.integer_to_float = std::any_of(spec.inputs.begin(), spec.inputs.end(),
                                      [](const InputSpec& input) { return input.takes == Takes::Float; });
  const std::string name = spec.name;
  spec.shape = [shape = py::function(facts.attr("shape")), name](std::span<const TensorType> in, const Attrs& attrs) {
    py::gil_scoped_acquire gil;
    return types_of(shape(types_object(in), attrs_object(attrs)), name);
  };
  spec.cost = [cost = py::function(facts.attr("cost"))](std::span<const TensorType> in, const Attrs& attrs) {
    py::gil_scoped_acquire gil;
    return py::cast<double>(cost(types_object(in), attrs_object(attrs)));
  };
  spec.function = [function = py::function(facts.attr("function"))](std::span<const TensorType> operands) {
    py::gil_scoped_acquire gil;
    return py::cast<std::uintptr_t>(function(types_object(operands)));
  };
  if (!facts.attr("reference").is_none()) spec.reference = compose_of(facts.attr("reference"), name);
  for (py::handle dtype : facts.attr("device_dtypes")) spec.device_dtypes.push_back(dtype_or(dtype, DType::F32, name));
  spec.device_kernel = [kernel = py::function(facts.attr("device_kernel")), name](const Attrs& attrs, int ordinal) {
    py::gil_scoped_acquire gil;
    return device_kernel_of(kernel(attrs_object(attrs), ordinal), name);
  };
  if (!facts.attr("vjp").is_none()) spec.vjp = vjp_of(facts.attr("vjp"), name, spec.elementwise);
  if (!facts.attr("compose").is_none()) spec.compose = compose_of(facts.attr("compose"), name);
  return make_function(make_plugin_op(std::move(spec)), Operands::Plain);
}

// Loading a library runs its constructors; one that was linked with -ffast-math makes the thread flush small numbers to
// zero, which would change everybody's results.
struct KeptEnvironment {
  std::fenv_t environment;
  KeptEnvironment() { std::fegetenv(&environment); }
  ~KeptEnvironment() { std::fesetenv(&environment); }
};

std::uintptr_t load_library(const std::string& path) {
  const KeptEnvironment kept;
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library) return reinterpret_cast<std::uintptr_t>(library);
  const char* said = dlerror();
  throw KernelError(text("[library ", path, "] it cannot be loaded: ", said ? said : "no reason given",
                         "; expected a shared library for this machine; build it again"));
}

std::uintptr_t library_symbol(std::uintptr_t library, const std::string& name) {
  return reinterpret_cast<std::uintptr_t>(dlsym(reinterpret_cast<void*>(library), name.c_str()));
}

}  // namespace

void register_kernels(py::module_& m) {
  m.attr("ABI_VERSION") = POWERTRAIN_ABI_VERSION;
  m.def("kernel_function", &kernel_function, "The op of a kernel plugin, from its facts.");
  m.def("load_library", &load_library, "A handle of a shared library, which stays loaded.");
  m.def("library_symbol", &library_symbol, "The address of a symbol; 0 where there is none.");
  m.def(
      "call_version", [](std::uintptr_t address) { return reinterpret_cast<int32_t (*)()>(address)(); },
      "What a library's powertrain_abi_version says.");
}

}  // namespace pt::bindings
