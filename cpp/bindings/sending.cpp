// Arrays on their way to a device, copied beside its work: what a loader's workers do with the next batch.
#include <utility>

#include "bindings/exchange.h"
#include "core/error.h"
#include "core/interpreter.h"
#include "ops/recorder.h"

namespace pt::bindings {
namespace {

class Sent {
 public:
  Sent(const LoadedDevice& device, const Tensors& given) : device_(device) {
    std::vector<const char*> host;
    std::vector<std::size_t> bytes;
    Tensors rows;
    for (const Tensor& tensor : given) {
      rows.push_back(to_row_major(tensor));
      host.push_back(rows.back().host());
      bytes.push_back(static_cast<std::size_t>(tensor.size()) * size_of(tensor.dtype()));
    }
    std::vector<char*> addresses(given.size());
    {
      const OutsideInterpreter outside;
      checked_call(device_, [&](const PtdDevice& table, PtdFailure* failure) {
        return table.send(table.self, host.data(), bytes.data(), static_cast<int32_t>(host.size()), addresses.data(),
                          &ticket_, failure);
      });
    }
    for (std::size_t i = 0; i < given.size(); ++i) {
      BufferRef buffer = adopt(device_, addresses[i], bytes[i]);
      tensors_.push_back(Tensor::view(std::move(buffer), given[i].type(), row_major(given[i].shape()), 0));
    }
  }
  // Memory that nobody has received is used again behind its copy.
  ~Sent() {
    PtdFailure unheard{};
    if (ticket_) device_.table->receive(device_.table->self, ticket_, &unheard);
  }
  Sent(const Sent&) = delete;
  Sent& operator=(const Sent&) = delete;

  // In the order in which they were given; work from here on waits for them on the device.
  py::list receive() {
    if (void* ticket = std::exchange(ticket_, nullptr)) {
      checked_call(device_, [&](const PtdDevice& table, PtdFailure* failure) {
        return table.receive(table.self, ticket, failure);
      });
    }
    py::list all;
    for (const Tensor& tensor : tensors_) all.append(wrap(tensor));
    return all;
  }

 private:
  const LoadedDevice& device_;
  Tensors tensors_;
  void* ticket_ = nullptr;
};

std::unique_ptr<Sent> send(const py::list& arrays, py::handle device) {
  const LoadedDevice* there = loaded_device_of(device_named(device, "send").memory());
  if (!there) throw DTypeError(text("[send] device = ", shown(device), "; expected a device other than the CPU"));
  Tensors tensors;
  for (py::handle array : arrays) {
    tensors.push_back(to_tensor(array, "send"));
    if (!tensors.back().concrete() || !tensors.back().impl().buffer->on_host())
      throw DTypeError("[send] received a tensor that is not in main memory; expected arrays; use .to(device)");
  }
  return std::make_unique<Sent>(*there, tensors);
}

}  // namespace

void register_sending(py::module_& m) {
  py::class_<Sent>(m, "Sent", py::is_final(), "Arrays on their way to a device.")
      .def_static(
          "__new__",
          [](const py::args&, const py::kwargs&) -> std::unique_ptr<Sent> {
            throw DTypeError(
                "[Sent] received a call of its class; expected what sends arrays; a DataLoader(device=...) does");
          })
      .def("receive", &Sent::receive, "The tensors there; what is computed from here on comes after their copies.");
  m.def("send", &send, py::arg("arrays"), py::arg("device"),
        "Copies arrays to a device beside its work; returns when the arrays may change.");
}

}  // namespace pt::bindings
