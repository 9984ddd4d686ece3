#include "cuda/sim/driver/queue.h"

#include <algorithm>
#include <numeric>

#include "cuda/sim/driver/state.h"

namespace pt::simdriver {

namespace {

// The null stream waits for all blocking streams, and they for it.
void join_legacy(Stream& stream) {
  if (stream.legacy) {
    for (Stream* other : streams_of(*stream.context))
      if (other->blocking()) wait_in_stream(stream, mark(*other));
  } else if (stream.blocking() && stream.context->legacy) {
    wait_in_stream(stream, mark(*stream.context->legacy));
  }
}

void expect_no_blocking_capture(Stream& legacy) {
  for (Stream* other : streams_of(*legacy.context)) {
    if (!other->capture || !other->blocking()) continue;
    invalidate(*other->capture);
    misuse(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,
           "the null stream would wait for a stream that is being captured; use a stream made with "
           "CU_STREAM_NON_BLOCKING there, and no null stream");
  }
}

void run(const Work& work, Context& context) {
  if (context.error != CUDA_SUCCESS || !work) return;
  try {
    work(context);
  } catch (const Fault& fault) {
    context.error = fault.code;
  }
}

// A stream that nobody waits for may go on at any time.
void step_elsewhere(Stream& stream) {
  static bool away = false;
  if (away) return;
  const auto streams = streams_of(*stream.context);
  Stream* other = streams[driver().pick(streams.size())];
  away = true;
  if (other != &stream) step(*other);
  away = false;
}

// Any order that keeps the dependencies.
std::vector<size_t> shuffled(const Graph& graph) {
  std::vector<size_t> order;
  std::vector<bool> done(graph.nodes.size(), false);
  while (order.size() < graph.nodes.size()) {
    std::vector<size_t> ready;
    for (size_t at = 0; at < graph.nodes.size(); ++at) {
      const auto& after = graph.nodes[at].after;
      if (!done[at] && std::all_of(after.begin(), after.end(), [&](size_t node) { return done[node]; }))
        ready.push_back(at);
    }
    order.push_back(ready[driver().pick(ready.size())]);
    done[order.back()] = true;
  }
  return order;
}

}  // namespace

std::vector<Stream*> streams_of(Context& context) {
  std::vector<Stream*> found;
  for (auto& [address, stream] : driver().streams)
    if (stream->context == &context) found.push_back(stream.get());
  std::sort(found.begin(), found.end(), [](Stream* a, Stream* b) { return a->id < b->id; });
  return found;
}

void enqueue(Stream& stream, CUgraphNodeType kind, std::string what, Work work) {
  if (stream.legacy) expect_no_blocking_capture(stream);
  if (stream.capture) {
    Capture& capture = *stream.capture;
    if (capture.invalid) refuse(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    capture.graph.nodes.push_back({kind, std::move(what), std::move(work), stream.tail});
    stream.tail.assign(1, capture.graph.nodes.size() - 1);
    return;
  }
  join_legacy(stream);
  stream.queue.push_back({std::move(work), nullptr, nullptr});
  const size_t most = driver().settings.deferred ? driver().settings.queue : 0;
  while (stream.queue.size() > most) step(stream);
}

std::shared_ptr<Point> mark(Stream& stream) {
  if (stream.queue.empty()) {
    auto point = std::make_shared<Point>();
    point->done = true;
    point->when = std::chrono::steady_clock::now();
    return point;
  }
  std::shared_ptr<Point>& point = stream.queue.back().reaches;
  if (!point) {
    point = std::make_shared<Point>();
    point->stream = &stream;
  }
  return point;
}

void wait_in_stream(Stream& stream, std::shared_ptr<Point> point) {
  if (!point->done && point->stream != &stream) stream.queue.push_back({nullptr, std::move(point), nullptr});
}

bool step(Stream& stream) {
  if (stream.queue.empty()) return false;
  if (driver().pick(4) != 0) step_elsewhere(stream);
  if (stream.queue.empty()) return true;  // what went on elsewhere waited for this stream
  if (const std::shared_ptr<Point> after = stream.queue.front().after; after && !after->done) {
    reach(after);
    return true;  // and may have carried out the item, too
  }
  const Item item = std::move(stream.queue.front());
  stream.queue.pop_front();
  run(item.work, *stream.context);
  if (item.reaches) {
    item.reaches->done = true;
    item.reaches->stream = nullptr;
    item.reaches->when = std::chrono::steady_clock::now();
  }
  return true;
}

void drain(Stream& stream) {
  while (step(stream)) {
  }
}

void reach(const std::shared_ptr<Point>& point) {
  while (!point->done) step(*point->stream);
}

// Nodes were appended in an order that keeps their dependencies; with an order at random another one is found.
void run_graph(const Graph& graph, Context& context) {
  std::vector<size_t> order(graph.nodes.size());
  std::iota(order.begin(), order.end(), size_t(0));
  if (driver().settings.order) order = shuffled(graph);
  for (size_t node : order)
    if (graph.nodes[node].work) graph.nodes[node].work(context);
}

}  // namespace pt::simdriver
