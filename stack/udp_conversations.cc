#include "stack/udp_conversations.h"

#include <cassert>
#include <utility>

#include "stack/wire/udp.h"

namespace myriad::stack {

static_assert(static_cast<std::uint32_t>(kNoConversation) == HashIndex::kNone);

ConversationId UdpConversations::add(const Conversation& conversation) {
  std::uint32_t number = free_;
  if (number != HashIndex::kNone) {
    free_ = all_[number].next_free;
    all_[number] = conversation;
  } else {
    number = static_cast<std::uint32_t>(all_.size());
    all_.push_back(conversation);
  }
  index_.insert(hash_of(conversation), number, [this](std::uint32_t n) { return hash_of(all_[n]); });
  return ConversationId{number};
}

void UdpConversations::close(ConversationId id) {
  Conversation& conversation = (*this)[id];
  assert(conversation.host != kNoHost);
  const auto number = static_cast<std::uint32_t>(id);
  index_.erase(hash_of(conversation), number);
  conversation = {};
  conversation.next_free = std::exchange(free_, number);
}

ConversationId UdpConversations::find(HostId host, Port local, const IpAddress& remote, Port remote_port) const {
  return ConversationId{index_.find(hash_of(host, local, remote, remote_port), [&](std::uint32_t number) {
    const Conversation& c = all_[number];
    return c.host == host && c.local == local && c.remote_port == remote_port && c.remote == remote;
  })};
}

ConversationId UdpConversations::quoted(HostId host, const IpAddress& remote, Bytes quoted) const {
  if (quoted.size() < wire::kUdpHeaderBytes) return kNoConversation;
  const std::uint8_t* const header = quoted.data();
  const ConversationId id = find(host, Port{load_be16(header)}, remote, Port{load_be16(header + 2)});
  if (id == kNoConversation) return kNoConversation;
  const std::uint16_t length = (*this)[id].last_length;
  return length != 0 && load_be16(header + 4) == length ? id : kNoConversation;
}

}  // namespace myriad::stack
