#include "app/smb2/role.h"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <utility>

#include "app/smb2/dialogue.h"

namespace myriad::app::smb2 {
namespace {

Smb2Role::Octets name_of(std::string path) { return utf16(share_path(std::move(path))).value_or(Smb2Role::Octets{}); }

void replace_all(std::string& text, std::string_view what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
}

}  // namespace

std::string share_path(std::string path) {
  std::replace(path.begin(), path.end(), '/', '\\');
  path.erase(0, path.find_first_not_of('\\'));
  while (path.ends_with('\\')) path.pop_back();
  return path;
}

Smb2Role::Smb2Role(Options options)
    : options_(std::move(options)),
      pattern_(options_.seed),
      get_name_(name_of(options_.get.value_or(""))),
      list_name_(name_of(options_.list.value_or(""))) {
  assert(!options_.dialects.empty() && std::is_sorted(options_.dialects.begin(), options_.dialects.end()));
  if (!options_.user.empty()) {
    credentials_ = Credentials::of(options_.user, options_.password, options_.domain);
  }
}

std::unique_ptr<Dialogue> Smb2Role::make(const SessionFacts& facts) const {
  return std::make_unique<Smb2Dialogue>(*this, facts);
}

Smb2Role::Octets Smb2Role::tree_path(const SessionFacts& facts) const {
  return utf16("\\\\" + facts.target.text() + "\\" + options_.share).value_or(Octets{});
}

Smb2Role::Octets Smb2Role::put_name(const SessionFacts& facts) const {
  std::string name = options_.put->name;
  replace_all(name, "{host}", std::to_string(facts.host));
  replace_all(name, "{session}", std::to_string(facts.session));
  return name_of(std::move(name));
}

}  // namespace myriad::app::smb2
