#include "bindings/crossing.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace pt::bindings {
namespace {

std::atomic<int> crossing{0};
std::atomic<bool> shut{false};

// Threads that wait for the lock meanwhile are ended by Python, or, from 3.14 on, stopped for ever, within
// milliseconds.
void shut_and_wait(PyObject*) {
  using Clock = std::chrono::steady_clock;
  shut.store(true);
  for (const auto end = Clock::now() + std::chrono::milliseconds(100); crossing.load() > 0 && Clock::now() < end;) {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

}  // namespace

void stop_thread() {
  for (;;) pause();
}

Crossing::Crossing() {
  crossing.fetch_add(1);
  open_ = !shut.load();
}

Crossing::~Crossing() { crossing.fetch_sub(1); }

void Crossing::shut_at_the_end() {
  // The interpreter clears its dict after it has begun to end threads, and before it frees what they ask for.
  const py::object dict = py::reinterpret_borrow<py::object>(PyInterpreterState_GetDict(PyInterpreterState_Get()));
  const py::object end = py::reinterpret_steal<py::object>(PyCapsule_New(&shut, nullptr, shut_and_wait));
  if (!dict || !end || PyDict_SetItemString(dict.ptr(), "powertrain.end", end.ptr()) != 0)
    throw py::error_already_set();
}

}  // namespace pt::bindings
