#include "app/smb2/reader.h"

#include <algorithm>
#include <cstring>

namespace myriad::app::smb2 {

Reader::Piece Reader::next(Bytes& data) {
  Piece piece;
  while (piece.kind == Kind::kNothing) {
    const At before = at_;
    switch (at_) {
      case At::kLength:
        piece = take_length(data);
        break;
      case At::kHeader:
        piece = take_header(data);
        break;
      case At::kBody:
        piece = take_body(data);
        break;
      case At::kReadFixed:
        piece = take_read_fixed(data);
        break;
      case At::kReadRest:
        piece = take_read_rest(data);
        break;
      case At::kMalformed:
        data = {};
        return malformed();
    }
    if (at_ == before && data.empty()) break;
  }
  return piece;
}

bool Reader::fill(MutableBytes into, Bytes& data) {
  const std::size_t count = std::min(into.size() - have_, data.size());
  if (count != 0) std::memcpy(into.data() + have_, data.data(), count);
  have_ += static_cast<std::uint32_t>(count);
  data = data.subspan(count);
  if (have_ < into.size()) return false;
  have_ = 0;
  return true;
}

// [MS-SMB2] 2.1: a zero, and the length of the frame in 24 bits.
Reader::Piece Reader::take_length(Bytes& data) {
  if (!fill(MutableBytes{head_}.first(kFrameHeadBytes), data)) return {};
  const std::uint32_t length = load_be32(head_.data());
  if (length > 0xffffff || length < kHeaderBytes) return malformed();
  frame_left_ = length;
  at_ = At::kHeader;
  return {};
}

Reader::Piece Reader::take_header(Bytes& data) {
  if (!fill(head_, data)) return {};
  const auto header = Header::parse(head_);
  if (!header || header->next > frame_left_) return malformed();
  header_ = *header;
  has_next_ = header_.next != 0;
  const std::uint32_t message = has_next_ ? header_.next : frame_left_;
  if (has_next_ && frame_left_ - message < kHeaderBytes) return malformed();
  frame_left_ -= message;
  body_ = message - static_cast<std::uint32_t>(kHeaderBytes);
  const bool streamed = header_.command == Command::kRead && header_.status == kStatusSuccess;
  if (streamed ? body_ < ReadReply::kBytes : body_ > kMostBody) return malformed();
  at_ = streamed ? At::kReadFixed : At::kBody;
  if (!streamed && body_ == 0) return take_body(data);
  return {};
}

Reader::Piece Reader::take_body(Bytes& data) {
  if (have_ == 0 && data.size() >= body_) {  // in one piece: nothing is copied
    const Bytes body = data.first(body_);
    data = data.subspan(body_);
    message_over();
    return {Kind::kMessage, body, false};
  }
  if (have_ == 0) collected_.resize(body_);
  if (!fill(collected_, data)) return {};
  message_over();
  return {Kind::kMessage, collected_, false};
}

Reader::Piece Reader::take_read_fixed(Bytes& data) {
  collected_.resize(ReadReply::kBytes);
  if (!fill(collected_, data)) return {};
  const auto reply = parse_read(collected_);
  const std::size_t whole = kHeaderBytes + body_;
  if (!reply ||
      (reply->data_length != 0 && (reply->data_offset > whole || reply->data_length > whole - reply->data_offset))) {
    return malformed();
  }
  read_ = *reply;
  position_ = static_cast<std::uint32_t>(kHeaderBytes + ReadReply::kBytes);
  at_ = At::kReadRest;
  return {Kind::kReadBegins, collected_, false};
}

Reader::Piece Reader::take_read_rest(Bytes& data) {
  const auto whole = static_cast<std::uint32_t>(kHeaderBytes) + body_;
  if (position_ == whole) {
    message_over();
    return {Kind::kReadEnds, {}, false};
  }
  const std::uint32_t begin = read_.data_length == 0 ? whole : read_.data_offset;
  const std::uint32_t end = read_.data_length == 0 ? whole : begin + read_.data_length;
  const bool is_data = position_ >= begin && position_ < end;
  const std::uint32_t until = position_ < begin ? begin : is_data ? end : whole;
  const std::size_t count = std::min<std::size_t>(until - position_, data.size());
  if (count == 0) return {};
  const Piece piece{Kind::kReadBytes, data.first(count), is_data};
  data = data.subspan(count);
  position_ += static_cast<std::uint32_t>(count);
  return piece;
}

void Reader::message_over() {
  have_ = 0;
  at_ = has_next_ ? At::kHeader : At::kLength;
}

}  // namespace myriad::app::smb2
