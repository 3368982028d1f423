#include "app/http_dialogue.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <iterator>
#include <utility>

#include "app/http_redirect.h"

namespace myriad::app {
namespace {

std::string head_of(const HttpExchange& exchange, std::string_view host) {
  // RFC 9110 section 8.6: a method that expects content says how much there is, even if there is none.
  const bool brings = !exchange.body.none() || exchange.method == "POST" || exchange.method == "PUT";
  return http_head({.method = exchange.method,
                    .host = host,
                    .path = exchange.path,
                    .fields = exchange.fields,
                    .content_length = brings ? std::optional{exchange.body.size()} : std::nullopt});
}

}  // namespace

HttpRole::HttpRole(HttpScript script) : script_(std::move(script)) {
  assert(!script_.exchanges.empty());
  for (HttpExchange& exchange : script_.exchanges) {
    exchange.asked.head = exchange.method == "HEAD";
    exchange.asked.follows = script_.redirects > 0;
    exchange.head = head_of(exchange, script_.host);
  }
}

std::unique_ptr<Dialogue> HttpRole::make(const SessionFacts& facts) const {
  return std::make_unique<HttpDialogue>(script_, facts);
}

HttpDialogue::HttpDialogue(const HttpScript& script, const SessionFacts& facts)
    : script_(script), counts_(facts.counts), target_(facts.target), port_(facts.port), rng_(facts.seed) {}

Step HttpDialogue::begin(Instant now) {
  sent_.clear();
  answered_ = 0;
  grown_ = acknowledged_ = 0;
  response_ = HttpResponse{};
  any_answer_ = last_request_ = ends_ = false;
  wake_at_ = Instant::never();
  Step step;
  speak(step, now);
  return step;
}

HttpDialogue::Request HttpDialogue::next_request() {
  if (!waiting_.empty()) {
    Request request = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    return request;
  }
  const std::size_t count = script_.exchanges.size();
  const std::uint64_t place = script_.random ? rng_.below(count) : issued_ % count;
  ++issued_;
  Request request;
  request.exchange = &script_.exchanges[static_cast<std::size_t>(place)];
  return request;
}

void HttpDialogue::speak(Step& step, Instant now) {
  while (unanswered() < script_.pipeline && !last_request_ && !nothing_left()) {
    Request request = next_request();
    // The last one says so, if it is known to be: its answer may lead to another.
    request.keep_alive = script_.keep_alive && (!nothing_left() || script_.holds || script_.redirects > 0);
    last_request_ = !request.keep_alive;
    request.begin = grown_;
    request.at = now;
    grown_ += request.bytes();
    step.grown += request.bytes();
    sent_.push_back(std::move(request));
  }
}

HttpKept HttpDialogue::kept() {
  const HttpExchange& exchange = *sent_[answered_].exchange;
  if (exchange.asked.verify.sha256 && digest_ == nullptr) digest_ = std::make_unique<Sha256>();
  return {exchange.asked.verify.sha256 ? digest_.get() : nullptr, script_.redirects > 0 ? &location_ : nullptr};
}

Step HttpDialogue::take(Bytes data, Instant now) {
  Step sum;
  while (!data.empty() && !complete_) {
    if (unanswered() == 0) return Step::failed(Failure::kHttpMalformed);
    switch (response_.take(data, sent_[answered_].exchange->asked, kept())) {
      case HttpResponse::Outcome::kMore:
        return sum;
      case HttpResponse::Outcome::kFailed:
        if (is_http_status(response_.failure())) count_answer(now);
        return Step::failed(response_.failure());
      case HttpResponse::Outcome::kDone:
        break;
    }
    Step step = answered(now);
    // What was to be said on a connection that is given up is said on the next one.
    if (step.progress != Progress::kReconnect) step.grown += sum.grown;
    if (step.progress != Progress::kMore) return step;
    sum = step;
  }
  return sum;
}

void HttpDialogue::count_answer(Instant now) {
  if (counts_ != nullptr) counts_->answer(response_.status(), now - sent_[answered_].at);
}

Step HttpDialogue::answered(Instant now) {
  const Request& request = sent_[answered_];
  count_answer(now);
  any_answer_ = true;
  ends_ = !response_.persists() || !request.keep_alive;
  if (response_.redirects()) {
    Step step = redirected(request);
    if (step.progress == Progress::kFailed) return step;
  }
  ++answered_;
  response_ = HttpResponse{};
  location_.clear();
  acknowledged(acknowledged_, now);
  return go_on(now);
}

Step HttpDialogue::redirected(const Request& request) {
  const std::uint32_t steps = request.detour ? request.detour->steps : 0;
  if (steps == script_.redirects) return Step::failed(Failure::kHttpTooManyRedirects);
  const HttpExchange& before = *request.exchange;
  const std::string_view host = request.detour ? request.detour->host : script_.host;
  HttpRedirect to = resolve_redirect({target_, port_, script_.tls, host, before.path}, location_);
  if (to.way == HttpRedirect::Way::kMalformed) return Step::failed(Failure::kHttpMalformed);
  if (to.way == HttpRedirect::Way::kElsewhere) return Step::failed(Failure::kHttpRedirectElsewhere);
  Request next;
  next.detour = std::make_unique<Detour>();
  Detour& detour = *next.detour;
  detour.exchange = before;
  detour.exchange.path = std::move(to.path);
  detour.host = std::move(to.host);
  detour.steps = steps + 1;
  // RFC 9110 section 15.4: 303 asks for another resource by GET; after 301 and 302 all do that instead of a POST.
  const unsigned status = response_.status();
  const bool by_get = status == 303 ? before.method != "HEAD" : status <= 302 && before.method == "POST";
  if (by_get) {
    detour.exchange.method = "GET";
    detour.exchange.body = HttpBody{};
  }
  detour.exchange.head = head_of(detour.exchange, detour.host);
  next.exchange = &detour.exchange;
  waiting_.push_back(std::move(next));
  return {};
}

Step HttpDialogue::go_on(Instant now) {
  Step step;
  if (unanswered() == 0 && nothing_left()) {
    complete_ = true;
    step.progress = Progress::kComplete;
    step.verified = std::all_of(script_.exchanges.begin(), script_.exchanges.end(),
                                [](const HttpExchange& exchange) { return exchange.asked.verify.any(); });
    return step;
  }
  if (script_.think > Duration{0}) {
    wake_at_ = now + script_.think;
    return step;
  }
  if (ends_) return reconnect();
  speak(step, now);
  return step;
}

// What is unanswered goes first on the next connection, in the same order.
Step HttpDialogue::reconnect() {
  const auto unanswered_ones = sent_.begin() + static_cast<std::ptrdiff_t>(answered_);
  waiting_.insert(waiting_.begin(), std::make_move_iterator(unanswered_ones), std::make_move_iterator(sent_.end()));
  sent_.erase(unanswered_ones, sent_.end());
  Step step;
  step.progress = Progress::kReconnect;
  return step;
}

Step HttpDialogue::on_time(Instant now) {
  Step step;
  if (now < wake_at_) return step;
  wake_at_ = Instant::never();
  if (ends_) return reconnect();
  speak(step, now);
  return step;
}

Step HttpDialogue::peer_closed(Instant now) {
  if (complete_) return {};
  if (unanswered() != 0) {
    const bool begun = response_.begun();
    if (begun) {
      const auto outcome = response_.peer_closed(sent_[answered_].exchange->asked, kept());
      if (outcome != HttpResponse::Outcome::kDone) return Step::failed(response_.failure());
      return answered(now);
    }
    const bool may_repeat = std::all_of(sent_.begin() + static_cast<std::ptrdiff_t>(answered_), sent_.end(),
                                        [](const Request& request) { return request.exchange->idempotent(); });
    if (!any_answer_ || !may_repeat) return Step::failed(Failure::kClosedEarly);
    return reconnect();
  }
  ends_ = true;  // between two requests: the next one comes when its time has come
  return {};
}

// A server that has said that it closes does so.
Step HttpDialogue::leave([[maybe_unused]] Instant now) {
  Step step;
  if (!ends_) step.progress = Progress::kOver;
  return step;
}

Step HttpDialogue::acknowledged(std::uint64_t upto, [[maybe_unused]] Instant now) {
  acknowledged_ = std::max(acknowledged_, upto);
  std::size_t done = 0;
  while (done < answered_ && sent_[done].begin + sent_[done].bytes() <= acknowledged_) ++done;
  sent_.erase(sent_.begin(), sent_.begin() + static_cast<std::ptrdiff_t>(done));
  answered_ -= done;
  return {};
}

void HttpDialogue::read(std::uint64_t offset, MutableBytes out) const {
  for (const Request& request : sent_) {
    if (out.empty()) return;
    const std::uint64_t end = request.begin + request.bytes();
    if (offset >= end) continue;
    assert(offset >= request.begin);
    std::uint64_t at = offset - request.begin;
    const auto copy_part = [&](std::string_view part) {
      if (at < part.size()) {
        const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(part.size() - at, out.size()));
        std::memcpy(out.data(), part.data() + at, piece);
        out = out.subspan(piece);
        offset += piece;
        at = 0;
      } else {
        at -= part.size();
      }
    };
    copy_part(request.exchange->head);
    copy_part(http_head_end(request.keep_alive));
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(end - offset, out.size()));
    request.exchange->body.read(at, out.first(piece));
    out = out.subspan(piece);
    offset += piece;
  }
  assert(out.empty());
}

}  // namespace myriad::app
