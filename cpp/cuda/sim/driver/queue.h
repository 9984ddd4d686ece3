// Work of the simulated devices: streams, the points that events mark in them, and graphs. Work waits in its stream
// until somebody needs it done. It is then carried out in stream order by the thread that waits, and other streams move
// only as far as events ask for, so that a wait that the caller forgot is seen as old data.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "cuda/sim/driver/cuda_api.h"

namespace pt::simdriver {

struct Context;
struct Stream;

// What goes wrong while work is carried out: the context is lost, and answers with this code from now on.
struct Fault {
  CUresult code;
};

using Work = std::function<void(Context&)>;

// A moment in a stream: all that was queued before it.
struct Point {
  Stream* stream = nullptr;  // until done
  bool done = false;
  std::chrono::steady_clock::time_point when;
};

struct Item {
  Work work;
  std::shared_ptr<Point> after;    // of another stream
  std::shared_ptr<Point> reaches;  // when the item is done
};

struct Node {
  CUgraphNodeType kind;
  std::string what;
  Work work;
  std::vector<size_t> after;  // nodes of the same graph
};

struct Graph {
  std::vector<Node> nodes;
};

struct Executable {
  Context* context = nullptr;
  std::shared_ptr<const Graph> graph;
  std::shared_ptr<Point> last;  // launches of one executable follow each other
};

struct Capture {
  uint64_t id = 0;
  Stream* origin = nullptr;
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  std::thread::id thread;
  bool invalid = false;
  std::string broken_by;  // the call that made it invalid
  Graph graph;
  std::set<Stream*> streams;
};

struct Stream {
  Context* context = nullptr;
  unsigned flags = 0;
  int priority = 0;
  uint64_t id = 0;
  bool legacy = false;
  std::deque<Item> queue;
  std::shared_ptr<Capture> capture;
  std::vector<size_t> tail;  // of the capture: what the next node comes after

  bool blocking() const { return !legacy && !(flags & CU_STREAM_NON_BLOCKING); }
};

struct Event {
  Context* context = nullptr;
  unsigned flags = 0;
  std::shared_ptr<Point> point;  // none before the first record
  std::shared_ptr<Capture> capture;
  std::vector<size_t> tail;
};

// Queues work, or makes a node of it if the stream is capturing.
void enqueue(Stream& stream, CUgraphNodeType kind, std::string what, Work work);
// The moment after all that the stream holds now; at once done if it holds nothing.
std::shared_ptr<Point> mark(Stream& stream);
void wait_in_stream(Stream& stream, std::shared_ptr<Point> point);
// Carries out one item. False if there was none.
bool step(Stream& stream);
void drain(Stream& stream);
void reach(const std::shared_ptr<Point>& point);
std::vector<Stream*> streams_of(Context& context);  // in the order in which they were made
void run_graph(const Graph& graph, Context& context);

}  // namespace pt::simdriver
