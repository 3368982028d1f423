#include "engine/row_feed.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "craft/csv.h"

namespace myriad::engine {

RowFeed::RowFeed(std::string path, std::span<const craft::ColumnUse> columns)
    : path_(std::move(path)), columns_(columns), thread_([this] { read(); }) {}

RowFeed::~RowFeed() {
  unwanted_.store(true, std::memory_order_release);
  tail_.fetch_add(1, std::memory_order_release);  // so that a thread that waits for room looks again
  tail_.notify_one();
  thread_.join();
}

void RowFeed::next() {
  tail_.store(tail_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  tail_.notify_one();
}

craft::RowBlock* RowFeed::empty_block() {
  const std::uint32_t head = head_.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint32_t tail = tail_.load(std::memory_order_acquire);
    if (unwanted_.load(std::memory_order_acquire)) return nullptr;
    if (head - tail < kBlocks) return &blocks_[head % kBlocks];
    tail_.wait(tail, std::memory_order_acquire);
  }
}

void RowFeed::read() {
  craft::CsvReader reader{columns_};
  std::vector<char> text(std::size_t{256} << 10);
  std::FILE* const file = std::fopen(path_.c_str(), "rbe");
  if (file == nullptr) error_ = path_ + ": " + std::strerror(errno);
  std::string_view left;
  bool at_end = file == nullptr;
  while (!at_end) {
    craft::RowBlock* const block = empty_block();
    if (block == nullptr) break;
    reader.begin(*block);
    while (block->count < craft::CsvReader::kRowsPerBlock && !reader.error() && !at_end) {
      if (left.empty()) left = {text.data(), std::fread(text.data(), 1, text.size(), file)};
      if (left.empty()) {
        reader.finish(*block);
        at_end = true;
      } else {
        left.remove_prefix(reader.read(left, *block));
      }
    }
    at_end = at_end || reader.error();
    if (block->count != 0) head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  if (const auto& wrong = reader.error()) {
    error_ = path_ + ":" + std::to_string(wrong->line) + ":" + std::to_string(wrong->column) + ": " + wrong->what;
  }
  if (file != nullptr) std::fclose(file);
  ended_.store(true, std::memory_order_release);
}

}  // namespace myriad::engine
