// A file server for tests that does what it is told to: slow, short, out of order, stingy, or lying. It answers in any
// dialect without keys; what it says with keys stands in recorded exchanges.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "app/smb2/wire.h"
#include "tests/app/octets.h"

namespace myriad::app::smb2 {

class FakeServer {
 public:
  struct Request {
    std::uint16_t charge = 0;
    Command command{};
    std::uint16_t credits = 0;
    std::uint32_t flags = 0;
    std::uint64_t message = 0;
    std::uint32_t tree = 0;
    std::uint64_t session = 0;
    Octets body;
  };

  Dialect dialect = Dialect::k210;
  std::uint32_t max_read = 1U << 20;
  std::uint32_t max_write = 1U << 20;
  bool large_mtu = true;
  std::string file;                            // what is read
  std::uint32_t most_at_once = UINT32_MAX;     // of a read or a write: the rest is left out
  bool pending = false;                        // an interim answer comes before every answer
  bool backwards = false;                      // reads are answered last first
  std::uint16_t grant = 0;                     // credits with every answer; 0: as many as were asked for
  std::map<Command, std::uint32_t> status;     // instead of success
  std::uint32_t names = 3;                     // in the directory
  std::uint64_t file_bytes_said = UINT64_MAX;  // how long the file is said to be; UINT64_MAX: the truth
  std::function<void(const Request&, Octets& answer)> meddle;  // with each answer, before it leaves

  // What has been asked, in order.
  std::vector<Request> requests;
  std::string written;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> reads;  // offset, length
  std::size_t most_reads_at_once = 0;

  // What comes from the client; returns what is answered.
  Octets answer(Bytes said) {
    Octets out;
    std::vector<Octets> moved;
    std::size_t reads_now = 0;
    while (!said.empty()) {
      const std::size_t length = load_be32(said.data());
      for (Bytes frame = said.subspan(kFrameHeadBytes, length); !frame.empty();) {
        const std::uint32_t next = load_le32(frame.data() + 20);
        const Bytes message = frame.first(next == 0 ? frame.size() : next);
        const Request request = parse(message);
        requests.push_back(request);
        Octets one = answer_of(request);
        if (meddle) meddle(request, one);
        if (pending) append(out, interim(request));
        if (request.command == Command::kRead) ++reads_now;
        if (backwards && request.command == Command::kRead) {
          moved.insert(moved.begin(), one);
        } else {
          append(out, one);
        }
        frame = frame.subspan(message.size());
      }
      said = said.subspan(kFrameHeadBytes + length);
    }
    most_reads_at_once = std::max(most_reads_at_once, reads_now);
    for (const Octets& one : moved) append(out, one);
    return out;
  }

  [[nodiscard]] std::size_t count(Command command) const {
    return static_cast<std::size_t>(
        std::count_if(requests.begin(), requests.end(), [&](const Request& r) { return r.command == command; }));
  }

 private:
  static void append(Octets& out, const Octets& more) { out.insert(out.end(), more.begin(), more.end()); }

  static Request parse(Bytes message) {
    Request request;
    request.charge = load_le16(message.data() + 6);
    request.command = static_cast<Command>(load_le16(message.data() + 12));
    request.credits = load_le16(message.data() + 14);
    request.flags = load_le32(message.data() + 16);
    request.message = load_le64(message.data() + 24);
    request.tree = load_le32(message.data() + 36);
    request.session = load_le64(message.data() + 40);
    request.body.assign(message.begin() + kHeaderBytes, message.end());
    return request;
  }

  Header header_of(const Request& request, std::uint32_t said) const {
    Header header;
    header.status = said;
    header.command = request.command;
    header.credits = grant != 0 ? grant : request.credits;
    header.flags = flag::kResponse;
    header.message = request.message;
    header.session = 0x1122334455;
    header.tree = 77;
    return header;
  }

  Octets interim(const Request& request) const {
    Header header = header_of(request, kStatusPending);
    header.flags |= flag::kAsync;
    header.credits = 0;
    return finish(header, octets("090000000000000000"));
  }

  static Octets finish(const Header& header, Bytes body) {
    Frame frame;
    frame.begin(header);
    frame.put(body);
    frame.end();
    return {frame.bytes().begin(), frame.bytes().end()};
  }

  Octets answer_of(const Request& request) {
    const auto told = status.find(request.command);
    std::uint32_t said = told == status.end() ? kStatusSuccess : told->second;
    Octets body = said == kStatusSuccess ? body_of(request, said) : octets("090000000000000000");
    return finish(header_of(request, said), body);
  }

  Octets body_of(const Request& request, std::uint32_t& said) {
    switch (request.command) {
      case Command::kNegotiate:
        return negotiate();
      case Command::kSessionSetup:
        return session_setup(said);
      case Command::kTreeConnect:
        return octets("10000100000000000000000000000000");
      case Command::kCreate: {
        Octets body(88);
        store_le16(body.data(), 89);
        body[64] = 0x42;
        return body;
      }
      case Command::kQueryInfo: {
        Octets body(8 + 24);
        store_le16(body.data(), 9);
        store_le16(body.data() + 2, kHeaderBytes + 8);
        store_le32(body.data() + 4, 24);
        store_le64(body.data() + 16, file_bytes_said != UINT64_MAX ? file_bytes_said : file.size());
        return body;
      }
      case Command::kRead:
        return read(request, said);
      case Command::kWrite:
        return write(request);
      case Command::kQueryDirectory:
        return directory(said);
      case Command::kClose: {
        Octets body(60);
        store_le16(body.data(), 60);
        return body;
      }
      default:
        return octets("04000000");
    }
  }

  [[nodiscard]] Octets negotiate() const {
    Octets body(64);
    store_le16(body.data(), 65);
    store_le16(body.data() + 2, kSigningEnabled);
    store_le16(body.data() + 4, static_cast<std::uint16_t>(dialect));
    store_le32(body.data() + 24, large_mtu ? kLargeMtu : 0);
    store_le32(body.data() + 28, 1U << 20);
    store_le32(body.data() + 32, max_read);
    store_le32(body.data() + 36, max_write);
    if (dialect == Dialect::k311) {
      store_le16(body.data() + 6, 1);
      store_le32(body.data() + 60, kHeaderBytes + 64);
      append(body, octets("01000600000000000100000001000000"));
    }
    return body;
  }

  Octets session_setup(std::uint32_t& said) {
    if (std::exchange(challenged_, !challenged_)) return octets("0900020048000000");
    said = kStatusMoreProcessing;
    Octets body =
        octets("09000000480030004e544c4d535350000200000000000000000000000000000001020304050607080000000000000000");
    body.resize(8 + 48);
    return body;
  }

  Octets read(const Request& request, std::uint32_t& said) {
    const std::uint32_t length = load_le32(request.body.data() + 4);
    const std::uint64_t offset = load_le64(request.body.data() + 8);
    reads.emplace_back(offset, length);
    if (offset >= file.size()) {
      said = kStatusEndOfFile;
      return octets("090000000000000000");
    }
    const auto count =
        static_cast<std::uint32_t>(std::min<std::uint64_t>({length, most_at_once, file.size() - offset}));
    Octets body(16);
    store_le16(body.data(), 17);
    body[2] = kHeaderBytes + 16;
    store_le32(body.data() + 4, count);
    body.insert(body.end(), file.begin() + static_cast<std::ptrdiff_t>(offset),
                file.begin() + static_cast<std::ptrdiff_t>(offset + count));
    return body;
  }

  Octets write(const Request& request) {
    const std::uint32_t length = std::min(load_le32(request.body.data() + 4), most_at_once);
    const std::uint64_t offset = load_le64(request.body.data() + 8);
    written.resize(std::max<std::size_t>(written.size(), offset + length));
    std::copy_n(request.body.begin() + 48, length, written.begin() + static_cast<std::ptrdiff_t>(offset));
    Octets body(16);
    store_le16(body.data(), 17);
    store_le32(body.data() + 4, length);
    return body;
  }

  Octets directory(std::uint32_t& said) {
    if (std::exchange(listed_, true)) {
      said = kStatusNoMoreFiles;
      return octets("090000000000000000");
    }
    Octets entries;
    for (std::uint32_t i = 0; i < names; ++i) {
      Octets entry(64 + 8);  // a name of two letters, and padding
      store_le32(entry.data(), i + 1 < names ? static_cast<std::uint32_t>(entry.size()) : 0);
      store_le32(entry.data() + 60, 4);
      entry[64] = entry[66] = 'x';
      append(entries, entry);
    }
    Octets body(8);
    store_le16(body.data(), 9);
    store_le16(body.data() + 2, kHeaderBytes + 8);
    store_le32(body.data() + 4, static_cast<std::uint32_t>(entries.size()));
    append(body, entries);
    return body;
  }

  bool challenged_ = false;
  bool listed_ = false;
};

}  // namespace myriad::app::smb2
