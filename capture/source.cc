#include "capture/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace myriad::capture {

Result<std::unique_ptr<FileSource>> FileSource::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail(Fault::kUsage, "cannot open the capture " + path, {}, errno);
  auto source = std::make_unique<FileSource>(path, descriptor);
  struct stat about {};
  if (::fstat(descriptor, &about) == 0 && S_ISDIR(about.st_mode)) {
    return fail(Fault::kUsage, "cannot read the capture " + path, "name a file", EISDIR);
  }
  (void)::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);  // advice: a pipe takes none
  return source;
}

FileSource::~FileSource() { ::close(descriptor_); }

Result<std::size_t> FileSource::read(MutableBytes into) {
  for (;;) {
    const ssize_t got = ::read(descriptor_, into.data(), into.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return fail(Fault::kRun, "cannot read the capture " + path_, {}, errno);
  }
}

Result<void> FileSource::rewind() {
  if (::lseek(descriptor_, 0, SEEK_SET) == 0) return {};
  return fail(Fault::kUsage, "cannot read the capture " + path_ + " a second time", "name a file, not a pipe", errno);
}

Result<std::size_t> MemorySource::read(MutableBytes into) {
  const std::size_t count = std::min({into.size(), bytes_.size() - at_, at_most_});
  if (count != 0) std::memcpy(into.data(), bytes_.data() + at_, count);
  at_ += count;
  return count;
}

Result<void> MemorySource::rewind() {
  at_ = 0;
  return {};
}

}  // namespace myriad::capture
