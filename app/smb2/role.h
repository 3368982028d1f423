// What all sessions of an SMB2 workload have in common: who they are, which dialects they offer, and what they do on
// the share, in this order: get, put, list. Made once from the plan; shared and never changed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/dialogue.h"
#include "app/pattern.h"
#include "app/sha256.h"
#include "app/smb2/ntlm.h"
#include "app/smb2/wire.h"
#include "base/time.h"

namespace myriad::app::smb2 {

struct Options {
  struct Put {
    std::string name;  // {host} and {session} in it stand for their numbers
    std::uint64_t bytes = 0;
  };

  std::string share;
  std::string user;  // ASCII; empty: the session is anonymous
  std::string password;
  std::string domain;
  std::vector<Dialect> dialects;  // offered, ascending
  bool signing_required = false;  // otherwise as the server wants it
  std::optional<std::string> get;
  std::optional<std::uint64_t> verify_bytes;
  std::optional<Sha256::Digest> verify_sha256;
  std::optional<Put> put;
  std::optional<std::string> list;
  Duration echo = std::chrono::seconds{10};  // while a session is held
  std::uint64_t seed = 0;                    // of what is put
};

class Smb2Role final : public Role {
 public:
  using Octets = std::vector<std::uint8_t>;

  // All texts are UTF-8: the plan has been checked.
  explicit Smb2Role(Options options);

  [[nodiscard]] std::unique_ptr<Dialogue> make(const SessionFacts& facts) const override;

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const Credentials& credentials() const { return credentials_; }
  [[nodiscard]] const Pattern& pattern() const { return pattern_; }
  // In UTF-16, as they go onto the wire.
  [[nodiscard]] Octets tree_path(const SessionFacts& facts) const;
  [[nodiscard]] const Octets& get_name() const { return get_name_; }
  [[nodiscard]] Octets put_name(const SessionFacts& facts) const;
  [[nodiscard]] const Octets& list_name() const { return list_name_; }

 private:
  Options options_;
  Credentials credentials_;
  Pattern pattern_;
  Octets get_name_;
  Octets list_name_;
};

// A path of the scenario as SMB2 wants it: relative, with backslashes.
[[nodiscard]] std::string share_path(std::string path);

}  // namespace myriad::app::smb2
