// How a program decides whether to share its launches, with times that the test makes.
#include "program/sharing.h"

#include "tests/check.h"

namespace {

using pt::Sharing;
using Micros = std::chrono::microseconds;

// So many runs, of these times; returns how many of them were shared.
int run(Sharing& sharing, int runs, int shared_micros, int alone_micros) {
  int shared = 0;
  for (int i = 0; i < runs; ++i) {
    const bool shares = sharing.shares();
    shared += shares;
    sharing.took(Micros(shares ? shared_micros : alone_micros));
  }
  return shared;
}

void test_it_shares_where_that_is_faster() {
  Sharing sharing;
  CHECK(sharing.shares());
  const int runs = 100000, shared = run(sharing, runs, 60, 100);
  CHECK(runs - shared < runs / 250);
  CHECK(shared < runs);
}

void test_it_stops_where_sharing_is_slower_and_begins_again() {
  Sharing sharing;
  run(sharing, 15, 115, 100);
  CHECK(!sharing.shares());
  const int runs = 100000;
  CHECK(run(sharing, runs, 115, 100) < runs / 250);
  // The cores share a cache again: seen after one wait.
  run(sharing, 1100, 60, 100);
  CHECK(sharing.shares());
  CHECK(run(sharing, 100, 60, 100) > 80);
}

void test_noise_changes_nothing() {
  Sharing sharing;
  const int runs = 20000, shared = run(sharing, runs, 100, 97);
  CHECK(runs - shared < runs / 100);
}

void test_one_disturbed_run_changes_nothing() {
  Sharing sharing;
  for (int i = 0; i < 5000; ++i) {
    const bool shares = sharing.shares();
    sharing.took(Micros(i % 2 ? 5000 : shares ? 60 : 100));
  }
  CHECK(run(sharing, 100, 60, 100) > 90);
}

void test_long_runs_are_always_shared() {
  Sharing sharing;
  CHECK_EQ(run(sharing, 100, 9000, 5000), 100);
}

}  // namespace

int main() {
  test_it_shares_where_that_is_faster();
  test_it_stops_where_sharing_is_slower_and_begins_again();
  test_noise_changes_nothing();
  test_one_disturbed_run_changes_nothing();
  test_long_runs_are_always_shared();
  return pt::check::finish();
}
