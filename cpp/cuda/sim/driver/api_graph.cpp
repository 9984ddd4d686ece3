// Entry points: capture of streams, and graphs.
#include "cuda/sim/driver/older.h"
#include "cuda/sim/driver/state.h"

using namespace pt::simdriver;

namespace {

Graph& graph_of(CUgraph handle) { return expect_live(driver().graphs, handle, "graph"); }
Executable& executable_of(CUgraphExec handle) { return expect_live(driver().executables, handle, "executable graph"); }

// All that joined streams did has to come before the end of the stream in which the capture began.
bool all_joined(const Capture& capture) {
  std::vector<bool> before(capture.graph.nodes.size(), false);
  std::vector<size_t> open = capture.origin->tail;
  while (!open.empty()) {
    const size_t node = open.back();
    open.pop_back();
    if (before[node]) continue;
    before[node] = true;
    for (size_t earlier : capture.graph.nodes[node].after) open.push_back(earlier);
  }
  for (const Stream* stream : capture.streams)
    for (size_t node : stream->tail)
      if (!before[node]) return false;
  return true;
}

void release(Capture& capture) {
  for (Stream* stream : capture.streams) {
    stream->capture = nullptr;
    stream->tail.clear();
  }
}

CUstreamCaptureStatus status_of(const Stream& stream) {
  if (!stream.capture) return CU_STREAM_CAPTURE_STATUS_NONE;
  return stream.capture->invalid ? CU_STREAM_CAPTURE_STATUS_INVALIDATED : CU_STREAM_CAPTURE_STATUS_ACTIVE;
}

void expect_no_implicit_capture(Stream& stream) {
  if (!stream.legacy) return;
  for (Stream* other : streams_of(*stream.context)) {
    if (!other->capture || !other->blocking()) continue;
    invalidate(*other->capture);
    misuse(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "the null stream is asked while a blocking stream is being captured");
  }
}

}  // namespace

CUresult CUDAAPI cuStreamBeginCapture(CUstream handle, CUstreamCaptureMode mode) {
  return answer(__func__, Needs::kContext, [&] {
    Stream& stream = stream_of(handle);
    expect(!stream.legacy, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the null stream cannot be captured");
    expect(!stream.capture, CUDA_ERROR_ILLEGAL_STATE, "the stream is being captured already");
    auto capture = std::make_shared<Capture>();
    capture->id = driver().next_id++;
    capture->origin = &stream;
    capture->mode = mode;
    capture->thread = std::this_thread::get_id();
    capture->streams = {&stream};
    stream.capture = capture;
    stream.tail.clear();
    driver().captures.insert(capture);
  });
}

CUresult CUDAAPI cuStreamEndCapture(CUstream handle, CUgraph* graph) {
  return answer(__func__, Needs::kContext, [&] {
    Stream& stream = stream_of(handle);
    out(graph, "graph") = nullptr;
    expect(stream.capture != nullptr, CUDA_ERROR_ILLEGAL_STATE, "the stream is not being captured");
    const std::shared_ptr<Capture> capture = stream.capture;
    expect(capture->origin == &stream, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED,
           "the capture began in another stream; end it there");
    if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED)
      expect(capture->thread == std::this_thread::get_id(), CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD,
             "the capture began in another thread; end it there, or begin it in the relaxed mode");
    const bool joined = all_joined(*capture);
    driver().captures.erase(capture);
    release(*capture);
    if (capture->invalid)
      misuse(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture was lost by %s", capture->broken_by.c_str());
    expect(
        joined, CUDA_ERROR_STREAM_CAPTURE_UNJOINED,
        "a stream that joined the capture did work that the first stream does not wait for; record an event there and "
        "wait for it");
    *graph = reinterpret_cast<CUgraph>(add_live(driver().graphs, std::make_unique<Graph>(std::move(capture->graph))));
  });
}

CUresult CUDAAPI cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus* status) {
  return answer(__func__, Needs::kContext, [&] {
    Stream& stream = stream_of(handle);
    expect_no_implicit_capture(stream);
    out(status, "status") = status_of(stream);
  });
}

// The later outputs tell of nodes, which have no handles here.
CUresult capture_info_2(CUstream handle, CUstreamCaptureStatus* status, cuuint64_t* id, CUgraph* graph,
                        const CUgraphNode** nodes, size_t* count) {
  return answer("cuStreamGetCaptureInfo_v2", Needs::kContext, [&] {
    Stream& stream = stream_of(handle);
    expect_no_implicit_capture(stream);
    if (graph || nodes || count) refuse(CUDA_ERROR_NOT_SUPPORTED);
    out(status, "status") = status_of(stream);
    if (id) *id = stream.capture ? stream.capture->id : 0;
  });
}

CUresult CUDAAPI cuStreamGetCaptureInfo(CUstream handle, CUstreamCaptureStatus* status, cuuint64_t* id, CUgraph* graph,
                                        const CUgraphNode** nodes, const CUgraphEdgeData** edges, size_t* count) {
  return edges ? CUDA_ERROR_NOT_SUPPORTED : capture_info_2(handle, status, id, graph, nodes, count);
}

CUresult CUDAAPI cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode* mode) {
  return answer(__func__, Needs::kInit, [&] { std::swap(out(mode, "mode"), thread_state().capture_mode); });
}

CUresult CUDAAPI cuGraphGetNodes(CUgraph handle, CUgraphNode* nodes, size_t* count) {
  return answer(__func__, Needs::kContext, [&] {
    if (nodes) refuse(CUDA_ERROR_NOT_SUPPORTED);  // nodes have no handles here
    out(count, "count") = graph_of(handle).nodes.size();
  });
}

CUresult CUDAAPI cuGraphDestroy(CUgraph handle) {
  return answer(__func__, Needs::kInit, [&] { driver().graphs.erase(&graph_of(handle)); });
}

CUresult CUDAAPI cuGraphInstantiate(CUgraphExec* handle, CUgraph graph, unsigned long long flags) {
  return answer(__func__, Needs::kContext, [&] {
    if (flags) refuse(CUDA_ERROR_NOT_SUPPORTED);
    auto executable = std::make_unique<Executable>();
    executable->context = &current();
    executable->graph = std::make_shared<const Graph>(graph_of(graph));
    out(handle, "executable") = reinterpret_cast<CUgraphExec>(add_live(driver().executables, std::move(executable)));
  });
}

CUresult CUDAAPI cuGraphUpload(CUgraphExec handle, CUstream stream) {
  return answer(__func__, Needs::kContext, [&] {
    executable_of(handle);
    stream_of(stream);
  });
}

CUresult CUDAAPI cuGraphLaunch(CUgraphExec handle, CUstream stream_handle) {
  return answer(__func__, Needs::kContext, [&] {
    Executable& executable = executable_of(handle);
    Stream& stream = stream_of(stream_handle);
    ++driver().counters.graph_launches;
    if (executable.last && !stream.capture) wait_in_stream(stream, executable.last);
    enqueue(stream, CU_GRAPH_NODE_TYPE_GRAPH, "cuGraphLaunch",
            [graph = executable.graph](Context& context) { run_graph(*graph, context); });
    if (!stream.capture) executable.last = mark(stream);
  });
}

CUresult CUDAAPI cuGraphExecDestroy(CUgraphExec handle) {
  return answer(__func__, Needs::kInit, [&] { driver().executables.erase(&executable_of(handle)); });
}

// As the real one, for graphs of the same kinds of nodes with the same dependencies.
CUresult CUDAAPI cuGraphExecUpdate(CUgraphExec handle, CUgraph graph_handle, CUgraphExecUpdateResultInfo* info) {
  return answer(__func__, Needs::kContext, [&] {
    Executable& executable = executable_of(handle);
    const Graph& graph = graph_of(graph_handle);
    const std::vector<Node>&old = executable.graph->nodes, &nodes = graph.nodes;
    out(info, "info") = {};
    auto refused = [&](CUgraphExecUpdateResult why) {
      info->result = why;
      refuse(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
    };
    if (old.size() != nodes.size()) refused(CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
    for (size_t at = 0; at < nodes.size(); ++at) {
      if (old[at].kind != nodes[at].kind) refused(CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED);
      if (old[at].after != nodes[at].after) refused(CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
    }
    executable.graph = std::make_shared<const Graph>(graph);
    info->result = CU_GRAPH_EXEC_UPDATE_SUCCESS;
  });
}
