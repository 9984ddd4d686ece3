// Entry points: streams and events.
#include <algorithm>

#include "cuda/sim/driver/older.h"
#include "cuda/sim/driver/state.h"

using namespace pt::simdriver;

namespace {

// A look at unfinished work moves it on by one item: who polls gets an end, and sees first that it was not done.
CUresult look(const std::shared_ptr<Point>& point) {
  ++driver().counters.queries;
  if (point->done) return CUDA_SUCCESS;
  Stream* stream = point->stream;
  const auto after = stream->queue.front().after;
  step(after && !after->done && after->stream ? *after->stream : *stream);
  return CUDA_ERROR_NOT_READY;
}

void expect_flags(unsigned flags, unsigned known) {
  if (flags & ~known) misuse(CUDA_ERROR_INVALID_VALUE, "flags are %#x; expected none but %#x", flags, known);
}

// The waiting stream joins the capture of the event.
void join_capture(Stream& stream, const Event& event) {
  if (stream.capture && stream.capture != event.capture) {
    invalidate(*stream.capture);
    invalidate(*event.capture);
    misuse(CUDA_ERROR_STREAM_CAPTURE_MERGE, "the stream and the event are of two captures; both are lost");
  }
  if (stream.legacy) misuse(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "the null stream cannot be captured");
  stream.capture = event.capture;
  event.capture->streams.insert(&stream);
  for (size_t node : event.tail)
    if (std::find(stream.tail.begin(), stream.tail.end(), node) == stream.tail.end()) stream.tail.push_back(node);
}

void record(Event& event, Stream& stream) {
  expect(event.context == stream.context, CUDA_ERROR_INVALID_HANDLE, "event and stream are of different contexts");
  if (stream.capture) {
    if (stream.capture->invalid) refuse(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    event.capture = stream.capture;
    event.tail = stream.tail;
    return;
  }
  enqueue(stream, CU_GRAPH_NODE_TYPE_EVENT_RECORD, "cuEventRecord", nullptr);
  event.capture = nullptr;
  event.point = mark(stream);
}

void forbid_captured(const Event& event) {
  if (!event.capture || !driver().captures.count(event.capture)) return;
  invalidate(*event.capture);
  misuse(CUDA_ERROR_CAPTURED_EVENT,
         "the event was last recorded in a stream that is being captured; the capture is lost");
}

}  // namespace

CUresult CUDAAPI cuStreamCreate(CUstream* stream, unsigned int flags) {
  return answer(__func__, Needs::kContext, [&] {
    expect_flags(flags, CU_STREAM_NON_BLOCKING);
    out(stream, "stream") = reinterpret_cast<CUstream>(make_stream(current(), flags, 0));
  });
}

CUresult CUDAAPI cuStreamCreateWithPriority(CUstream* stream, unsigned int flags, int priority) {
  return answer(__func__, Needs::kContext, [&] {
    expect_flags(flags, CU_STREAM_NON_BLOCKING);
    const int clamped = priority < -5 ? -5 : priority > 0 ? 0 : priority;
    out(stream, "stream") = reinterpret_cast<CUstream>(make_stream(current(), flags, clamped));
  });
}

// The real one returns at once and lets the work end; here it ends first.
CUresult CUDAAPI cuStreamDestroy(CUstream handle) {
  return answer(__func__, Needs::kContext, [&] {
    Stream& stream = stream_of(handle);
    expect(handle && handle != CU_STREAM_LEGACY && handle != CU_STREAM_PER_THREAD, CUDA_ERROR_INVALID_HANDLE,
           "a stream that the driver made itself cannot be destroyed");
    if (stream.capture) {
      note_misuse("the stream is being captured; the capture is lost");
      invalidate(*stream.capture);
      stream.capture->streams.erase(&stream);
      if (stream.capture->origin == &stream) driver().captures.erase(stream.capture);
    }
    drain(stream);
    driver().streams.erase(&stream);
  });
}

CUresult CUDAAPI cuStreamGetPriority(CUstream handle, int* priority) {
  return answer(__func__, Needs::kContext, [&] { out(priority, "priority") = stream_of(handle).priority; });
}

CUresult CUDAAPI cuStreamGetFlags(CUstream handle, unsigned int* flags) {
  return answer(__func__, Needs::kContext, [&] { out(flags, "flags") = stream_of(handle).flags; });
}

CUresult CUDAAPI cuStreamGetCtx(CUstream handle, CUcontext* context) {
  return answer(__func__, Needs::kContext,
                [&] { out(context, "context") = reinterpret_cast<CUcontext>(stream_of(handle).context); });
}

CUresult CUDAAPI cuStreamQuery(CUstream handle) {
  return answer(__func__, Needs::kContext, [&] {
    Stream& stream = stream_of(handle);
    forbid_in_capture(stream);
    forbid_in_capture();
    if (const CUresult found = look(mark(stream)); found != CUDA_SUCCESS) refuse(found);
  });
}

CUresult CUDAAPI cuStreamSynchronize(CUstream handle) {
  return answer(__func__, Needs::kContext, [&] {
    Stream& stream = stream_of(handle);
    forbid_in_capture(stream);
    forbid_in_capture();
    ++driver().counters.synchronisations;
    // The null stream stands for all blocking ones.
    if (stream.legacy) enqueue(stream, CU_GRAPH_NODE_TYPE_EMPTY, "cuStreamSynchronize", nullptr);
    drain(stream);
  });
}

CUresult CUDAAPI cuStreamWaitEvent(CUstream handle, CUevent event_handle, unsigned int flags) {
  return answer(__func__, Needs::kContext, [&] {
    expect_flags(flags, CU_EVENT_WAIT_EXTERNAL);
    Stream& stream = stream_of(handle);
    Event& event = event_of(event_handle);
    if (stream.capture && stream.capture->invalid) refuse(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    if (event.capture && driver().captures.count(event.capture)) return join_capture(stream, event);
    if (stream.capture) {
      invalidate(*stream.capture);
      misuse(CUDA_ERROR_STREAM_CAPTURE_ISOLATION,
             "the stream is being captured and the event was recorded outside of the capture; the capture is lost");
    }
    if (event.point) wait_in_stream(stream, event.point);
  });
}

CUresult CUDAAPI cuLaunchHostFunc(CUstream handle, CUhostFn function, void* data) {
  return answer(__func__, Needs::kContext, [&] {
    expect(function, CUDA_ERROR_INVALID_VALUE, "the function is null");
    enqueue(stream_of(handle), CU_GRAPH_NODE_TYPE_HOST, "cuLaunchHostFunc", [=](Context&) {
      thread_state().in_callback = true;  // such a function may not call the driver
      function(data);
      thread_state().in_callback = false;
    });
  });
}

CUresult CUDAAPI cuEventCreate(CUevent* handle, unsigned int flags) {
  return answer(__func__, Needs::kContext, [&] {
    expect_flags(flags, CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING);
    auto event = std::make_unique<Event>();
    event->context = &current();
    event->flags = flags;
    out(handle, "event") = reinterpret_cast<CUevent>(add_live(driver().events, std::move(event)));
  });
}

CUresult CUDAAPI cuEventDestroy(CUevent handle) {
  return answer(__func__, Needs::kContext, [&] { driver().events.erase(&event_of(handle)); });
}

CUresult CUDAAPI cuEventRecord(CUevent handle, CUstream stream) {
  return answer(__func__, Needs::kContext, [&] { record(event_of(handle), stream_of(stream)); });
}

CUresult CUDAAPI cuEventQuery(CUevent handle) {
  return answer(__func__, Needs::kContext, [&] {
    Event& event = event_of(handle);
    forbid_captured(event);
    forbid_in_capture();
    if (!event.point) return;
    if (const CUresult found = look(event.point); found != CUDA_SUCCESS) refuse(found);
  });
}

CUresult CUDAAPI cuEventSynchronize(CUevent handle) {
  return answer(__func__, Needs::kContext, [&] {
    Event& event = event_of(handle);
    forbid_captured(event);
    forbid_in_capture();
    ++driver().counters.synchronisations;
    if (event.point) reach(event.point);
  });
}

CUresult CUDAAPI cuEventElapsedTime(float* milliseconds, CUevent from, CUevent to) {
  return answer(__func__, Needs::kContext, [&] {
    Event &first = event_of(from), &second = event_of(to);
    for (const Event* event : {&first, &second}) {
      forbid_captured(*event);
      expect(event->point && !(event->flags & CU_EVENT_DISABLE_TIMING), CUDA_ERROR_INVALID_HANDLE,
             "an event was never recorded, or made with CU_EVENT_DISABLE_TIMING");
    }
    if (!first.point->done || !second.point->done) refuse(CUDA_ERROR_NOT_READY);
    out(milliseconds, "milliseconds") =
        std::chrono::duration<float, std::milli>(second.point->when - first.point->when).count();
  });
}

CUresult elapsed_time_1(float* milliseconds, CUevent from, CUevent to) {
  return cuEventElapsedTime(milliseconds, from, to);
}
