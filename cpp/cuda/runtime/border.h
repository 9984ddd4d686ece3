// The border of the library: no exception crosses it.
#pragma once
#include <cstdio>
#include <new>

#include "abi/device.h"
#include "core/error.h"
#include "cuda/runtime/driver.h"

namespace pt::cuda {

// Of an op without a plan.
struct NotPlanned : Error {
  using Error::Error;
};

inline bool failed(PtdFailure* failure, int32_t kind, const char* what) {
  failure->kind = kind;
  std::snprintf(failure->text, sizeof(failure->text), "%s", what);
  return false;
}

// True once `body` has returned.
template <class Body>
bool answer(PtdFailure* failure, Body body) noexcept {
  try {
    body();
    return true;
  } catch (const OutOfMemoryError& error) {
    return failed(failure, PTD_OUT_OF_MEMORY, error.what());
  } catch (const NotPlanned& error) {
    return failed(failure, PTD_NOT_PLANNED, error.what());
  } catch (const KernelError& error) {
    return failed(failure, PTD_NOT_PLANNED, error.what());
  } catch (const DeviceLost& error) {
    return failed(failure, PTD_LOST, error.what());
  } catch (const Error& error) {
    return failed(failure, PTD_ERROR, error.what());
  } catch (const std::bad_alloc&) {
    return failed(failure, PTD_OUT_OF_MEMORY,
                  "[cuda] the host has no memory left; expected some for what a call needs; use a smaller batch or "
                  "model, or end other processes");
  } catch (const std::exception& error) {
    return failed(failure, PTD_ERROR,
                  text("[cuda] ", error.what(), "; expected the call to succeed; please report it").c_str());
  }
}

}  // namespace pt::cuda
