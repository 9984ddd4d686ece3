// Division by what a plan knows, as kernels do it, beside the processor's.
#define PT_CUDA_SIM
#include <random>
#include <vector>

#include "cuda/space_plan.h"
#include "cuda/walk.h"
#include "tests/check.h"

namespace {

using namespace pt;

void check_division(int64_t n, int64_t by, int64_t most) {
  const cuda::Divided made = cuda::divide(n, cuda::divisor(by, most));
  CHECK_EQ(made.quotient, n / by);
  CHECK_EQ(made.rest, n % by);
}

// Around multiples, where a quotient that is one off would show, and at random.
void check_up_to(int64_t most) {
  std::mt19937_64 random(1);
  std::vector<int64_t> divisors = {1, 2, 3, 5, 7, 64, 641, 1000, 65535, 65536, 65537, most / 3 + 1, most - 1, most};
  for (int i = 0; i < 200; ++i) divisors.push_back(1 + static_cast<int64_t>(random() % static_cast<uint64_t>(most)));
  for (const int64_t by : divisors) {
    for (const int64_t multiple : {int64_t{0}, by, most / by / 2 * by, most / by * by}) {
      for (const int64_t n : {multiple - 1, multiple, multiple + 1}) {
        if (n >= 0 && n <= most) check_division(n, by, most);
      }
    }
    for (int i = 0; i < 20; ++i)
      check_division(static_cast<int64_t>(random() % (static_cast<uint64_t>(most) + 1)), by, most);
  }
}

}  // namespace

int main() {
  check_up_to(100);
  check_up_to((int64_t{1} << 31) - 1);
  check_up_to(int64_t{1} << 31);
  check_up_to(int64_t{1} << 42);
  check_up_to(INT64_MAX);
  return pt::check::finish();
}
