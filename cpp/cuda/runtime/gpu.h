// All parts of one device. It lives as long as the process.
#pragma once
#include <mutex>
#include <optional>

#include "cuda/runtime/context.h"
#include "cuda/runtime/library_products.h"
#include "cuda/runtime/memory.h"
#include "cuda/runtime/modules.h"
#include "cuda/runtime/others.h"
#include "cuda/runtime/staging.h"
#include "cuda/runtime/status_blocks.h"
#include "cuda/runtime/uploads.h"

namespace pt::cuda {

struct Gpu {
  explicit Gpu(int ordinal)
      : context(ordinal),
        memory(context),
        staging(context, context.stream),
        uploads(context),
        modules(context),
        others(context),
        run_blocks(context),
        kept_blocks(context) {
    const Current current(context);
    uploads.start();
    products.emplace(context);
    context.check(context.driver.cuStreamCreate(&capturing, CU_STREAM_NON_BLOCKING), "making a stream");
  }

  Context context;
  DeviceMemory memory;
  Staging staging;
  Uploads uploads;
  Modules modules;
  Others others;
  std::optional<LibraryProducts> products;  // made in the constructor
  StatusBlocks run_blocks, kept_blocks;     // of runs, and of recordings
  CUstream capturing = nullptr;             // where recordings are captured, one at a time
  std::mutex capture_busy;
};

}  // namespace pt::cuda
