// The simulated driver: graphs, and what may not be called while a stream is captured.
#include "cuda/tests/driver_case.h"

namespace pt::cuda {
namespace {

void test_graphs() {
  start();
  Reverse reverse;
  const CUstream in = stream(), side = stream();
  const CUdeviceptr a = allocate(128), b = allocate(128), c = allocate(128);
  int* host = pinned<int>(32);
  const CUevent fork_ = event(), join = event();
  CUgraph graph = nullptr;
  CUgraphExec executable = nullptr;
  OK(cuStreamBeginCapture, in, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  CUstreamCaptureStatus status{};
  OK(cuStreamIsCapturing, in, &status);
  CHECK_EQ(int(status), int(CU_STREAM_CAPTURE_STATUS_ACTIVE));
  OK(cuMemcpyHtoDAsync, a, host, 128, in);
  OK(cuEventRecord, fork_, in);
  OK(cuStreamWaitEvent, side, fork_, 0);
  OK(cuStreamIsCapturing, side, &status);
  CHECK_EQ(int(status), int(CU_STREAM_CAPTURE_STATUS_ACTIVE));
  CHECK_EQ(int(reverse.launch(b, a, 2, in)), 0);
  CHECK_EQ(int(reverse.launch(c, a, 5, side)), 0);
  OK(cuEventRecord, join, side);
  OK(cuStreamWaitEvent, in, join, 0);
  OK(cuStreamEndCapture, in, &graph);
  size_t nodes = 0;
  OK(cuGraphGetNodes, graph, nullptr, &nodes);
  CHECK_EQ(nodes, size_t(3));
  CHECK_EQ(count("simKernelsRun"), uint64_t(0));
  OK(cuGraphInstantiate, &executable, graph, 0);
  OK(cuGraphDestroy, graph);
  count("simClear");
  for (int round = 1; round <= 2; ++round) {
    for (int i = 0; i < 32; ++i) host[i] = i * round;
    OK(cuGraphLaunch, executable, in);
    OK(cuStreamSynchronize, in);
    CHECK_EQ(values(b, 1)[0], 62 * round);
    CHECK_EQ(values(c, 1)[0], 155 * round);
  }
  CHECK_EQ(count("simGraphLaunches"), uint64_t(2));
  CHECK_EQ(count("simLaunches"), uint64_t(0));
  CHECK_EQ(count("simKernelsRun"), uint64_t(4));
  CHECK_EQ(count("simAllocations"), uint64_t(0));
  CLEAN();
  // Its launches follow each other, in whichever stream.
  OK(cuGraphLaunch, executable, in);
  OK(cuGraphLaunch, executable, side);
  OK(cuStreamSynchronize, side);
  CHECK_EQ(count("simKernelsRun"), uint64_t(8));
  // Another graph of the same form takes the place of the first.
  const auto capture = [&](int factor, bool more) {
    OK(cuStreamBeginCapture, in, CU_STREAM_CAPTURE_MODE_GLOBAL);
    CHECK_EQ(int(reverse.launch(b, a, factor, in)), 0);
    if (more) OK(cuMemsetD32Async, c, 1, 1, in);
    OK(cuStreamEndCapture, in, &graph);
  };
  capture(3, false);
  OK(cuGraphInstantiate, &executable, graph, 0);
  capture(4, false);
  CUgraphExecUpdateResultInfo info{};
  OK(cuGraphExecUpdate, executable, graph, &info);
  OK(cuGraphLaunch, executable, in);
  OK(cuStreamSynchronize, in);
  CHECK_EQ(values(b, 1)[0], 31 * 2 * 4);
  capture(4, true);
  FAILS(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, cuGraphExecUpdate, executable, graph, &info);
  CHECK_EQ(int(info.result), int(CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED));
  OK(cuGraphLaunch, executable, in);
  OK(cuGraphExecDestroy, executable);  // what was launched is still done
  OK(cuStreamSynchronize, in);
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuGraphLaunch, executable, in);
}

// A graph keeps addresses, not memory.
void test_graph_of_freed_memory() {
  start();
  Reverse reverse;
  const CUstream in = stream();
  const CUdeviceptr a = allocate(128), b = allocate(128);
  CUgraph graph = nullptr;
  CUgraphExec executable = nullptr;
  OK(cuStreamBeginCapture, in, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  CHECK_EQ(int(reverse.launch(b, a, 2, in)), 0);
  OK(cuStreamEndCapture, in, &graph);
  OK(cuGraphInstantiate, &executable, graph, 0);
  OK(cuMemFree, b);
  OK(cuGraphLaunch, executable, in);
  CLEAN();
  FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize, in);
  CHECK(last_misuse().find("[cuStreamSynchronize] example_reverse, carried out now: operand 1 is ") == 0);
  CHECK(last_misuse().find("in an allocation of 128 bytes that was freed") != std::string::npos);
}

void test_graph_of_freed_pinned_memory() {
  start();
  const CUstream in = stream();
  const CUdeviceptr a = allocate(128);
  int* host = pinned<int>(32);
  CUgraph graph = nullptr;
  CUgraphExec executable = nullptr;
  OK(cuStreamBeginCapture, in, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  OK(cuMemcpyDtoHAsync, host, a, 128, in);
  OK(cuStreamEndCapture, in, &graph);
  OK(cuGraphInstantiate, &executable, graph, 0);
  OK(cuMemFreeHost, host);
  OK(cuGraphLaunch, executable, in);
  FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize, in);
  MISUSED(
      "[cuStreamSynchronize] cuMemcpyDtoHAsync_v2, carried out now, uses 128 bytes of pinned memory that was given "
      "back; "
      "expected it to be kept");
}

void test_capture_rules() {
  start();
  const CUstream in = stream(), side = stream();
  const CUdeviceptr a = allocate(128), b = allocate(128);
  std::vector<int> host(4);
  const CUevent before = event(), mark = event();
  OK(cuMemsetD8Async, a, 1, 128, side);
  OK(cuEventRecord, before, side);
  // Each of these spoils the capture: it ends as invalid, and the stream works again.
  const auto spoils = [&](CUresult code, const std::function<CUresult()>& call, const char* name) {
    CUgraph graph = nullptr;
    CUstreamCaptureStatus status{};
    OK(cuStreamBeginCapture, in, CU_STREAM_CAPTURE_MODE_GLOBAL);
    OK(cuMemsetD8Async, a, 1, 128, in);
    CHECK_EQ(int(call()), int(code));
    OK(cuStreamIsCapturing, in, &status);
    CHECK_EQ(int(status), int(CU_STREAM_CAPTURE_STATUS_INVALIDATED));
    FAILS(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuMemsetD8Async, a, 1, 128, in);
    FAILS(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture, in, &graph);
    CHECK_EQ(last_misuse(), "[cuStreamEndCapture] the capture was lost by " + std::string(name));
    CHECK(graph == nullptr);
    OK(cuMemsetD8Async, a, 1, 128, in);
    OK(cuStreamSynchronize, in);
    CHECK_EQ(count("simClear"), uint64_t(2));
  };
  CUdeviceptr at = 0;
  void* page = nullptr;
  CUmodule module = nullptr;
  const auto unsupported = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  spoils(
      unsupported, [&] { return CU(cuStreamSynchronize)(in); }, "cuStreamSynchronize");
  spoils(
      unsupported, [&] { return CU(cuStreamQuery)(in); }, "cuStreamQuery");
  spoils(
      unsupported, [&] { return CU(cuCtxSynchronize)(); }, "cuCtxSynchronize");
  spoils(
      unsupported, [&] { return CU(cuMemAlloc)(&at, 16); }, "cuMemAlloc_v2");
  spoils(
      unsupported, [&] { return CU(cuMemFree)(a); }, "cuMemFree_v2");
  spoils(
      unsupported, [&] { return CU(cuMemHostAlloc)(&page, 16, 0); }, "cuMemHostAlloc");
  spoils(
      unsupported, [&] { return CU(cuEventQuery)(before); }, "cuEventQuery");
  spoils(
      unsupported, [&] { return CU(cuMemcpyDtoH)(host.data(), a, 16); }, "cuMemcpyDtoH_v2");
  spoils(
      unsupported, [&] { return CU(cuModuleLoadData)(&module, "PTSIM"); }, "cuModuleLoadData");
  spoils(
      unsupported, [&] { return CU(cuMemcpyHtoDAsync)(a, host.data(), 16, in); }, "cuMemcpyHtoDAsync_v2");
  spoils(
      CUDA_ERROR_STREAM_CAPTURE_ISOLATION, [&] { return CU(cuStreamWaitEvent)(in, before, 0); }, "cuStreamWaitEvent");
  spoils(
      CUDA_ERROR_CAPTURED_EVENT,
      [&] {
        OK(cuEventRecord, mark, in);
        return CU(cuEventSynchronize)(mark);
      },
      "cuEventSynchronize");
  // In another thread too, in the global mode; not in the others.
  spoils(
      unsupported,
      [&] {
        CUresult result{};
        CUcontext context = nullptr;
        OK(cuCtxGetCurrent, &context);
        std::thread([&] {
          OK(cuCtxSetCurrent, context);
          result = CU(cuMemAlloc)(&at, 16);
        }).join();
        return result;
      },
      "cuMemAlloc_v2");
  CUgraph graph = nullptr;
  // A thread in the relaxed mode is free to.
  CUcontext context = nullptr;
  OK(cuCtxGetCurrent, &context);
  OK(cuStreamBeginCapture, in, CU_STREAM_CAPTURE_MODE_GLOBAL);
  std::thread([&] {
    OK(cuCtxSetCurrent, context);
    CUstreamCaptureMode relaxed = CU_STREAM_CAPTURE_MODE_RELAXED;
    OK(cuThreadExchangeStreamCaptureMode, &relaxed);
    at = allocate(16);
  }).join();
  OK(cuStreamEndCapture, in, &graph);
  OK(cuStreamBeginCapture, in, CU_STREAM_CAPTURE_MODE_RELAXED);
  at = allocate(16);
  OK(cuStreamEndCapture, in, &graph);
  OK(cuStreamBeginCapture, in, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
  OK(cuThreadExchangeStreamCaptureMode, &mode);
  at = allocate(16);
  OK(cuThreadExchangeStreamCaptureMode, &mode);
  CHECK_EQ(int(mode), int(CU_STREAM_CAPTURE_MODE_RELAXED));
  OK(cuStreamEndCapture, in, &graph);
  // The null stream beside a blocking stream that is captured.
  CUstream blocking = nullptr;
  OK(cuStreamCreate, &blocking, CU_STREAM_DEFAULT);
  OK(cuStreamBeginCapture, blocking, CU_STREAM_CAPTURE_MODE_RELAXED);
  FAILS(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, cuMemsetD8Async, a, 1, 16, nullptr);
  FAILS(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture, blocking, &graph);
  FAILS(unsupported, cuStreamBeginCapture, nullptr, CU_STREAM_CAPTURE_MODE_RELAXED);
  // Work of another stream that nobody joins.
  OK(cuStreamBeginCapture, in, CU_STREAM_CAPTURE_MODE_RELAXED);
  OK(cuEventRecord, mark, in);
  OK(cuStreamWaitEvent, side, mark, 0);
  OK(cuMemsetD8Async, b, 1, 16, side);
  FAILS(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, cuStreamEndCapture, side, &graph);
  FAILS(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, cuStreamEndCapture, in, &graph);
  FAILS(CUDA_ERROR_ILLEGAL_STATE, cuStreamEndCapture, in, &graph);
  count("simClear");
  OK(cuCtxSynchronize);
  CLEAN();
}

}  // namespace
}  // namespace pt::cuda

using namespace pt::cuda;

int main() {
  CHECK(run_case("", test_graphs));
  CHECK(run_case("", test_graph_of_freed_memory));
  CHECK(run_case("", test_graph_of_freed_pinned_memory));
  CHECK(run_case("", test_capture_rules));
  CHECK(run_case("order=1", test_graphs));
  CHECK(run_case("order=2", test_graphs));
  return pt::check::finish();
}
