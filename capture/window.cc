#include "capture/window.h"

#include <algorithm>

namespace myriad::capture {

bool Window::read_more() {
  if (ended_) return false;
  const auto got = source_->read(MutableBytes{block_}.subspan(end_));
  if (!got) trouble_ = got.error();
  ended_ = !got || *got == 0;
  if (ended_) return false;
  end_ += *got;
  return true;
}

const std::uint8_t* Window::fill(std::size_t bytes) {
  while (end_ - begin_ < bytes) {
    if (block_.size() - begin_ < bytes && begin_ != 0) {
      std::copy(block_.begin() + static_cast<std::ptrdiff_t>(begin_),
                block_.begin() + static_cast<std::ptrdiff_t>(end_), block_.begin());
      base_ += begin_;
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == block_.size()) block_.resize(std::min(2 * block_.size(), std::max(bytes, block_.size() + 1)));
    if (!read_more()) return nullptr;
  }
  return block_.data() + begin_;
}

bool Window::skip(std::uint64_t bytes) {
  while (bytes > end_ - begin_) {
    bytes -= end_ - begin_;
    base_ += end_;
    begin_ = end_ = 0;
    if (!read_more()) return false;
  }
  begin_ += static_cast<std::size_t>(bytes);
  return true;
}

Result<void> Window::rewind() {
  if (base_ == 0 && ended_ && !trouble_) {
    begin_ = 0;
    return {};
  }
  if (auto again = source_->rewind(); !again) return again;
  begin_ = end_ = 0;
  base_ = 0;
  ended_ = false;
  trouble_.reset();
  return {};
}

}  // namespace myriad::capture
