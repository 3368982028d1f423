#include "capture/reader.h"

#include <algorithm>
#include <utility>

#include "capture/gzip.h"
#include "capture/refused.h"

namespace myriad::capture {
namespace {

// How much of a file that we cannot read is looked at for its name.
constexpr std::size_t kNamingBytes = 512;

// As much of it as there is.
Bytes first_bytes(Window& window, std::size_t wanted) {
  window.need(wanted);
  const Bytes here = window.here();
  return here.first(std::min(here.size(), wanted));
}

}  // namespace

Result<Reader> Reader::open(const std::string& path, const ReaderOptions& options) {
  auto source = FileSource::open(path);
  if (!source) return tl::unexpected(std::move(source.error()));
  return from(std::move(*source), path, options);
}

Result<Reader> Reader::from(std::unique_ptr<ByteSource> source, std::string name, const ReaderOptions& options) {
  Window window{std::move(source), options.read_bytes};
  const bool compressed = GzipSource::looks_like(first_bytes(window, 2));
  if (compressed) {
    const Bytes read_already = window.here();
    auto plain = GzipSource::create(window.release(), read_already, options.read_bytes);
    if (plain == nullptr) return fail(Fault::kMachine, "no memory to decompress " + name);
    window = Window{std::move(plain), options.read_bytes};
  }
  Reader reader{std::move(name), std::move(window), compressed};
  if (auto known = reader.recognise(); !known) return tl::unexpected(std::move(known.error()));
  return reader;
}

Result<void> Reader::recognise() {
  damaged_ = false;
  records_ = 0;
  const Bytes first = first_bytes(window_, 4);
  if (PcapFormat::looks_like(first)) {
    if (const auto format = PcapFormat::open(window_, damage_)) {
      format_ = *format;
      return {};
    }
    return broken();
  }
  if (PcapngFormat::looks_like(first)) {
    format_ = PcapngFormat{};
    return {};
  }
  const Bytes more = first_bytes(window_, kNamingBytes);
  if (window_.trouble()) {
    damage_ = Damage{Damage::Kind::kCutOff, 0, {}};
    return broken();
  }
  Refusal refusal = refuse_by_name(more, compressed_);
  return fail(Fault::kUsage, name_ + " " + refusal.what, std::move(refusal.cure));
}

Step Reader::read(Record& record) {
  if (damaged_) return Step::kDamage;
  const Step step = format_.index() == 0 ? std::get<0>(format_).next(window_, record, damage_)
                                         : std::get<1>(format_).next(window_, record, damage_);
  if (step == Step::kRecord) {
    ++records_;
  } else if (step == Step::kDamage) {
    broken();
  }
  return step;
}

// damage_ has happened. Where the source broke, the system, or zlib, has said why.
Failure Reader::broken() {
  damaged_ = true;
  if (damage_.kind == Damage::Kind::kCutOff && window_.trouble()) {
    damage_.kind = Damage::Kind::kUnreadable;
    damage_.what = window_.trouble()->message();
  }
  return error();
}

Failure Reader::error() const {
  const std::string place = std::to_string(damage_.offset) + (compressed_ ? " of the decompressed capture" : "");
  return fail(Fault::kUsage, name_ + ": at byte " + place + ": " + damage_.what);
}

Result<void> Reader::rewind() {
  if (auto again = window_.rewind(); !again) return again;
  return recognise();
}

std::span<const Interface> Reader::interfaces() const {
  if (const auto* pcapng = std::get_if<PcapngFormat>(&format_)) return pcapng->interfaces();
  return {&std::get<PcapFormat>(format_).interface(), 1};
}

std::string Reader::format_name() const {
  const std::string name = std::holds_alternative<PcapFormat>(format_) ? "pcap" : "pcapng";
  return compressed_ ? name + " in gzip" : name;
}

}  // namespace myriad::capture
