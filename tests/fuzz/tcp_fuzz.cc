// TCP segments and UDP datagrams; what a TCP segment says is written again and must be read as the same.
#include <vector>

#include "tests/fuzz/read_everything.h"

using namespace myriad;

namespace {

bool same_options(const wire::TcpOptions& a, const wire::TcpOptions& b, std::size_t blocks) {
  if (a.mss != b.mss || a.window_scale != b.window_scale || a.sack_permitted != b.sack_permitted ||
      a.has_timestamps != b.has_timestamps || a.ts_value != b.ts_value || a.ts_echo != b.ts_echo) {
    return false;
  }
  for (std::size_t i = 0; i < blocks; ++i) {
    if (a.sack[i] != b.sack[i]) return false;
  }
  return b.sack_count == blocks;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes segment{data, size};
  fuzz::sink = fuzz::read_udp(segment) + fuzz::read_tcp(segment);
  const auto view = wire::TcpView::parse(segment);
  if (!view) return 0;
  const wire::TcpRepr repr{view->source_port(), view->dest_port(), view->seq(),    view->ack(),
                           view->flags(),       view->window(),    view->options()};
  fuzz::require(repr.header_size() <= wire::kTcpMaxHeaderBytes);
  std::vector<std::uint8_t> out(repr.header_size());
  repr.emit(out);
  const auto again = wire::TcpView::parse(out);
  fuzz::require(again.has_value());
  fuzz::require(again->seq() == view->seq() && again->ack() == view->ack() && again->flags() == view->flags() &&
                again->window() == view->window() && again->source_port() == view->source_port() &&
                again->dest_port() == view->dest_port());
  fuzz::require(same_options(view->options(), again->options(), repr.sack_blocks_emitted()));
  return 0;
}
