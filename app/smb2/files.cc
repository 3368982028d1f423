// What is done on the share: a file is read, a file is written, a directory is listed; each opened before and closed
// after.
#include <algorithm>
#include <cassert>

#include "app/smb2/status.h"
#include "app/smb2/work.h"

namespace myriad::app::smb2 {

void Smb2Dialogue::next_operation(Instant now) {
  const Options& options = role_.options();
  const auto is_wanted = [&](Operation what) {
    return what == Operation::kGet   ? options.get.has_value()
           : what == Operation::kPut ? options.put.has_value()
                                     : what == Operation::kDone || options.list.has_value();
  };
  do {
    operation_ = static_cast<Operation>(static_cast<std::uint8_t>(operation_) + 1);
  } while (!is_wanted(operation_));
  if (operation_ != Operation::kDone) return ask_open();
  wake_at_ = now + options.echo;
}

// --- opening and closing ---------------------------------------------------------------------------------------------

// A file that is to be read says how long it is in the same frame, if the credits allow two requests.
void Smb2Dialogue::ask_open() {
  if (!can_ask()) return;
  Work& w = *work_;
  w.open = w.size_known = false;
  w.next_offset = w.moved = 0;
  w.file_bytes = operation_ == Operation::kPut ? role_.options().put->bytes : 0;
  CreateRequest request{kReadAccess, kShareAll, kOpenExisting, kFileOnly, role_.get_name()};
  Smb2Role::Octets put_name;
  if (operation_ == Operation::kPut) {
    put_name = role_.put_name(w.facts);
    request = {kWriteAccess, kShareAll, kOverwriteOrCreate, kFileOnly, put_name};
  } else if (operation_ == Operation::kList) {
    request = {kReadAccess, kShareAll, kOpenExisting, kDirectoryOnly, role_.list_name()};
  } else if (role_.options().verify_sha256) {
    w.digest = std::make_unique<Sha256>();
  }
  Frame frame;
  ask(frame, Command::kCreate);
  write(frame, request);
  if (operation_ == Operation::kGet && credits_ > 0) {
    ask(frame, Command::kQueryInfo, flag::kRelated);
    write_query_standard_info(frame, kRelatedFile);
  }
  send(frame);
}

void Smb2Dialogue::on_create(Bytes body) {
  Work& w = *work_;
  const auto reply = parse_create(body);
  if (!reply || w.open) return fail(Failure::kSmb2Malformed);
  w.file = reply->file;
  w.open = true;
  if (operation_ == Operation::kPut) return ask_ranges();
  if (operation_ == Operation::kList) return ask_names();
  if (w.asked.empty()) ask_file_size();
}

void Smb2Dialogue::ask_file_size() {
  if (!can_ask()) return;
  Frame frame;
  ask(frame, Command::kQueryInfo);
  write_query_standard_info(frame, work_->file);
  send(frame);
}

void Smb2Dialogue::on_query_info(Bytes body) {
  Work& w = *work_;
  const auto info = parse_standard_info(body);
  if (!info || !w.open || w.size_known) return fail(Failure::kSmb2Malformed);
  if (info->directory) return fail(Failure::kStatusFileIsADirectory);
  const auto& expected = role_.options().verify_bytes;
  if (expected && info->end_of_file != *expected) return fail(Failure::kVerifyMismatch);
  w.size_known = true;
  w.file_bytes = info->end_of_file;
  ask_ranges();
}

void Smb2Dialogue::ask_close() {
  if (!can_ask()) return;
  Frame frame;
  ask(frame, Command::kClose);
  write_close(frame, work_->file);
  send(frame);
}

// The operation is done when the server has let go of the file.
void Smb2Dialogue::on_close(Bytes body, Instant now) {
  Work& w = *work_;
  if (!is_close(body)) return fail(Failure::kSmb2Malformed);
  const Options& options = role_.options();
  if (operation_ == Operation::kGet && (options.verify_bytes || options.verify_sha256)) {
    const bool right = (!options.verify_bytes || w.moved == *options.verify_bytes) &&
                       (!options.verify_sha256 || w.digest->finish() == *options.verify_sha256);
    if (!right) return fail(Failure::kVerifyMismatch);
    verified_ = true;
  }
  w.digest.reset();
  next_operation(now);
}

// --- reading and writing ---------------------------------------------------------------------------------------------

// Asks for as much as credits and bounds allow: first what came short, then what comes next.
void Smb2Dialogue::ask_ranges() {
  Work& w = *work_;
  const bool writes = operation_ == Operation::kPut;
  std::uint64_t in_flight = 0;
  std::size_t waiting = 0;
  for (Range& range : w.ranges) {
    if (range.left != 0 && range.asked == 0 && credits_ > 0) ask_range(range);
    in_flight += range.left + range.early.size();
    waiting += range.asked != 0 ? 1 : 0;
  }
  const std::uint32_t most = writes ? w.most_write : w.most_read;
  while (!failed() && w.next_offset < w.file_bytes && w.ranges.size() < (writes ? kMostWrites : kMostReads) &&
         in_flight + most <= kMostInFlight) {
    const auto wanted = static_cast<std::uint32_t>(std::min<std::uint64_t>(most, w.file_bytes - w.next_offset));
    // A part that credits do not pay for yet is asked for in pieces only when nothing else is coming.
    const bool paid = !large_mtu_ ? credits_ > 0 : credits_ >= (wanted - 1) / kCreditBytes + 1;
    if (!paid && (waiting != 0 || credits_ == 0)) break;
    Range& range = w.ranges.emplace_back();
    range.offset = w.next_offset;
    range.left = wanted;
    w.next_offset += wanted;
    in_flight += wanted;
    ask_range(range);
    ++waiting;
  }
  if (failed()) return;
  if (w.ranges.empty() && w.next_offset >= w.file_bytes) return ask_close();
  if (waiting == 0) fail(Failure::kSmb2NoCredits);
}

// As much of it as one request can ask for.
void Smb2Dialogue::ask_range(Range& range) {
  Work& w = *work_;
  const std::uint64_t affordable = std::uint64_t{large_mtu_ ? credits_ : 1} * kCreditBytes;
  range.asked = static_cast<std::uint32_t>(std::min<std::uint64_t>(range.left, affordable));
  const std::uint32_t charge = large_mtu_ ? (range.asked - 1) / kCreditBytes + 1 : 1;
  Frame frame;
  if (operation_ == Operation::kPut) {
    range.message = begin_request(frame, Command::kWrite, charge);
    write_write(frame, w.file, range.offset, range.asked);
    role_.pattern().fill(range.offset, frame.room(range.asked));
  } else {
    range.message = begin_request(frame, Command::kRead, charge);
    write_read(frame, w.file, range.offset, range.asked);
  }
  send(frame);
}

// Something has come: what is whole, and in turn, is forgotten; more is asked for.
void Smb2Dialogue::after_range() {
  in_turn();
  ask_ranges();
}

void Smb2Dialogue::in_turn() {
  Work& w = *work_;
  std::size_t whole = 0;
  for (Range& range : w.ranges) {
    if (w.digest) w.digest->add(range.early);
    range.early = {};
    if (range.left != 0) break;
    ++whole;
  }
  w.ranges.erase(w.ranges.begin(), w.ranges.begin() + static_cast<std::ptrdiff_t>(whole));
}

// The file may have become shorter since it was opened; everything else ends the session.
void Smb2Dialogue::on_read_refused(Range& range, std::uint32_t status) {
  Work& w = *work_;
  if (status != kStatusEndOfFile) return fail(failure_of_status(status));
  range.left = 0;
  w.file_bytes = std::min(w.file_bytes, range.offset);
  after_range();
}

void Smb2Dialogue::on_write(Range& range, Bytes body) {
  const auto written = parse_write(body);
  const std::uint32_t most = range.left;
  if (!written || *written == 0 || *written > most) return fail(Failure::kSmb2Malformed);
  range.offset += *written;
  range.left -= *written;
  work_->moved += *written;
  after_range();
}

// --- listing ---------------------------------------------------------------------------------------------------------

void Smb2Dialogue::ask_names() {
  if (!can_ask()) return;
  Frame frame;
  ask(frame, Command::kQueryDirectory);
  write_query_directory(frame, work_->file, work_->most_names);
  send(frame);
}

void Smb2Dialogue::on_query_directory(Bytes body) {
  if (work_->reader.header().status == kStatusNoMoreFiles) return ask_close();
  const auto names = parse_query_directory(body);
  if (!names || *names == 0) return fail(Failure::kSmb2Malformed);
  ask_names();
}

}  // namespace myriad::app::smb2
