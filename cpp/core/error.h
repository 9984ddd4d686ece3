// One error type per thing a caller can do about it. Every message reads
// `[where] what was received; what was expected; how to fix it`.
#pragma once
#include <sstream>
#include <stdexcept>
#include <string>

namespace pt {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct ShapeError : Error {
  using Error::Error;
};  // Python: ValueError
struct DTypeError : Error {
  using Error::Error;
};  // Python: TypeError
struct IndexError : Error {
  using Error::Error;
};  // Python: IndexError
struct TraceError : Error {
  using Error::Error;
};  // Python: powertrain.TraceError
struct GuardError : Error {
  using Error::Error;
};  // Python: powertrain.NonFiniteError
struct KernelError : Error {
  using Error::Error;
};  // Python: powertrain.KernelError
struct OutOfMemoryError : Error {
  using Error::Error;
};  // Python: MemoryError
struct Interrupted : Error {
  using Error::Error;
};  // Python: what the signal's handler raised, such as KeyboardInterrupt

// Builds a message from anything that streams.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

}  // namespace pt
