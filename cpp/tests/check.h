// The checks of the C++ tests. A failed check says where and what, and the test goes on; main ends with
// `return pt::check::finish();`, whose exit code ctest reads.
#pragma once
#include <cstdio>
#include <exception>
#include <sstream>
#include <string>

namespace pt::check {

inline int checks = 0;
inline int failures = 0;

inline void report(bool passed, const char* file, int line, const std::string& what) {
  ++checks;
  if (passed) return;
  // A broken loop must not drown its first failures.
  if (++failures <= 40) std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
}

template <class A, class B>
void equal(const A& got, const B& want, const char* file, int line, const char* expression) {
  if (got == want) {
    ++checks;
    return;
  }
  std::ostringstream message;
  message << expression << ": got " << got << ", want " << want;
  report(false, file, line, message.str());
}

// The exact text of an error is part of what is tested.
template <class E, class Call>
void throws(Call call, const std::string& want, const char* file, int line) {
  try {
    call();
  } catch (const E& error) {
    return equal(std::string(error.what()), want, file, line, "error");
  } catch (const std::exception& error) {
    return report(false, file, line, std::string("another type of error: ") + error.what());
  }
  report(false, file, line, "no error; want " + want);
}

inline int finish() {
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures ? 1 : 0;
}

}  // namespace pt::check

#define CHECK(condition) pt::check::report(bool(condition), __FILE__, __LINE__, "failed: " #condition)
#define CHECK_EQ(got, want) pt::check::equal((got), (want), __FILE__, __LINE__, #got)
#define CHECK_THROWS(expression, Type, text) \
  pt::check::throws<Type>([&] { (void)(expression); }, (text), __FILE__, __LINE__)
