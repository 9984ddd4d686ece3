// The device's library as the engine sees it: opened by path, and used through its table alone. With the simulator's
// counters beside it.
#pragma once
#include <dlfcn.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "abi/device.h"
#include "tests/check.h"

namespace pt::check {

inline void* symbol(const char* library, const char* name) {
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (!handle) std::fprintf(stderr, "%s\n", dlerror());
  void* found = handle ? dlsym(handle, name) : nullptr;
  if (!found) std::fprintf(stderr, "%s has no %s\n", library, name);
  return found;
}

inline uint64_t simulated(const char* counter) {
  return reinterpret_cast<uint64_t (*)()>(symbol(PT_SIM_LIBRARY, counter))();
}

struct Planned {
  struct One {
    std::string kernel;
    std::vector<char> desc;
    std::vector<int32_t> operands;
    std::vector<int64_t> offsets;
  };
  std::vector<One> launches;
  int64_t workspace = -1;
  std::string error;
};

inline PtdOperand vector_of(int dtype, int64_t n) { return {dtype, 1, {n}, {1}}; }
inline PtdAttribute integer(const char* name, int64_t value) {
  PtdAttribute attribute{name, PTD_INTEGER, 0, {}};
  attribute.value.integer = value;
  return attribute;
}

constexpr int kI32 = 4, kF32 = 8;  // as core/dtype.h numbers them

// One device, with errors as texts: empty is success.
struct Table {
  PtdDevice t{};
  PtdFailure failure{};

  std::string open(int ordinal = 0, const char* version = PT_VERSION) {
    const auto entry = reinterpret_cast<PtdEntry>(symbol(PT_CUDA_LIBRARY, POWERTRAIN_DEVICE_ENTRY));
    return said(entry(version, ordinal, &t, &failure));
  }
  std::string said(bool done) const { return done ? "" : failure.text; }

  char* allocate(std::size_t bytes) {
    char* at = nullptr;
    CHECK_EQ(said(t.allocate(t.self, bytes, &at, &failure)), "");
    return at;
  }
  char* numbers(const std::vector<int32_t>& values) {
    char* at = allocate(values.size() * 4);
    CHECK_EQ(said(t.copy_in(t.self, at, reinterpret_cast<const char*>(values.data()), values.size() * 4, &failure)),
             "");
    return at;
  }
  std::vector<int32_t> read(const char* at, std::size_t n) {
    std::vector<int32_t> values(n, -1);
    CHECK_EQ(said(t.copy_out(t.self, reinterpret_cast<char*>(values.data()), at, n * 4, &failure)), "");
    return values;
  }
  PtdUsage usage() const {
    PtdUsage usage{};
    t.usage(t.self, &usage);
    return usage;
  }

  // What a plan is given to.
  static PtdPlan into(Planned& planned) {
    return {&planned,
            [](void* plan, const PtdLaunch* l) {
              const auto* desc = static_cast<const char*>(l->desc);
              static_cast<Planned*>(plan)->launches.push_back({l->kernel,
                                                               {desc, desc + l->desc_bytes},
                                                               {l->operands, l->operands + l->n_operands},
                                                               {l->byte_offsets, l->byte_offsets + l->n_offsets}});
            },
            [](void* plan, int64_t bytes) { static_cast<Planned*>(plan)->workspace = bytes; }};
  }
  Planned plan(const char* op, const std::vector<PtdOperand>& in, const std::vector<PtdOperand>& out,
               const std::vector<PtdAttribute>& attributes, bool printed = false) {
    Planned planned;
    const PtdPlan to = into(planned);
    planned.error = said(t.plan(t.self, op, in.data(), static_cast<int32_t>(in.size()), out.data(),
                                static_cast<int32_t>(out.size()), attributes.data(),
                                static_cast<int32_t>(attributes.size()), printed, &to, &failure));
    return planned;
  }
};

// A run or a record.
struct Run {
  Table& table;
  void* run = nullptr;
  PtdOutcome outcome{99, 99, 99};

  explicit Run(Table& t, bool records = false) : table(t) {
    CHECK_EQ(t.said((records ? t.t.record : t.t.begin)(t.t.self, &run, &t.failure)), "");
  }
  std::string launch(const Planned& plan, std::vector<char*> data, bool commits = false) {
    for (const Planned::One& one : plan.launches) {
      std::vector<char*> mine;
      for (std::size_t i = 0; i < (one.operands.empty() ? data.size() : one.operands.size()); ++i) {
        mine.push_back(data[one.operands.empty() ? i : one.operands[i]] + (one.offsets.empty() ? 0 : one.offsets[i]));
      }
      // Aligned as the engine keeps descriptors.
      std::vector<char> desc(one.desc.size() + 64);
      char* aligned = desc.data() + (64 - reinterpret_cast<uintptr_t>(desc.data()) % 64) % 64;
      std::memcpy(aligned, one.desc.data(), one.desc.size());
      if (!table.t.launch(run, aligned, mine.data(), static_cast<int32_t>(mine.size()), commits, &table.failure)) {
        return table.failure.text;
      }
    }
    return "";
  }
  void guard(int phase, bool forgives = false) {
    CHECK_EQ(table.said(table.t.guard(run, phase, forgives, &table.failure)), "");
  }
  void commit(bool writes = true) { CHECK_EQ(table.said(table.t.commit(run, writes, &table.failure)), ""); }
  std::string finish() { return table.said(table.t.finish(run, &outcome, &table.failure)); }
  std::string leave() { return table.said(table.t.finish(run, nullptr, &table.failure)); }
};

}  // namespace pt::check
