#include "templates/plan/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <streambuf>
#include <unordered_map>
#include <unordered_set>

#include "base/utf8.h"

namespace myriad::plan {
namespace {

constexpr std::uint64_t kWeightOfNode = 64;  // about what a Node costs beside its text

struct Stop {};  // thrown out of yaml-cpp after a problem that makes reading on useless

// What yaml-cpp says, in the words of who writes a scenario.
struct Wording {
  std::string_view theirs;  // the start of it
  std::string_view what;
  std::string_view suggestion;
};
constexpr Wording kWordings[] = {
    {"end of map flow not found", "a ',' or the closing } is missing before this", "write {key: value, other: value}"},
    {"end of sequence flow not found", "a ',' or the closing ] is missing before this", "write [a, b]"},
    {"end of map not found", "this does not fit into the mapping around it",
     "keys of one mapping begin in the same column and are written 'key: value'"},
    {"end of sequence not found", "this does not fit into the list around it",
     "items of one list begin in the same column with '- '"},
    {"illegal map value", "a ':' that belongs to no key", "a value that holds ': ' needs quotes"},
    {"illegal block entry", "a '- ' cannot stand here", "begin the list on a line of its own, or write [a, b]"},
    {"illegal flow end", "this closes nothing that is open here", "each [ ends with ], each { with }"},
    {"illegal EOF in scalar", "the text that begins with a quote has no end before this", "close the quote"},
    {"illegal document indicator in scalar", "the text that begins with a quote has no end before this",
     "close the quote"},
    {"the referenced anchor is not defined", "no anchor of this name stands before this alias",
     "write &name at the value to be repeated"},
    {"unknown escape character", "an escape that double quotes do not know",
     "write \\\\ for a backslash, or use single quotes"},
    {"unknown token", "this character cannot begin a value", "put the value in quotes"},
    {"illegal tab", "a tab in the indentation", "use spaces"},
};

Wording wording_of(std::string_view theirs, std::string_view line) {
  if (line.find("]:") != line.npos && line.find(": [") != line.npos) {
    return {theirs, "text after a closing ]", "an IPv6 address in brackets needs quotes: \"[fd00::1]:80\""};
  }
  for (const Wording& wording : kWordings) {
    if (theirs.starts_with(wording.theirs)) return wording;
  }
  return {theirs, theirs, {}};
}

// Builds Nodes from yaml-cpp's events. One frame of `open_` per list or mapping that has begun and not ended.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, Place begin, Problems& problems)
      : text_(text), begin_(begin), problems_(problems) {}

  [[nodiscard]] NodePtr root() const { return root_; }
  [[nodiscard]] Place place(const YAML::Mark& mark) const {
    if (mark.is_null()) return {begin_.source, 0, 0};
    const auto line = static_cast<std::uint32_t>(mark.line);
    const auto column = static_cast<std::uint32_t>(mark.column);
    return {begin_.source, begin_.line + line, line == 0 ? begin_.column + column : column + 1};
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    const Place at = place(mark);
    const bool marked =
        problems_.line_of(at).starts_with("---") || problems_.line_of({at.source, at.line - 1, 0}).starts_with("---");
    stop(at, marked ? "a second document begins here" : "text after the end of the document",
         marked ? "a scenario is one document: remove the '---'"
                : "remove it, or indent it as a part of what stands above");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (expects_key()) stop(place(mark), "a key is missing", "write 'key: value'");
    // yaml-cpp says where the next token begins, which may be lines below.
    const bool of_key = !open_.empty() && open_.back().has_key;
    auto node = make(Node::Kind::kNull, of_key ? open_.back().key_at : place(mark));
    complete(std::move(node), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const Place at = place(mark);
    refuse_tag(at, tag);
    if (!is_closed(mark)) stop(at, "the text that begins with this quote has no end", "close the quote");
    if (expects_key()) {
      if (anchor != YAML::NullAnchor) stop(at, "an anchor on a key", "put it on the value");
      return begin_entry(at, value, tag == "?");
    }
    auto node = make(Node::Kind::kScalar, at);
    node->text = value;
    node->weight += value.size();
    complete(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Place at = place(mark);
    if (expects_key()) stop(at, "an alias as a key", "write '<<: *name' to take over the keys of a mapping");
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) stop(at, "an alias inside the value that it names", "a value cannot contain itself");
    count_value(at);
    attach(found->second, at);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(Node::Kind::kList, place(mark), tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(Node::Kind::kMap, place(mark), tag, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapEnd() override { end(); }

 private:
  struct Open {
    std::shared_ptr<Node> node;
    YAML::anchor_t anchor;
    // Of a mapping:
    bool has_key = false;    // a key was read and its value is due
    bool merging = false;    // … and it was `<<`
    bool duplicate = false;  // … and it was there before: the value is dropped
    std::string key;
    Place key_at;
    std::unordered_map<std::string, std::uint32_t> line_of_key;
    std::vector<NodePtr> merges;
  };

  [[noreturn]] void stop(Place at, std::string what, std::string suggestion) {
    problems_.add(at, std::move(what), std::move(suggestion));
    throw Stop{};
  }
  // Whether a quoted text at `mark` has its second quote: yaml-cpp 0.7 takes the end of the file after a line end for
  // one.
  [[nodiscard]] bool is_closed(const YAML::Mark& mark) const {
    const auto begin = static_cast<std::size_t>(mark.pos);
    if (mark.is_null() || begin >= text_.size() || (text_[begin] != '"' && text_[begin] != '\'')) return true;
    for (std::size_t at = begin + 1; at < text_.size(); ++at) {
      if (text_[begin] == '"' && text_[at] == '\\') {
        ++at;
      } else if (text_[at] == text_[begin]) {
        return true;  // '' inside single quotes is a quote as well, and then comes another
      }
    }
    return false;
  }
  void count_value(Place at) {
    if (++values_ > kMostValues) {
      stop(at, fmt::format("more than {} values", kMostValues),
           "groups and 'count' describe many hosts in a few lines");
    }
  }
  std::shared_ptr<Node> make(Node::Kind kind, Place at) {
    count_value(at);
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->at = at;
    node->weight = kWeightOfNode;
    return node;
  }
  [[nodiscard]] bool expects_key() const {
    return !open_.empty() && open_.back().node->is_map() && !open_.back().has_key;
  }

  // "?" and "!" are what yaml-cpp calls a plain and a quoted value without a tag.
  void refuse_tag(Place at, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      stop(at, "a tag (" + quoted(tag) + ")", "remove it: the key decides how a value is read");
  }

  void begin(Node::Kind kind, Place at, const std::string& tag, YAML::anchor_t anchor) {
    refuse_tag(at, tag);
    // yaml-cpp takes a '{' or '[' without its end for the key of a mapping that begins in the same place.
    if (expects_key() && at == open_.back().node->at)
      stop(at, "the bracket that opens here is not closed, or is a key", "close it; a key is a plain word");
    if (expects_key()) stop(at, "a list or mapping as a key", "a key is a plain word");
    if (open_.size() >= kMostNesting) {
      stop(at, fmt::format("nested deeper than {} levels", kMostNesting), "no scenario needs that");
    }
    open_.push_back({make(kind, at), anchor, false, false, false, {}, {}, {}, {}});
  }

  void begin_entry(Place at, const std::string& key, bool plain) {
    count_value(at);
    Open& map = open_.back();
    map.has_key = true;
    map.merging = plain && key == "<<";
    map.duplicate = false;
    map.key = key;
    map.key_at = at;
    const auto [first, is_new] = map.line_of_key.emplace(key, at.line);
    if (is_new) return;
    map.duplicate = true;
    problems_.add(at, "the key " + quoted(key) + " is given twice",
                  fmt::format("the first one is in line {}", first->second));
    if (problems_.full()) throw Stop{};
  }

  void end() {
    Open done = std::move(open_.back());
    open_.pop_back();
    merge(done);
    complete(std::move(done.node), done.anchor);
  }

  // https://yaml.org/type/merge.html: own keys win, then the earlier of several mappings.
  void merge(Open& map) {
    for (const NodePtr& source : map.merges) {
      for (const Entry& entry : source->entries) {
        if (map.line_of_key.emplace(entry.key, entry.at.line).second) map.node->entries.push_back(entry);
      }
    }
  }

  void complete(std::shared_ptr<Node> node, YAML::anchor_t anchor) {
    NodePtr made = std::move(node);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = made;
    attach(made, made->at);
  }

  // Puts a finished value where it belongs; `at` is where it was written, which for an alias is not where it was made.
  void attach(const NodePtr& node, Place at) {
    if (open_.empty()) {
      root_ = node;
      return;
    }
    Open& parent = open_.back();
    parent.node->weight += node->weight + parent.key.size();
    if (parent.node->weight > kMostWeight) {
      stop(at, "too much once every alias is replaced by what it names",
           "repeat less: groups and 'count' describe many hosts in a few lines");
    }
    if (parent.node->is_list()) {
      parent.node->items.push_back(node);
      return;
    }
    parent.has_key = false;
    if (parent.duplicate) return;
    if (parent.merging) return remember_merge(parent, node, at);
    parent.node->entries.push_back({parent.key, parent.key_at, node});
  }

  void remember_merge(Open& map, const NodePtr& node, Place at) {
    const auto refuse = [&](Place where) {
      stop(where, "'<<' takes over the keys of a mapping, and this is none",
           "write '<<: *name' or '<<: [*one, *other]'");
    };
    if (node->is_map()) {
      map.merges.push_back(node);
      return;
    }
    if (!node->is_list()) refuse(at);
    for (const NodePtr& item : node->items) {
      if (!item->is_map()) refuse(at);
      map.merges.push_back(item);
    }
  }

  std::string_view text_;
  Place begin_;
  Problems& problems_;
  NodePtr root_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, NodePtr> anchors_;
  std::uint64_t values_ = 0;
  int documents_ = 0;
};

// Lets yaml-cpp read from where the text lies.
class TextBuffer : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // NOLINT: streambuf wants char*, an input buffer is never written
    setg(begin, begin, begin + text.size());
  }
};

}  // namespace

bool check_text(std::uint32_t source, Problems& problems) {
  const std::string_view text = problems.source_text(source);
  Place at{source, 1, 1};
  bool in_comment = false;  // or behind a '#' inside a quoted text, where a tab does no harm either
  const auto refuse = [&](std::string what, std::string suggestion) {
    problems.add(at, std::move(what), std::move(suggestion));
    return false;
  };
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_bytes(text.substr(i));
    const char c = text[i];
    if (length == 0) return refuse("not UTF-8", "save the file as UTF-8");
    if (c == '\t' && !in_comment) return refuse("a tab", "use spaces; inside double quotes write \\t");
    if (c == '\r' && text.substr(i, 2) != "\r\n")
      return refuse("a carriage return without a line feed", "end lines with a line feed");
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f) {
      return refuse(fmt::format("a control character (0x{:02x})", static_cast<unsigned char>(c)),
                    "inside double quotes write \\x and two digits");
    }
    if (c == '#') in_comment = true;
    if (c == '\n') {
      in_comment = false;
      at = {source, at.line + 1, 0};
    }
    i += length;
    at.column += static_cast<std::uint32_t>(length);
    if (c == '\n') at.column = 1;
  }
  return true;
}

NodePtr parse_yaml(std::string_view text, Place begin, Problems& problems) {
  TextBuffer buffer(text);
  std::istream stream(&buffer);
  TreeBuilder builder(text, begin, problems);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {}
  } catch (const Stop&) {
    return nullptr;
  } catch (const YAML::Exception& error) {
    const Place at = builder.place(error.mark);
    const Wording wording = wording_of(error.msg, problems.line_of(at));
    problems.add(at, std::string(wording.what), std::string(wording.suggestion));
    return nullptr;
  }
  if (!problems.none()) return nullptr;
  if (builder.root()) return builder.root();
  if (begin.column > 1) {
    auto nothing = std::make_shared<Node>();
    nothing->at = begin;
    return nothing;
  }
  problems.add({begin.source, 0, 0}, "the file holds no scenario", "templates/http_clients.yaml is one to begin with");
  return nullptr;
}

}  // namespace myriad::plan
