#include "bindings/bindings.h"

PYBIND11_MODULE(_core, m) {
  m.doc() = "The compiled core of powertrain.";
  m.attr("__version__") = POWERTRAIN_VERSION;
  using namespace pt::bindings;
  register_errors(m);
  register_tensor(m);
  register_exchange(m);
  register_ops(m);
  register_kernels(m);
  register_examine(m);
  register_slots(m);
  register_autograd(m);
  register_transforms(m);
  register_compile(m);
  register_backends(m);
  register_system(m);
}
