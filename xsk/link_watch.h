// Tells when a link goes down, comes up or is removed, as the kernel announces it (rtnetlink): nothing is asked while
// nothing happens. One per shard, so that shards share nothing; bound to the network namespace it was opened in.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/port_state.h"
#include "base/result.h"
#include "xsk/file_descriptor.h"

namespace myriad::xsk {

class LinkWatch {
 public:
  [[nodiscard]] static Result<LinkWatch> open(unsigned interface_index);

  // To be polled for reading; then read_news() has something to read.
  [[nodiscard]] int fd() const { return socket_.get(); }
  // The state after all announcements that have come, or nothing when none was about this link. Never blocks.
  [[nodiscard]] std::optional<PortState> read_news();

  // What one datagram of announcements says about the link. For tests: datagrams of any shape are survived.
  [[nodiscard]] static std::optional<PortState> interpret(Bytes datagram, unsigned interface_index);

 private:
  LinkWatch(FileDescriptor socket, unsigned interface_index)
      : socket_(std::move(socket)), interface_index_(interface_index) {}
  // Has the kernel announce the state as it is now.
  int ask();

  FileDescriptor socket_;
  unsigned interface_index_;
};

}  // namespace myriad::xsk
