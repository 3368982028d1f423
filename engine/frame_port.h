// What a shard needs of the thing that carries frames. The XDP socket is one, the in-memory port of the tests another,
// DPDK may be a third. The shard is compiled for the port; no call through it is virtual.
//
// One object per shard. All calls come from the shard's thread, but interrupt(), which may come from anywhere.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>

#include "base/frame.h"
#include "base/port_state.h"
#include "base/time.h"

namespace myriad::engine {

using myriad::PortState;

template <class P>
concept FramePort = requires(P port, const P& const_port, FramePool& pool, std::span<RxFrame> rx,
                             std::span<const TxFrame> tx, void (*done)(FrameIndex), Duration at_most) {
  // Hands every frame that has been sent to `done(FrameIndex)`, of the queues whose rings this shard owns.
  { port.reap(done) } -> std::same_as<std::uint32_t>;
  // Moves frames from the pool to the FILL rings this shard owns, as far as they have room and the pool keeps a
  // reserve.
  { port.refill(pool) } -> std::same_as<void>;
  // Takes received frames, of every queue; returns how many. They belong to the caller from then on.
  { port.receive(rx) } -> std::same_as<std::uint32_t>;
  // Queues frames for sending, in order; returns how many were taken. Those belong to the port until reaped.
  { port.submit(tx) } -> std::same_as<std::uint32_t>;
  // Wakes the kernel if it needs that: at most one system call each for sending and receiving.
  { port.kick() } -> std::same_as<void>;
  // Sleeps until a frame arrives, interrupt() is called or the time is over.
  { port.wait(at_most) } -> std::same_as<void>;
  { port.interrupt() } -> std::same_as<void>;
  { const_port.state() } -> std::same_as<PortState>;
};

}  // namespace myriad::engine
