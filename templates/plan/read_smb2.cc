// smb2: what a host does on a file server's share.
#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.h"
#include "templates/plan/keys_smb2.h"
#include "templates/plan/reading.h"

namespace myriad::plan {
namespace {

constexpr std::size_t kLongestShare = 80;  // [MS-FSCC] 2.1.6
constexpr std::size_t kLongestPath = 1024;
constexpr std::size_t kLongestCredential = 256;
constexpr std::uint64_t kMostPut = 1ULL << 40;
constexpr std::pair<std::string_view, std::uint16_t> kDialects[] = {
    {"2.0.2", 0x0202}, {"2.1", 0x0210}, {"3.0", 0x0300}, {"3.0.2", 0x0302}, {"3.1.1", 0x0311}};

// Well-formed, without control characters: names are sent in UTF-16.
bool is_name(std::string_view text) {
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t bytes = utf8_bytes(text);
    if (bytes == 0 || first < 0x20 || first == 0x7f) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::optional<std::string> read_path(Reading& reading, const Node& node, bool may_be_root) {
  auto path = reading.text(node);
  if (!path) return std::nullopt;
  const bool empty = path->find_first_not_of("/\\") == std::string::npos;
  if (is_name(*path) && path->size() <= kLongestPath && (may_be_root || !empty)) return path;
  reading.wrong(node.at, fmt::format("{} is not a path on a share", quoted(*path)),
                fmt::format("as in folder/file.bin; UTF-8, at most {} bytes", kLongestPath));
  return std::nullopt;
}

std::string read_credential(Reading& reading, const Node* node, bool ascii) {
  if (node == nullptr) return "";
  auto text = reading.text(*node);
  if (!text) return "";
  if (text->size() <= kLongestCredential && (ascii ? !text->empty() && is_ascii(*text) : is_name(*text))) return *text;
  reading.wrong(
      node->at, ascii ? fmt::format("{} is not the name of a user", quoted(*text)) : "not a text of UTF-8",
      fmt::format("{} at most {} bytes", ascii ? "printable ASCII without spaces," : "without control characters,",
                  kLongestCredential));
  return "";
}

void read_credentials(Reading& reading, Fields& fields, Smb2Workload& smb2) {
  smb2.user = read_credential(reading, fields.find("user"), true);
  smb2.password = read_credential(reading, fields.find("password"), false);
  smb2.domain = read_credential(reading, fields.find("domain"), false);
  if (fields.has("user")) return;
  for (const std::string_view key : {"password", "domain"}) {
    if (fields.has(key)) reading.wrong(fields.place_of(key), fmt::format("'{}' without a 'user'", key), "add 'user'");
  }
}

void read_dialects(Reading& reading, const Node& node, Smb2Workload& smb2) {
  static constexpr std::string_view kAsIn = "as in [2.1, 3.1.1]; there are 2.0.2, 2.1, 3.0, 3.0.2 and 3.1.1";
  if (!node.is_list() || node.items.empty()) {
    return reading.wrong(node.at,
                         fmt::format("dialects are a list, not {}", node.is_list() ? "an empty one" : node.kind_name()),
                         std::string(kAsIn));
  }
  smb2.dialects.clear();
  for (const NodePtr& item : node.items) {
    const auto text = reading.text(*item);
    if (!text) continue;
    const auto known =
        std::find_if(std::begin(kDialects), std::end(kDialects), [&](const auto& d) { return d.first == *text; });
    if (known == std::end(kDialects)) {
      reading.wrong(item->at, fmt::format("{} is not a dialect of SMB2", quoted(*text)), std::string(kAsIn));
    } else if (std::find(smb2.dialects.begin(), smb2.dialects.end(), known->second) != smb2.dialects.end()) {
      reading.wrong(item->at, fmt::format("{} is offered twice", *text), "remove one of them");
    } else {
      smb2.dialects.push_back(known->second);
    }
  }
  std::sort(smb2.dialects.begin(), smb2.dialects.end());
}

std::optional<Smb2Put> read_put(Reading& reading, const Node& node, Place at) {
  Fields fields(reading, node, kSmb2PutTable, "'put'", at);
  const Node* const name = fields.require("name");
  const Node* const size = fields.require("size");
  if (name == nullptr || size == nullptr) return std::nullopt;
  const auto path = read_path(reading, *name, false);
  const auto bytes = reading.quantity(*size, parse_size);
  if (bytes && *bytes > kMostPut) {
    reading.wrong(size->at, fmt::format("a file of {}", size_text(*bytes)),
                  fmt::format("at most {}", size_text(kMostPut)));
  }
  if (!path || !bytes) return std::nullopt;
  return Smb2Put{*path, *bytes};
}

void read_operations(Reading& reading, Fields& fields, Smb2Workload& smb2) {
  if (const Node* const get = fields.find("get")) smb2.get = read_path(reading, *get, false);
  if (const Node* const verify = fields.find("verify")) {
    smb2.verify = read_verify(reading, *verify, fields.place_of("verify"), kSmb2VerifyTable);
    if (!fields.has("get"))
      reading.wrong(fields.place_of("verify"), "nothing is got that could be verified", "add 'get'");
  }
  if (const Node* const put = fields.find("put")) smb2.put = read_put(reading, *put, fields.place_of("put"));
  if (const Node* const list = fields.find("list")) smb2.list = read_path(reading, *list, true);
}

}  // namespace

Smb2Workload read_smb2(Reading& reading, const Node& node, Place at, WorkloadPlaces& places) {
  Fields fields(reading, node, kSmb2Table, "'smb2'", at);
  Smb2Workload smb2;
  if (const Node* const share = fields.require("share", "as in share: public")) {
    smb2.share = reading.text(*share).value_or("");
    const bool good = !smb2.share.empty() && smb2.share.size() <= kLongestShare && is_name(smb2.share) &&
                      smb2.share.find_first_of("/\\") == std::string::npos;
    if (!good) {
      reading.wrong(share->at, fmt::format("{} is not the name of a share", quoted(smb2.share)),
                    fmt::format("the name alone, as in public; at most {} bytes", kLongestShare));
    }
  }
  read_credentials(reading, fields, smb2);
  read_operations(reading, fields, smb2);
  if (const Node* const dialects = fields.find("dialects")) read_dialects(reading, *dialects, smb2);
  if (const Node* const signing = fields.find("signing")) {
    smb2.signing_required = reading.choice<bool>(*signing, {{"auto", false}, {"required", true}}).value_or(false);
    if (smb2.signing_required && !fields.has("user")) {
      reading.wrong(signing->at, "a session without a user has no key to sign with", "add 'user'");
    }
  }
  if (const Node* const echo = fields.find("echo")) {
    smb2.echo = reading.duration(*echo, std::chrono::milliseconds{10}).value_or(smb2.echo);
  }
  if (const Node* const hold = fields.find("hold")) {
    places.hold = hold->at;
    places.held = reading.duration(*hold, Duration{0});
  }
  return smb2;
}

}  // namespace myriad::plan
