// How a client proves who it is: NTLMv2 ([MS-NLMP]) inside SPNEGO (RFC 4178), the client's side of one exchange.
//
//   first token ─▶ the server's challenge ─▶ last token, and the key of the session
//
// Without a user the session is anonymous. No message integrity code is sent: it is the client's choice, and with one
// SPNEGO would want one of its own as well. Refuses (nullopt) whatever is not a challenge, or points outside itself.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "app/smb2/signing.h"
#include "base/bytes.h"

namespace myriad::app::smb2 {

// What a user knows, in the form in which it is needed; the same for all sessions of a workload.
struct Credentials {
  bool anonymous = true;
  std::vector<std::uint8_t> user;    // UTF-16
  std::vector<std::uint8_t> domain;  // UTF-16
  Key response_key{};                // NTOWFv2

  // All in UTF-8, which the caller has checked; `user` is ASCII, so that it is known what its upper case is.
  [[nodiscard]] static Credentials of(std::string_view user, std::string_view password, std::string_view domain);
};

// The token of the first session setup.
[[nodiscard]] std::vector<std::uint8_t> first_token();

struct Challenge {
  std::array<std::uint8_t, 8> challenge{};
  std::uint32_t flags = 0;
  Bytes target_info;              // within what was parsed
  std::uint64_t server_time = 0;  // in units of 100 ns since 1601; 0: not said
};
// From the server's token, with SPNEGO around it or without.
[[nodiscard]] std::optional<Challenge> parse_challenge(Bytes token);

// What the answer is made from besides.
struct Luck {
  std::array<std::uint8_t, 8> client_challenge{};
  Key session_key{};
};
struct Answer {
  std::vector<std::uint8_t> token;
  Key session_key{};  // zeros when anonymous
};
// `now`: as Challenge::server_time; counts when the server did not say its own.
[[nodiscard]] Answer answer(const Credentials& credentials, const Challenge& challenge, std::uint64_t now,
                            const Luck& luck);

}  // namespace myriad::app::smb2
